//! From a corpus and its vectors to verdicts and groups.

use std::path::Path;

use samestory::{
    Result,
    compare::{self, Comparer, Relation, Verdict},
    group::{self, Decisions, Groups, Keep, Resolved},
    ingest::Ingested,
    progress::{Progress, Stage},
    report::{Evidence, Manifest},
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
    /// What people decided.
    pub decided: Resolved,
    /// Whether a page is to show the pairs side by side.
    pub show: bool,
}

/// What came of it.
pub struct Judged {
    pub search: SearchReport,
    pub verdicts: Vec<Verdict>,
    pub groups: Groups,
    /// What a page shows of them, if that was asked for.
    pub evidence: Option<Evidence>,
}

/// The decisions of `file` on the stories of `corpus`; tells of those on other stories.
pub fn decided(file: Option<&Path>, corpus: &Corpus) -> Result<Resolved> {
    let Some(file) = file else { return Ok(Resolved::default()) };
    let decided = Decisions::read(file)?.resolve(corpus);
    if decided.unknown > 0 {
        let of = |n: usize| {
            if n == 1 { "decision names a story that is" } else { "decisions name stories that are" }
        };
        eprintln!("samestory: {}: {} {} not here", file.display(), decided.unknown, of(decided.unknown));
    }
    Ok(decided)
}

/// What is known of a run before anything is judged.
pub fn manifest(engine: &Engine, read: &Counts, corpus: &Corpus) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        model: engine.model.name.clone(),
        fingerprint: engine.model.fingerprint(),
        device: engine.encoder.describe(),
        threads: engine.threads,
        files: read.files,
        skipped: read.skipped,
        notices: read.notices,
        stories: corpus.stories.len() as u64,
        passages: corpus.passages.iter().map(|p| p.len() as u64).sum(),
        rows: corpus.rows.len() as u64,
        ..Manifest::default()
    }
}

/// What reading came to.
pub struct Counts {
    pub files: u64,
    pub skipped: u64,
    pub notices: u64,
}

impl Counts {
    pub fn of(ingested: &Ingested) -> Self {
        Counts { files: ingested.files, skipped: ingested.skipped, notices: ingested.notices.len() as u64 }
    }
}

/// Notes in `manifest` what judging came to.
pub fn note(judged: &Judged, decided: &Resolved, manifest: &mut Manifest) {
    let Judged { search, verdicts, groups, .. } = judged;
    manifest.index = search.to_string();
    manifest.candidates = verdicts.len() as u64;
    manifest.candidate_recall = search.recall;
    manifest.recall_how = search.recall_how.clone();
    manifest.decisions = (decided.same.len() + decided.different.len() + decided.canonical.len()) as u64;
    count_found(groups, manifest);
}

/// Notes in `manifest` what was found.
pub fn count_found(groups: &Groups, manifest: &mut Manifest) {
    manifest.groups = groups.groups.len() as u64;
    let count = |relation: Relation, in_groups: bool| {
        let n = match in_groups {
            true => removed(groups).filter(|m| m.relation == relation).count(),
            false => groups.links.iter().filter(|l| l.relation == relation).count(),
        };
        (relation.name().to_string(), n as u64)
    };
    let origins = [Relation::Identical, Relation::Copy, Relation::Excerpt, Relation::Update];
    manifest.removed = origins.map(|r| count(r, true)).to_vec();
    manifest.links = [Relation::Twin, Relation::Related].map(|r| count(r, false)).to_vec();
}

/// The members that a run which keeps one story of a group leaves out.
pub fn removed(groups: &Groups) -> impl Iterator<Item = &group::Member> {
    groups.groups.iter().flat_map(|g| g.members.iter().filter(|m| m.removed))
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
    let group_options =
        group::Options { keep: ask.keep.clone(), decided: ask.decided.clone(), ..group::Options::default() };
    let groups = group::group(corpus, &verdicts, &group_options, &|a, b| comparer.judge(a, b));
    bars.end(Stage::Group);
    let evidence =
        ask.show.then(|| Evidence::gather(&comparer, &verdicts, &groups, &options.thresholds, bars));
    Ok(Judged { search: candidates.report, verdicts, groups, evidence })
}
