//! Where reports go: links stay links, and a pipe or a device is written to, never replaced.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    thread,
};

const STORY: &str = r#"{"id":"a","text":"The dam at Ostrel will be raised by four metres next spring, the water board said."}"#;

fn write_groups(folder: &Path, out: &Path) {
    let input = folder.join("in.jsonl");
    fs::write(&input, STORY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_samestory"));
    command.args(["dedup", "--quiet", "--format", "groups", "--out"]).arg(out).arg(&input);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn writes_through_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    write_groups(folder.path(), &link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("alone-0"));
}

/// Where a file that is not whole yet lies cannot be known before: nothing can lie in wait there.
#[test]
fn no_link_beside_an_output_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let process = std::process::id();
    for n in process..process + 3000 {
        symlink("precious", folder.path().join(format!("out.{n}.partial"))).unwrap();
    }
    write_groups(folder.path(), &folder.path().join("out"));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::symlink_metadata(folder.path().join("out")).unwrap().is_file());
}

#[test]
fn a_file_beyond_the_limit_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), format!("{STORY}\n").repeat(40)).unwrap();
    let line =
        format!("ulimit -f 1; exec '{}' read in.jsonl --out out --quiet", env!("CARGO_BIN_EXE_samestory"));
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write out") && stderr.contains("hint:"), "{stderr}");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["in.jsonl"]);
}

#[test]
fn writes_to_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    write_groups(folder.path(), &pipe);
    assert!(read.join().unwrap().contains("alone-0"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::write(&out, "old").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o600)).unwrap();
    write_groups(folder.path(), &out);
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn keeps_a_dangling_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    symlink("file", &link).unwrap();
    write_groups(folder.path(), &link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && file.is_file());
}
