//! The store in practice: full disks, read-only folders, damage, a second writer, earlier versions.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Archive, DATABASE, stories};

#[test]
fn known_stories_are_not_read_or_embedded_again() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 40));
    a.text(&["index", "add", "in.jsonl"]);
    // One row for each text and one for each title.
    let first = a.info();
    assert_eq!((&first["stories"], &first["rows"], &first["sources"]), (&40.into(), &80.into(), &1.into()));
    let again = a.run(&["index", "add", "in.jsonl"]);
    let stderr = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(stderr.contains("40 unchanged") && stderr.contains("0 passages embedded"), "{stderr}");
    // One story changed, one gone, one new.
    let changed = stories(1, 40).replace("ferry number 5 left", "ferry number 5 has left");
    a.write("in.jsonl", &changed);
    let stderr = String::from_utf8_lossy(&a.run(&["index", "update"]).stderr).into_owned();
    for part in ["1 stories added", "1 replaced", "38 unchanged", "1 removed", "3 passages embedded"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    a.text(&["index", "compact"]);
    assert_eq!((&a.info()["stories"], &a.info()["unused_rows"]), (&40.into(), &0.into()));
    a.text(&["index", "verify"]);
}

#[test]
fn an_export_can_be_added_to_another_store() {
    let a = Archive::new();
    let commanding = "{\"id\": \"c1\", \"text\": \"The ferry \u{9b}31m left \u{202e}late on the third day of the gale.\"}\n";
    a.write("in.jsonl", &(stories(0, 12) + commanding));
    a.text(&["index", "add", "in.jsonl"]);
    let exported = a.text(&["index", "export"]);
    assert!(exported.contains("\\u009b31m left \\u202elate"), "{exported}");
    a.write("out.jsonl", &exported);
    a.text(&["index", "--store", "other", "add", "out.jsonl"]);
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone();
    let again = a.text(&["index", "--store", "other", "export"]);
    assert_eq!(exported.lines().map(id).collect::<Vec<_>>(), again.lines().map(id).collect::<Vec<_>>());
}

#[test]
fn compares_new_stories_with_the_archive() {
    let a = Archive::new();
    a.write("old.jsonl", &stories(0, 30));
    a.text(&["index", "add", "old.jsonl"]);
    let copy = stories(7, 1).replace("s7", "again");
    a.write("new.jsonl", &copy);
    let groups = a.text(&["dedup", "new.jsonl", "--store", ".samestory", "--format", "jsonl"]);
    let line = groups.lines().find(|l| l.contains("\"again\"")).unwrap();
    assert!(line.contains("identical"), "{line}");
    // Nothing was added.
    assert_eq!(a.info()["stories"], 30);
    let output = a.run(&["dedup", "new.jsonl", "--store", ".samestory", "-v"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 passage known from the store"));
}

#[test]
fn removes_all_ids_or_none() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 5));
    a.text(&["index", "add", "in.jsonl"]);
    assert!(a.error(&["index", "remove", "s1", "nobody"]).contains("nobody"));
    assert_eq!(a.info()["stories"], 5);
    a.text(&["index", "remove", "s1", "s2"]);
    assert_eq!(a.info()["stories"], 3);
}

#[test]
fn a_story_from_another_file_is_not_replaced() {
    let a = Archive::new();
    a.write("one.jsonl", &stories(0, 2));
    a.write("two.jsonl", &stories(0, 1).replace("left the harbour", "entered the harbour"));
    a.text(&["index", "add", "one.jsonl"]);
    let before = a.text(&["index", "export"]);
    let output = a.run(&["index", "add", "two.jsonl", "--strict"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("s0 was left out"));
    assert_eq!(a.text(&["index", "export"]), before);
}

#[test]
fn a_full_disk_is_reported_and_loses_nothing() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 200));
    a.text(&["index", "add", "in.jsonl"]);
    let before = a.text(&["index", "export"]);
    a.write("more.jsonl", &stories(200, 600));
    // No file may grow beyond 700 blocks of 512 bytes, as on a disk that is full.
    let line = format!(
        "trap '' XFSZ; ulimit -f 700; exec '{}' index add more.jsonl",
        env!("CARGO_BIN_EXE_samestory")
    );
    let output = Command::new("sh").args(["-c", &line]).current_dir(a.folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("archive.sqlite") && stderr.contains("hint:") && !stderr.contains("panicked"),
        "{stderr}"
    );
    a.text(&["index", "verify"]);
    assert!(a.text(&["index", "export"]).starts_with(&before));
    a.text(&["index", "add", "more.jsonl"]);
    assert_eq!(a.info()["stories"], 800);
}

