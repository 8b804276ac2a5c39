//! `samestory index add` and `index update`: stories from files into a store.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use samestory::{Error, archive::Removal, report::sanitize_line, store::Store, story::Story};

use super::{IndexAdd, IndexUpdate, writer::Writer};
use crate::{
    commands::Outcome,
    error::{CliError, Result},
    input,
    output::printable_path,
    progress::ProgressBars,
    runtime::Runtime,
    store,
};

/// Adds the stories of files.
pub fn add(store: Option<&Path>, args: &IndexAdd) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    // Before a store is made: what cannot be read leaves none behind.
    let ingested = input::read(&args.paths, &input::options(&args.input, args.compute.quiet)?, &progress)?;
    let store = Store::open_or_create(&store::folder_to_write(store)?, &runtime.identity())?;
    let bad_input = !ingested.notices.is_empty();
    let sources = by_source(store.with_stored_ids(ingested.stories, input::is_stdin)?);
    let mut writer = Writer::new(store, &runtime, "index add", &progress)?;
    let added = writer.add(sources, false)?;
    let bad_input = bad_input || !added.conflicting_ids.is_empty();
    writer.finish(&added, 0, args.compute.quiet)?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// Reads the source files of the store again.
pub fn update(store: Option<&Path>, args: &IndexUpdate) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    store.check_identity(&runtime.identity())?;
    let paths: Vec<PathBuf> =
        store.sources()?.iter().map(|name| store.source_path(name)).collect::<samestory::Result<_>>()?;
    let (existing, deleted): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.exists());
    for path in &deleted {
        status!("samestory: {} no longer exists; its stories stay", printable_path(path));
    }
    if existing.is_empty() {
        return Err(CliError::hinted(
            Error::NoStories { place: "the files that the store was made of".into() },
            "add files: samestory index add PATHS",
        ));
    }
    let ingested = input::read(&existing, &input::options(&args.input, args.compute.quiet)?, &progress)?;
    let bad_input = !ingested.notices.is_empty() || !deleted.is_empty();
    let incomplete = incomplete_sources(&store, &ingested.incomplete)?;
    let stories = without_removed(&store, store.with_stored_ids(ingested.stories, input::is_stdin)?)?;
    let sources = by_source(stories);
    let mut writer = Writer::new(store, &runtime, "index update", &progress)?;
    let mut removed = 0;
    for (path, stories) in &sources {
        let read: BTreeSet<&str> = stories.iter().map(|s| s.id.as_str()).collect();
        let mut missing = writer.archive.store().ids_from_source(path)?;
        missing.retain(|id| !read.contains(id.as_str()));
        if incomplete.contains(Path::new(path)) && !missing.is_empty() {
            let (path, n) = (sanitize_line(path, 400), missing.len());
            status!("samestory: {path} was not read completely; {n} stories that were not found in it stay");
            continue;
        }
        removed += writer.archive.remove(&missing, Removal::FromSource)?;
    }
    let added = writer.add(sources, true)?;
    writer.finish(&added, removed, args.compute.quiet)?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// The source files that may hold stories which were not read.
fn incomplete_sources(store: &Store, files: &BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>> {
    let names = files.iter().map(|file| store.source_name(file));
    Ok(names.collect::<samestory::Result<_>>()?)
}

/// `stories` without those that `index remove` removed.
fn without_removed(store: &Store, stories: Vec<Story>) -> Result<Vec<Story>> {
    let all = stories.len();
    let mut kept = Vec::new();
    for story in stories {
        if store.tombstone(&story.id)?.is_none() {
            kept.push(story);
        }
    }
    let removed = all - kept.len();
    if removed > 0 {
        status!("samestory: {removed} stories that index remove removed are not added again");
    }
    Ok(kept)
}

/// Stories by the file that holds them, in the order they were read.
fn by_source(stories: Vec<Story>) -> Vec<(String, Vec<Story>)> {
    let mut sources: Vec<(String, Vec<Story>)> = Vec::new();
    for story in stories {
        let path = story.origin.path.to_string_lossy().into_owned();
        match sources.last_mut() {
            Some((last, stories)) if *last == path => stories.push(story),
            _ => sources.push((path, vec![story])),
        }
    }
    sources
}
