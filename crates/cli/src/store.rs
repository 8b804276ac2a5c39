//! The store that a command works on, and its stories beside those of files.

use std::path::{Path, PathBuf};

use samestory::{
    Error,
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
    let renamed = store.with_free_ids(unknown)?;
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
