//! From a corpus and its vectors to verdicts and groups.

use std::path::Path;

use samestory::{
    Result,
    compare::{self, Comparer, Verdict},
    group::{self, Groups, Keep},
    progress::{Progress, Stage},
    search::{self, IndexChoice, SearchOptions, SearchReport},
    story::{Corpus, StoryId},
    vector::Matrix,
};

use super::{bars::Bars, calibrate, engine::Engine};

/// How stories are judged.
#[derive(Default)]
pub struct Ask<'a> {
    pub index: IndexChoice,
    pub options: compare::Options,
    /// A rule table, and the coverage that goes before its own.
    pub rules: Option<&'a Path>,
    pub min_coverage: Option<f32>,
    pub keep: Keep,
}

/// What came of it.
pub struct Judged {
    pub search: SearchReport,
    pub verdicts: Vec<Verdict>,
    pub groups: Groups,
}

/// Searches, compares and groups the stories of `corpus`.
pub fn judge(ask: &Ask, engine: &Engine, corpus: &Corpus, vectors: &Matrix, bars: &Bars) -> Result<Judged> {
    bars.begin(Stage::Search, Some((corpus.rows.len() + corpus.stories.len()) as u64));
    let search_options = SearchOptions { index: ask.index, path: engine.path, ..SearchOptions::default() };
    let candidates = search::candidates(corpus, vectors, &search_options, bars)?;
    bars.end(Stage::Search);

    let pairs: Vec<(StoryId, StoryId)> = candidates.pairs.iter().map(|p| (p.a, p.b)).collect();
    bars.begin(Stage::Compare, Some(pairs.len() as u64));
    let mut options = ask.options.clone();
    if let Some(file) = ask.rules {
        options.thresholds = calibrate::read_rules(file)?
            .for_model(&engine.model.fingerprint(), || Comparer::new(corpus, vectors, &options).background());
        if let Some(share) = ask.min_coverage {
            options.thresholds.copy_coverage = share;
        }
    }
    let comparer = Comparer::new(corpus, vectors, &options);
    let verdicts = comparer.judge_all(&pairs, bars)?;
    bars.end(Stage::Compare);

    bars.begin(Stage::Group, Some(corpus.stories.len() as u64));
    let group_options = group::Options { keep: ask.keep.clone(), ..group::Options::default() };
    let groups = group::group(corpus, &verdicts, &group_options, &|a, b| comparer.judge(a, b));
    bars.end(Stage::Group);
    Ok(Judged { search: candidates.report, verdicts, groups })
}
