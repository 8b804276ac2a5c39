//! From a command's input to its groups, for the commands that report on groups.

use std::path::{Path, PathBuf};

use samestory::{Result, compare, group::Groups, ingest, story::Corpus, vector::Matrix};

use super::{
    archive,
    args::{Archive, Compute, Input},
    bars::Bars,
    boilerplate,
    engine::Engine,
    judge::{Ask, decided, judge},
    stories,
};

/// What a command was given.
pub struct Wish<'a> {
    pub paths: &'a [PathBuf],
    pub archive: &'a Archive,
    pub input: &'a Input,
    pub compute: &'a Compute,
    pub boilerplate: Option<&'a Path>,
}

/// What came of it.
pub struct Grouped {
    pub corpus: Corpus,
    /// One a row of the corpus.
    pub vectors: Matrix,
    pub groups: Groups,
    /// What the stories were compared with.
    pub options: compare::Options,
    pub bad_input: bool,
}

impl Grouped {
    /// Reads, embeds, compares and groups, as `dedup` does by default.
    pub fn read(wish: &Wish, bars: &Bars) -> Result<Grouped> {
        let ingest_options = stories::options(wish.input)?;
        let mut options = compare::Options::default();
        if let Some(file) = wish.boilerplate {
            options.boilerplate = boilerplate::read(file)?;
        }
        let mut engine = Engine::new(wish.compute)?;
        archive::open(wish.archive, &mut engine)?;
        let ingested = archive::read(&engine, wish.paths, &ingest_options, bars)?;
        let bad_input = !ingested.notices.is_empty();
        let corpus = ingest::corpus(ingested.stories);
        let vectors = engine.embed(&corpus, bars)?.vectors;
        let decided = decided(None, &engine, &corpus)?;
        let ask = Ask { options: options.clone(), decided, ..Ask::default() };
        let groups = judge(&ask, &engine, &corpus, &vectors, bars)?.groups;
        Ok(Grouped { corpus, vectors, groups, options, bad_input })
    }
}
