//! A store whose database holds arbitrary bytes: it is read, verified, exported, searched and written to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use samestory::{
    Result,
    archive::{self, Archive, ArchiveBuilder, Removal},
    embed::{EmbedStats, Embeddings},
    group::Decisions,
    store::{DATABASE, Identity, Store, StoryNumber},
    story::Story,
    vector::{Matrix, normalize},
};

use super::Reader;

pub const STORE: Reader = Reader { name: "store", read: store, seeds, cost: 60 };

/// Values of a vector in the seeds.
const DIM: usize = 4;

/// A folder in memory where there is one: SQLite syncs each commit to the disk.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder for the store")
}

fn embed(dim: usize) -> impl Fn(&[&str]) -> Result<Embeddings> {
    move |texts| {
        let mut vectors = Matrix::zeros(texts.len(), dim);
        for (i, text) in texts.iter().enumerate() {
            vectors.row_mut(i).iter_mut().zip(text.bytes()).for_each(|(x, b)| *x = f32::from(b));
            normalize(vectors.row_mut(i));
        }
        Ok(Embeddings { vectors, stats: EmbedStats::default() })
    }
}

fn builder(identity: &Identity) -> ArchiveBuilder {
    Archive::builder().embed_with(identity.clone(), embed(identity.dim))
}

fn story(id: &str, text: &str) -> Story {
    let mut story = Story { id: id.into(), title: format!("Of {id}"), text: text.into(), ..Story::default() };
    story.origin.path = "a.jsonl".into();
    story
}

fn store(bytes: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join(DATABASE), bytes).expect("a file");
    let Ok(store) = Store::open(folder.path()) else { return };
    let _ = (store.info(), store.verify());
    let _ = store.for_each_story(&mut |story| {
        samestory::ingest::to_json_line(story);
        Ok(())
    });
    let _ = archive::decisions(store.reader());
    let _ = store.reader().events(0, None);
    let identity = store.identity().clone();
    if let Ok(archive) = builder(&identity).build(store) {
        let _ = archive.check(&story("new", RAIN));
        let _ = archive.explain(StoryNumber(1), StoryNumber(2));
        let _ = archive.with_groups(|grouped| grouped.groups.groups.len());
    }
    let _ = write(folder.path(), &identity);
}

/// All that changes a store.
fn write(folder: &Path, identity: &Identity) -> Result<()> {
    let mut archive = builder(identity).open_to_write(folder)?;
    archive.begin_run(0, "fuzz")?;
    archive.add(vec![story("new", RAIN), story("a", SUN)])?;
    archive.apply_decisions(&Decisions::parse(Path::new("d"), DECISIONS)?)?;
    archive.remove(&["b".into()], Removal::ByPeople)?;
    archive.finish_run("{}")?;
    archive.save_index()?;
    drop(archive);
    Store::open_to_write(folder)?.compact()?;
    Ok(())
}

const RAIN: &str = "Rain fell on the hills of Valemont on Tuesday, 12 millimetres in a day, and more is expected.\n\n\
    Roads were closed for hours, the council of Valemont said, and the ferry to Norrin did not run at all.";
const SUN: &str =
    "The sun shone over the harbour of Norrin, where 300 people had come to see the boats go out.";
const DECISIONS: &str = "{\"schema\":1,\"a\":\"a\",\"b\":\"new\",\"decision\":\"same\"}\n\
    {\"schema\":1,\"a\":\"c\",\"b\":\"d\",\"decision\":\"different\"}\n";

/// Damage that made samestory panic, or take all memory or time, one at a time.
const DAMAGE: [&str; 8] = [
    "UPDATE meta SET value = '0' WHERE key = 'dim'",
    "UPDATE meta SET value = '99999999999' WHERE key = 'dim'",
    "UPDATE rows SET number = 1 << 40 WHERE number = (SELECT max(number) FROM rows)",
    "UPDATE rows SET number = 1 << 40 WHERE number = 3; UPDATE sqlite_sequence SET seq = 1 << 50",
    "UPDATE stories SET number = 1 << 40 WHERE number = 4",
    "UPDATE stories SET number = -(1 << 62) WHERE number = 1",
    "UPDATE passages SET start = 7, end = 100000",
    "UPDATE passages SET start = 9, end = 3",
];

fn seeds() -> Vec<Vec<u8>> {
    let folder = folder();
    let identity = Identity { model: "m".into(), fingerprint: "f".into(), dim: DIM };
    let mut archive = builder(&identity).open_or_create(folder.path()).unwrap();
    archive.begin_run(0, "fuzz").unwrap();
    let changed = RAIN.replace("12", "15");
    let stories = [("a", RAIN), ("b", &changed), ("c", SUN), ("d", &changed)];
    archive.add(stories.map(|(id, text)| story(id, text)).to_vec()).unwrap();
    archive.apply_decisions(&Decisions::parse(Path::new("d"), DECISIONS).unwrap()).unwrap();
    drop(archive);
    let path = folder.path().join(DATABASE);
    let changed = |sql: &str| {
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch(sql).unwrap();
    };
    // In small pages, and not as a log beside the file: what is changed lies close to what it means.
    changed("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM");
    let whole = fs::read(&path).unwrap();
    let damaged = DAMAGE.map(|sql| {
        fs::write(&path, &whole).unwrap();
        changed(&format!("PRAGMA foreign_keys = OFF; {sql}"));
        fs::read(&path).unwrap()
    });
    [whole].into_iter().chain(damaged).collect()
}
