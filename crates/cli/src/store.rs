//! The store that a command works on, and its stories beside those of files.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use samestory::{
    Error, corpus,
    error::StoreFault,
    ingest::IngestOutcome,
    store::{DATABASE, Store},
    story::Story,
};

use crate::{
    env,
    error::{CliError, Result},
    input,
    options::StoreArgs,
    progress::ProgressBars,
    runtime::Runtime,
};

/// The folder that is looked for in the working folder and those above it.
const FOLDER: &str = ".samestory";

/// The store that is meant: the one named, that of `SAMESTORY_STORE`, or the nearest one above the working folder.
pub fn folder(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(named) = named {
        return Ok(Some(named.into()));
    }
    if let Some(named) = env::store() {
        return Ok(Some(named));
    }
    let here = std::env::current_dir().map_err(CliError::io("read", "the working folder"))?;
    Ok(here.ancestors().map(|above| above.join(FOLDER)).find(|store| store.join(DATABASE).is_file()))
}

/// As [`folder`]; an error if there is none.
pub fn existing_folder(named: Option<&Path>) -> Result<PathBuf> {
    folder(named)?.ok_or_else(|| {
        CliError::hinted(
            Error::Store {
                path: FOLDER.into(),
                fault: StoreFault::Missing,
                message: "there is no store here or in a folder above".into(),
            },
            "give files or folders, name a store with --store FOLDER, or make one: samestory index add PATHS",
        )
    })
}

/// As [`folder`]; where there is none, the one to make.
pub fn folder_to_write(named: Option<&Path>) -> Result<PathBuf> {
    Ok(folder(named)?.unwrap_or_else(|| FOLDER.into()))
}

/// Milliseconds since 1970 UTC.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}

/// Opens the store that `args` name, for `runtime` to take vectors from.
pub fn open(args: &StoreArgs, runtime: &mut Runtime) -> Result<()> {
    if let Some(folder) = &args.store {
        let store = Store::open(folder)?;
        store.check_identity(&runtime.identity())?;
        runtime.store = Some(store);
    }
    Ok(())
}

/// As [`open`]; where nothing else is named, the store that is found from here.
pub fn open_or_find(args: &StoreArgs, alone: bool, runtime: &mut Runtime) -> Result<()> {
    let found = match &args.store {
        None if alone => Some(existing_folder(None)?),
        named => named.clone(),
    };
    open(&StoreArgs { store: found }, runtime)
}

/// Reads `paths`, none if there are none and a store is open.
pub fn read(
    runtime: &Runtime,
    paths: &[PathBuf],
    options: &input::InputOptions,
    progress: &ProgressBars,
) -> Result<IngestOutcome> {
    let mut read = if paths.is_empty() && runtime.store.is_some() {
        IngestOutcome::default()
    } else {
        input::read(paths, options, progress)?
    };
    read.stories = with_stored(runtime, read.stories)?;
    Ok(read)
}

/// The stories of the store that is open, then those of `new` that are not among them. A new story with the id of
/// another one gets a number behind its id, as stories of one input do.
pub fn with_stored(runtime: &Runtime, new: Vec<Story>) -> Result<Vec<Story>> {
    let Some(store) = &runtime.store else { return Ok(new) };
    let mut all = store.stories()?;
    let unknown = store.new_or_changed(new)?;
    let ids: Vec<String> = unknown.iter().map(|story| story.id.clone()).collect();
    let renamed = with_free_ids(store, unknown)?;
    let others: Vec<(&String, &Story)> = ids.iter().zip(&renamed).filter(|(id, s)| **id != s.id).collect();
    if let Some((id, story)) = others.first() {
        let line = |id: &str| samestory::report::sanitize_line(id, 200);
        status!(
            "samestory: {} the id of another one of the store, beside which it stands, {} as {}; samestory index add puts a \
             new version in the place of the old",
            match others.len() {
                1 => "a story has".into(),
                n => format!("each of {n} stories has"),
            },
            line(id),
            line(&story.id)
        );
    }
    all.extend(renamed);
    Ok(all)
}

/// `stories` as `store` knows them: files by their names there, and stories that brought no id by the one that they have
/// there, or else a free one. A story of a stream has an id that follows from its text.
pub fn with_stored_names(store: &Store, mut stories: Vec<Story>) -> Result<Vec<Story>> {
    let mut files: BTreeMap<PathBuf, (PathBuf, BTreeSet<String>)> = BTreeMap::new();
    // The next number behind an id that several files give.
    let mut next: BTreeMap<String, u32> = BTreeMap::new();
    for story in &mut stories {
        if input::is_stdin(&story.origin.path) {
            corpus::assign_content_id(story);
            continue;
        }
        let made = corpus::positional_id(story);
        let (name, ids) = match files.entry(story.origin.path.clone()) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(file) => {
                let name = store.source_name(file.key())?;
                let ids = store.ids_from_source(&name.to_string_lossy())?.into_iter().collect();
                file.insert((name, ids))
            }
        };
        story.origin.path.clone_from(name);
        let Some(id) = made else { continue };
        let behind = format!("{id}~");
        let numbered = |own: &&String| own[behind.len()..].bytes().all(|b| b.is_ascii_digit());
        let mut of_id = ids.range(behind.clone()..).take_while(|own| own.starts_with(&behind));
        let own = ids.get(&id).or_else(|| of_id.find(numbered)).cloned();
        if let Some(own) = own {
            ids.remove(&own);
            story.id = own;
            continue;
        }
        let n = next.entry(id.clone()).or_insert(1);
        loop {
            story.id = if *n == 1 { id.clone() } else { format!("{id}~{n}") };
            *n += 1;
            // What was taken out of this file had its id from it, and still has.
            let of_others = store.tombstone(&story.id)?.is_some_and(|path| *path != *name.to_string_lossy());
            if !of_others && store.reader().story_number(&story.id)?.is_none() {
                break;
            }
        }
    }
    Ok(stories)
}

/// `new` stories that are to stand beside those of `store`: one with the id of another gets a number behind it.
pub fn with_free_ids(store: &Store, mut new: Vec<Story>) -> Result<Vec<Story>> {
    let mut met = BTreeSet::new();
    for story in &mut new {
        let mut n = 1;
        let id = story.id.clone();
        while !met.insert(story.id.clone()) || store.reader().story_number(&story.id)?.is_some() {
            n += 1;
            story.id = format!("{id}~{n}");
        }
    }
    Ok(new)
}