/// A command that is bound by permissions, which do not bind root: it runs as nobody then.
fn unprivileged(a: &Archive, args: &[&str]) -> Command {
    let mut command = a.command(args);
    if fs::metadata(a.path("")).unwrap().uid() == 0 {
        fs::set_permissions(a.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        // That user may not have access to the build folder, so the program runs from this one.
        let program = a.path("program");
        if !program.exists() {
            fs::copy(command.get_program(), &program).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        command = a.command_of(&program, args);
        command.uid(65534).gid(65534);
    }
    command
}

#[test]
fn reads_a_store_where_nothing_can_be_written() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.text(&["index", "add", "in.jsonl"]);
    let expect = a.text(&["index", "export"]);
    let folder = a.path(".samestory");
    let mode = |path: &Path, bits: u32| fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    // Closed, the database has no log beside it, and still is one with a log.
    assert!(!folder.join("archive.sqlite-wal").exists());
    for file in fs::read_dir(&folder).unwrap() {
        mode(&file.unwrap().path(), 0o444);
    }
    mode(&folder, 0o555);
    for args in [
        &["index", "export", "--store", ".samestory"][..],
        &["index", "verify", "--store", ".samestory"],
        &["similar", "s1", "--store", ".samestory"],
    ] {
        let output = unprivileged(&a, args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        if args[1] == "export" {
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expect);
        }
    }
    mode(&folder, 0o755);
    // A log that waits to be written back is not passed over.
    fs::write(folder.join("archive.sqlite-wal"), "of another time").unwrap();
    mode(&folder.join("archive.sqlite-wal"), 0o000);
    mode(&folder, 0o555);
    let output = unprivileged(&a, &["index", "export", "--store", ".samestory"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("a log of changes waits"), "{stderr}");
    mode(&folder, 0o755);
}

#[test]
fn reports_a_folder_that_cannot_be_written() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.text(&["index", "add", "in.jsonl"]);
    let before = a.text(&["index", "export"]);
    let mode = |path: &Path, bits: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    };
    let folder = a.path(".samestory");
    let all = ["archive.sqlite", "writer.lock"].map(|name| folder.join(name));
    mode(&folder, 0o555);
    all.iter().for_each(|file| mode(file, 0o444));
    a.write("more.jsonl", &stories(3, 2));
    let output = unprivileged(&a, &["index", "add", "more.jsonl"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains(".samestory") && stderr.contains("hint:") && !stderr.contains("panicked"),
        "{stderr}"
    );
    mode(&folder, 0o755);
    all.iter().for_each(|file| mode(file, 0o644));
    assert_eq!(a.text(&["index", "export"]), before);
    a.text(&["index", "verify"]);
}

#[test]
fn rejects_a_second_writer_and_admits_readers() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 5));
    a.text(&["index", "add", "in.jsonl"]);
    let lock = File::options().write(true).open(a.path(".samestory/writer.lock")).unwrap();
    lock.lock().unwrap();
    assert!(a.error(&["index", "add", "in.jsonl"]).contains("is being written to by process "));
    assert_eq!(a.info()["stories"], 5);
    a.text(&["index", "verify"]);
}

#[test]
fn rejects_another_model() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.text(&["index", "add", "in.jsonl"]);
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    db.execute("UPDATE meta SET value = 'other-t1' WHERE key = 'fingerprint'", []).unwrap();
    drop(db);
    for command in [&["index", "add", "in.jsonl"][..], &["dedup", "--store", ".samestory"]] {
        assert!(a.error(command).contains("its vectors are of"), "{command:?}");
    }
}

#[test]
fn rejects_another_precision_until_the_store_is_rebuilt() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.text(&["index", "add", "in.jsonl"]);
    let int8 = ["index", "add", "in.jsonl", "--precision", "int8"];
    assert!(a.error(&int8).contains("rebuild with the --precision"));
    a.text(&["index", "rebuild", "--precision", "int8"]);
    a.text(&int8);
    assert!(a.error(&["index", "add", "in.jsonl"]).contains("give the --precision that it was made with"));
    assert_eq!(a.info()["stories"], 3);
}

