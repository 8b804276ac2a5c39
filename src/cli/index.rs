//! `samestory index`: an archive of stories that grows, with the vectors of what it knows.

use std::path::Path;

use samestory::{
    Error, Result, ingest,
    progress::{Progress, Silent, Stage},
    store::{Added, Store, digest_of},
    story::Story,
};

use super::{
    Outcome, archive,
    args::{Index, IndexAdd, IndexCommand, IndexExport, IndexRemove, IndexUpdate},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    sink, stories,
};

/// Stories of a transaction: a kill loses the embedding of at most so many.
const BATCH: usize = 256;

/// Ids shown one by one; the rest is counted.
const SHOWN: usize = 20;

/// Runs the command.
pub fn run(args: &Index) -> Result<Outcome> {
    catch_ctrl_c();
    let store = args.store.as_deref();
    match &args.command {
        IndexCommand::Add(args) => add(store, args),
        IndexCommand::Update(args) => update(store, args),
        IndexCommand::Remove(args) => remove(store, args),
        IndexCommand::Info { json } => info(store, *json),
        IndexCommand::Verify => verify(store),
        IndexCommand::Compact => compact(store),
        IndexCommand::Export(args) => export(store, args),
    }
}

fn add(store: Option<&Path>, args: &IndexAdd) -> Result<Outcome> {
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let mut store =
        Store::open_or_create(&archive::folder_to_write(store)?, &archive::identity(&engine.model))?;
    let ingested = stories::read(&args.paths, &stories::options(&args.input)?, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let added = put(&mut store, &engine, sources(ingested.stories), &bars)?;
    tell(&store, &added, 0, args.compute.quiet, &bars);
    Ok(match bad_input || !added.taken.is_empty() {
        true if args.input.strict => Outcome::BadInput,
        _ => Outcome::Done,
    })
}

fn update(store: Option<&Path>, args: &IndexUpdate) -> Result<Outcome> {
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let mut store = Store::open_to_write(&archive::existing_folder(store)?)?;
    store.check_identity(&archive::identity(&engine.model))?;
    let (there, gone): (Vec<String>, Vec<String>) =
        store.sources()?.into_iter().partition(|path| Path::new(path).exists());
    for path in &gone {
        eprintln!("samestory: {} is no longer there; its stories stay", samestory::report::line(path, 400));
    }
    if there.is_empty() {
        return Err(Error::NoStories {
            place: "the files that the store was made of".into(),
            hint: "add files: samestory index add PATHS".into(),
        });
    }
    let paths: Vec<_> = there.iter().map(Into::into).collect();
    let ingested = stories::read(&paths, &stories::options(&args.input)?, &bars)?;
    let bad_input = !ingested.notices.is_empty() || !gone.is_empty();
    let sources = sources(ingested.stories);
    let mut vanished = 0;
    for (path, of_path) in &sources {
        if store.source(path)?.is_some_and(|known| known != digest_of(of_path)) {
            let keep: Vec<String> = of_path.iter().map(|s| s.id.clone()).collect();
            vanished += store.remove_vanished(path, &keep)?;
        }
    }
    let added = put(&mut store, &engine, sources, &bars)?;
    tell(&store, &added, vanished, args.compute.quiet, &bars);
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// Stories by the file that holds them, in the order they were read.
fn sources(stories: Vec<Story>) -> Vec<(String, Vec<Story>)> {
    let mut sources: Vec<(String, Vec<Story>)> = Vec::new();
    for story in stories {
        let path = story.origin.path.to_string_lossy().into_owned();
        match sources.last_mut() {
            Some((last, of_path)) if *last == path => of_path.push(story),
            _ => sources.push((path, vec![story])),
        }
    }
    sources
}

/// Commits what `store` does not have yet, a batch at a time.
fn put(store: &mut Store, engine: &Engine, sources: Vec<(String, Vec<Story>)>, bars: &Bars) -> Result<Added> {
    let all = sources.iter().map(|(_, s)| s.len() as u64).sum();
    bars.begin(Stage::Store, Some(all));
    let mut added = Added::default();
    let mut batch: Vec<Story> = Vec::new();
    // Files whose stories are all in once the batch is.
    let mut whole = Vec::new();
    let mut put = |store: &mut Store, batch: &mut Vec<Story>, whole: &mut Vec<(String, [u8; 32], u64)>| {
        let committed = commit(store, engine, std::mem::take(batch))?;
        for (path, digest, stories) in whole.drain(..) {
            store.set_source(&path, &digest, stories)?;
        }
        added = std::mem::take(&mut added).and(committed);
        Result::Ok(())
    };
    let mut unchanged = 0;
    for (path, of_path) in sources {
        let (digest, count) = (digest_of(&of_path), of_path.len() as u64);
        let is_file = !stories::is_stdin(Path::new(&path));
        if is_file && store.source(&path)?.is_some_and(|known| known == digest) {
            unchanged += count;
            bars.advance(Stage::Store, count);
            continue;
        }
        let unknown = store.unknown(of_path)?;
        unchanged += count - unknown.len() as u64;
        bars.advance(Stage::Store, count - unknown.len() as u64);
        for story in unknown {
            if bars.cancelled() {
                return Err(Error::Stopped {
                    done: "what was committed is in the store".into(),
                    hint: "run the same command again: it goes on there".into(),
                });
            }
            batch.push(story);
            if batch.len() == BATCH {
                put(store, &mut batch, &mut whole)?;
                bars.advance(Stage::Store, BATCH as u64);
            }
        }
        if is_file {
            whole.push((path, digest, count));
        }
    }
    put(store, &mut batch, &mut whole)?;
    bars.end(Stage::Store);
    added.unchanged += unchanged;
    Ok(added)
}

/// One transaction.
fn commit(store: &mut Store, engine: &Engine, batch: Vec<Story>) -> Result<Added> {
    if batch.is_empty() {
        return Ok(Added::default());
    }
    let corpus = ingest::corpus(batch);
    let rows = store.unknown_rows(&corpus)?;
    let texts: Vec<&str> = rows.iter().map(|row| corpus.row_text(*row)).collect();
    let embedded = engine.embed_texts(&texts, &Silent)?;
    store.add(&corpus, &rows, &embedded.vectors)
}

fn tell(store: &Store, added: &Added, vanished: u64, quiet: bool, bars: &Bars) {
    for id in added.taken.iter().take(SHOWN) {
        let id = samestory::report::line(id, 200);
        eprintln!("samestory: {id} was left out: a story of another file has the id");
    }
    if added.taken.len() > SHOWN {
        eprintln!("samestory: … and {} more were left out", added.taken.len() - SHOWN);
    }
    if quiet {
        return;
    }
    let seconds: Vec<String> =
        bars.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
    eprintln!(
        "{}: {} stories added, {} replaced, {} unchanged, {} removed, {} left out; {} passages embedded; {}",
        samestory::report::line(&store.folder().display().to_string(), 400),
        added.added,
        added.replaced,
        added.unchanged,
        vanished,
        added.taken.len(),
        added.rows,
        seconds.join(", ")
    );
}

fn remove(store: Option<&Path>, args: &IndexRemove) -> Result<Outcome> {
    let mut store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let removed = store.remove(&args.ids)?;
    eprintln!("{removed} stories removed; samestory index compact gives back their room");
    Ok(Outcome::Done)
}

fn info(store: Option<&Path>, json: bool) -> Result<Outcome> {
    let info = Store::open(&archive::existing_folder(store)?)?.info()?;
    sink::write_to(None, |out| {
        if json {
            serde_json::to_writer_pretty(&mut *out, &info)?;
            return writeln!(out);
        }
        let folder = samestory::report::line(&info.folder, 400);
        writeln!(out, "{folder}: {} stories of {} files", info.stories, info.sources)?;
        writeln!(out, "{} passages, {} distinct, {} unused", info.passages, info.rows, info.unused_rows)?;
        writeln!(out, "model {} ({}), {} dimensions", info.model, info.fingerprint, info.dim)?;
        let each = info.bytes / info.stories.max(1);
        writeln!(out, "{:.1} MB, {:.1} kB a story", info.bytes as f64 / 1e6, each as f64 / 1e3)
    })?;
    Ok(Outcome::Done)
}

fn verify(store: Option<&Path>) -> Result<Outcome> {
    let store = Store::open(&archive::existing_folder(store)?)?;
    let health = store.verify()?.into_result(&store)?;
    eprintln!("{} stories and {} rows are as they were written", health.stories, health.rows);
    Ok(Outcome::Done)
}

fn compact(store: Option<&Path>) -> Result<Outcome> {
    let mut store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let before = store.info()?.bytes;
    let rows = store.compact()?;
    let after = store.info()?.bytes;
    eprintln!("{rows} unused rows dropped; {:.1} MB before, {:.1} MB now", mb(before), mb(after));
    Ok(Outcome::Done)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn export(store: Option<&Path>, args: &IndexExport) -> Result<Outcome> {
    let store = Store::open(&archive::existing_folder(store)?)?;
    let mut failure = None;
    let mut written = 0u64;
    sink::write_to(args.out.as_deref(), |out| {
        let read = store.each_story(&mut |story| {
            written += 1;
            writeln!(out, "{}", ingest::story_line(story))
        })?;
        // What could be read of a damaged store is worth having.
        failure = read.err();
        Ok(())
    })?;
    if let Some(error) = failure {
        eprintln!("samestory: {written} stories were written before the damage");
        return Err(error);
    }
    Ok(Outcome::Done)
}