/// Damage is reported or harmless: no panic, and no altered story.
#[test]
fn damage_is_reported_or_harmless() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 60));
    a.text(&["index", "add", "in.jsonl"]);
    a.text(&["index", "compact"]);
    let whole = a.text(&["index", "export"]);
    let path = a.path(".samestory").join(DATABASE);
    let good = fs::read(&path).unwrap();
    let check = |what: &str| {
        let verify = a.run(&["index", "verify"]);
        let stderr = String::from_utf8_lossy(&verify.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{what}: {stderr}");
        let export = a.run(&["index", "export"]);
        if verify.status.success() {
            assert_eq!(String::from_utf8_lossy(&export.stdout), whole, "{what} was not noticed");
        } else {
            assert!(stderr.contains("hint:"), "{what}: {stderr}");
        }
    };
    for part in 0..8 {
        fs::write(&path, &good[..good.len() * part / 8]).unwrap();
        check(&format!("cut at {part}/8"));
    }
    for i in 0..40 {
        let at = (i * 2_654_435_761_usize) % good.len();
        let mut bad = good.clone();
        bad[at] ^= 1 << (i % 8);
        fs::write(&path, &bad).unwrap();
        check(&format!("a flipped bit at {at}"));
    }
    fs::write(&path, "this is no database, and far too short for one").unwrap();
    assert!(a.error(&["index", "info"]).contains("hint: the file is damaged"));
}

/// Any change that was not made through the library is found, whatever the table.
#[test]
fn verify_finds_what_another_program_changed() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 1) + &stories(0, 1).replace("s0", "copy") + &stories(5, 3)));
    a.write("d.jsonl", "{\"schema\":1,\"a\":\"s5\",\"b\":\"s6\",\"decision\":\"different\"}\n");
    a.text(&["index", "add", "in.jsonl"]);
    a.text(&["index", "decide", "d.jsonl"]);
    a.text(&["index", "remove", "s7"]);
    a.text(&["index", "verify"]);
    let path = a.path(".samestory").join(DATABASE);
    let good = fs::read(&path).unwrap();
    let check = |table: &str, sql: &str| {
        fs::write(&path, &good).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
        db.close().unwrap();
        let stderr = a.error(&["index", "verify"]);
        assert!(stderr.contains(&format!("the table of {table} is not as")), "{sql}: {stderr}");
    };
    // The sign of a value: a unit vector stays one.
    let flipped = "CAST(substr(vector, 1, 3) || x'bf' || substr(vector, 5) AS BLOB)";
    check("rows", &format!("UPDATE rows SET vector = {flipped} WHERE substr(vector, 4, 1) = x'3d'"));
    check("rows", "UPDATE rows SET number = number + 100");
    check("words", "UPDATE words SET stories = stories * 100 + 7");
    check("words", "UPDATE words SET name = name + 1 WHERE word = 'ferry'");
    check("words", "DELETE FROM words WHERE word = 'ostrel'");
    check("pairs", "UPDATE pairs SET relation = 'twin'");
    check("pairs", "UPDATE pairs SET features = replace(features, '1', '2')");
    check("pairs", "DELETE FROM pairs");
    check("members", "UPDATE members SET coverage = 0.01, removed = 1 - removed, reason = 'nonsense'");
    check("members", "DELETE FROM members");
    check("passages", "UPDATE passages SET row = 1");
    check("passages", "UPDATE passages SET title = 1 - title");
    check("groups", "UPDATE groups SET canonical = NULL");
    check("boilerplate counts", "UPDATE rows SET occurrences = 9 WHERE number = 1");
    check("boilerplate counts", "UPDATE rows SET unrelated_neighbours = unrelated_neighbours + 1");
    check("decisions", "UPDATE decisions SET same = 1");
    check("stories", "UPDATE stories SET path = 'elsewhere.jsonl'");
    check("stories", "UPDATE stories SET line = line + 1");
    check("stories", "UPDATE stories SET title_row = NULL");
    check("sources", "UPDATE sources SET digest = zeroblob(32)");
    check("events", "UPDATE events SET kind = 'left'");
    check("events", "DELETE FROM events WHERE number = 1");
    check("runs", "UPDATE runs SET at = 0");
    check("tombstones", "DELETE FROM tombstones");
    check("tombstones", "INSERT INTO tombstones VALUES ('s5', 'in.jsonl')");
    check("boilerplate", "INSERT INTO boilerplate VALUES ('a passage', 1)");
    check("canonical overrides", "INSERT INTO canonical_overrides (id) VALUES ('copy')");
    check("meta", "UPDATE meta SET value = 7 WHERE key = 'generation'");
    check("sqlite sequence", "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'stories'");
    check("pairs", "UPDATE digests SET digest = zeroblob(16) WHERE name = 'pairs'");
    check("pairs", "DELETE FROM digests WHERE name = 'pairs'");
}

#[test]
fn export_leaves_out_a_text_that_its_digest_denies() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 4));
    a.text(&["index", "add", "in.jsonl"]);
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    db.execute("UPDATE stories SET text = replace(text, 'ferry', 'fairy') WHERE id = 's2'", []).unwrap();
    db.close().unwrap();
    let output = a.run(&["index", "export"]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("story \"s2\": the text is not as it was written"), "{stderr}");
    let exported = String::from_utf8(output.stdout).unwrap();
    assert_eq!(exported.lines().count(), 3);
    assert!(!exported.contains("fairy"));
    assert!(a.error(&["dedup", "--store", ".samestory"]).contains("\"s2\""));
}

/// What lies in a store is never executed: a file with anything that SQLite would run is refused.
#[test]
fn a_store_with_a_program_in_it_is_refused() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.text(&["index", "add", "in.jsonl"]);
    let path = a.path(".samestory").join(DATABASE);
    let good = fs::read(&path).unwrap();
    let check = |sql: &str, part: &str| {
        fs::write(&path, &good).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(sql).unwrap();
        db.close().unwrap();
        let changed = fs::read(&path).unwrap();
        for command in [&["index", "info"][..], &["index", "export"], &["index", "add", "in.jsonl"], &["log"]]
        {
            let stderr = a.error(command);
            assert!(stderr.contains(part), "{sql}: {stderr}");
        }
        assert_eq!(fs::read(&path).unwrap(), changed, "{sql}");
    };
    check("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM stories; END", "the trigger \"t\"");
    check("DROP TABLE events; CREATE VIEW events AS SELECT 1 AS number", "the view \"events\"");
    check("CREATE TABLE t (a)", "the table \"t\"");
    check("CREATE INDEX i ON words (abs(stories))", "the index \"i\"");
    check("DROP INDEX pairs_of_b", "it lacks what \"CREATE INDEX pairs_of_b");
    check("ALTER TABLE sources ADD COLUMN x AS (stories + 1)", "the table \"sources\"");
}

#[test]
fn verify_finds_a_group_that_does_not_match_its_members() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 1) + &stories(0, 1).replace("s0", "copy") + &stories(5, 3)));
    a.text(&["index", "add", "in.jsonl"]);
    a.text(&["index", "verify"]);
    let path = a.path(".samestory").join(DATABASE);
    let good = fs::read(&path).unwrap();
    let check = |sql: &str| {
        fs::write(&path, &good).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
        db.close().unwrap();
        let stderr = a.error(&["index", "verify"]);
        assert!(stderr.contains("group 1 and its members do not fit"), "{sql}: {stderr}");
    };
    check("DELETE FROM members");
    check("UPDATE groups SET canonical = 4");
    check("UPDATE groups SET canonical = NULL");
}

#[test]
fn a_backup_is_a_store() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 4) + &stories(0, 1).replace("s0", "copy")));
    let added = String::from_utf8(a.run(&["index", "add", "in.jsonl"]).stderr).unwrap();
    assert!(added.contains("copy is identical to s0\n"), "{added}");
    // While another process writes.
    let lock = File::options().write(true).open(a.path(".samestory/writer.lock")).unwrap();
    lock.lock().unwrap();
    a.write("copy.sqlite", "an earlier one");
    a.text(&["index", "backup", "copy.sqlite"]);
    let names = fs::read_dir(a.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("partial")));
    fs::create_dir(a.path("restored")).unwrap();
    fs::copy(a.path("copy.sqlite"), a.path("restored").join(DATABASE)).unwrap();
    for args in [&["index", "export"][..], &["log"]] {
        let of_copy = a.text(&[args, &["--store", "restored"]].concat());
        assert_eq!(of_copy, a.text(args));
    }
    a.text(&["index", "verify", "--store", "restored"]);
    a.text(&["index", "add", "in.jsonl", "--store", "restored"]);
    assert!(a.error(&["index", "backup", ".samestory/archive.sqlite"]).contains("belongs to a store"));
    // What is damaged takes the place of nothing.
    let before = fs::read(a.path("copy.sqlite")).unwrap();
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    db.execute("UPDATE words SET stories = 7", []).unwrap();
    db.close().unwrap();
    assert!(a.error(&["index", "backup", "copy.sqlite"]).contains("the table of words"));
    assert_eq!(fs::read(a.path("copy.sqlite")).unwrap(), before);
}

/// Copies the fixture of a store into the folder of a test.
fn copy_fixture(a: &Archive, name: &str) -> PathBuf {
    let fixture = crate::support::repository().join("tests/data").join(name);
    fs::create_dir(a.path(".samestory")).unwrap();
    fs::copy(fixture.join(DATABASE), a.path(".samestory").join(DATABASE)).unwrap();
    fixture
}

/// The numbers and texts that a query of the store's database finds.
fn query(a: &Archive, sql: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    let mut all = db.prepare(sql).unwrap();
    let rows = all.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// The groups of the store: the ids of each, in alphabetical order.
fn groups(a: &Archive) -> Vec<Vec<String>> {
    let ids = |line: &str| {
        let group: serde_json::Value = serde_json::from_str(line).unwrap();
        let stories = group["stories"].as_array().unwrap();
        let mut ids: Vec<String> = stories.iter().map(|s| s["id"].as_str().unwrap().into()).collect();
        ids.sort();
        ids
    };
    a.text(&["reach", "--store", ".samestory", "--format", "jsonl"]).lines().map(ids).collect()
}

const VERSION: &str = "SELECT CAST(user_version AS TEXT) FROM pragma_user_version";

/// A store of version 1 is read as it is, and migrated by its next writer.
#[test]
fn a_store_of_version_1_is_read_and_migrated() {
    let a = Archive::new();
    let fixture = copy_fixture(&a, "store-1");
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    db.execute("INSERT INTO meta VALUES ('removed hw-999', 'in.jsonl')", []).unwrap();
    db.close().unwrap();
    let exported = fs::read_to_string(fixture.join("export.jsonl")).unwrap();

    assert_eq!(a.text(&["index", "export"]), exported);
    a.text(&["index", "verify"]);
    assert!(a.text(&["log"]).contains("group 1: created with "));
    let checked = a.feed(&["check", "--quiet"], exported.lines().next().unwrap());
    assert!(String::from_utf8_lossy(&checked.stdout).contains("\"known\""));
    let before = groups(&a);
    assert_eq!(query(&a, VERSION), ["1"]);

    a.text(&["index", "remove", "hw-101"]);
    assert_eq!(query(&a, VERSION), ["3"]);
    assert_eq!(query(&a, "SELECT id FROM tombstones ORDER BY id"), ["hw-101", "hw-999"]);
    assert!(query(&a, "SELECT key FROM meta WHERE key LIKE 'removed%'").is_empty());
    assert!(a.text(&["log"]).contains("hw-101 left"));
    assert_ne!(groups(&a), before);
    a.text(&["index", "compact"]);
    a.text(&["index", "verify"]);
}

/// A migrated store of version 1 has the groups that it had.
#[test]
fn migrating_changes_no_group() {
    let a = Archive::new();
    copy_fixture(&a, "store-1");
    let before = groups(&a);
    a.text(&["index", "compact"]);
    assert_eq!((query(&a, VERSION), groups(&a)), (vec!["3".to_string()], before));
    a.text(&["index", "verify"]);
}

/// A store of version 2, with a removed story, a decision and a chosen canonical story.
#[test]
fn a_store_of_version_2_is_read_and_migrated() {
    let a = Archive::new();
    let fixture = copy_fixture(&a, "store-2");
    assert_eq!(a.text(&["index", "export"]), fs::read_to_string(fixture.join("export.jsonl")).unwrap());
    a.text(&["index", "verify"]);
    assert_eq!(groups(&a), [vec!["n1", "n2", "n3"], vec!["s5", "s6"]]);
    assert_eq!(query(&a, "SELECT id FROM tombstones"), ["s3"]);
    assert_eq!(query(&a, VERSION), ["2"]);
    let before = String::from_utf8(a.run(&["index", "verify"]).stderr).unwrap();
    assert!(before.contains("has no digests of the rest"), "{before}");
    a.text(&["index", "remove", "s1"]);
    assert_eq!(query(&a, VERSION), ["3"]);
    a.text(&["index", "compact"]);
    a.text(&["index", "verify"]);
}
