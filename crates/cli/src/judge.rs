//! From a corpus and its vectors, or from pairs that were compared before, to verdicts and groups.

use std::{cell::RefCell, path::Path};

use samestory::{
    Error,
    archive::decisions,
    compare::{self, Comparer, Provenance, Relation, RuleTable, Thresholds, Verdict},
    embed::EmbedStats,
    error::Setting,
    group::{self, Constraints, Decisions, Groups, Keep},
    ingest::IngestOutcome,
    progress::{Progress, Stage},
    report::{Evidence, Manifest},
    search::{self, Candidates, IndexChoice, SearchOptions, SearchReport},
    story::{Corpus, RowId, StoryId},
    vector::Matrix,
};

use super::{bars::Bars, engine::Engine};
use crate::error::Result;

/// How stories are judged.
#[derive(Default)]
pub struct Ask {
    pub index: IndexChoice,
    pub options: compare::Options,
    /// A rule table, and the coverage that goes before its own.
    pub rules: Option<RuleTable>,
    pub min_coverage: Option<f32>,
    pub keep: Keep,
    /// What people decided.
    pub decided: Constraints,
    /// Whether a page is to show the pairs side by side.
    pub show: bool,
    /// Whether the verdicts on pairs that came to nothing are wanted too.
    pub every: bool,
}

/// What came of it.
pub struct Judged {
    pub search: SearchReport,
    /// How many pairs were compared.
    pub compared: usize,
    pub verdicts: Vec<Verdict>,
    pub groups: Groups,
    /// What a page shows of them, if that was asked for.
    pub evidence: Option<Evidence>,
}

/// The decisions of `file` on the stories of `corpus`, and those that the store of `engine` keeps on other pairs; tells
/// of those on other stories.
pub fn decided(file: Option<&Path>, engine: &Engine, corpus: &Corpus) -> Result<Constraints> {
    let kept = match &engine.store {
        Some(store) => decisions(store.reader())?,
        None => Decisions::default(),
    };
    let Some(file) = file else { return Ok(kept.resolve_file(Path::new(""), corpus)?) };
    let given = Decisions::read(file)?;
    let decided = given.resolve_file(file, corpus)?;
    if !decided.unresolved.is_empty() {
        let of = |n: usize| {
            if n == 1 { "decision names a story that is" } else { "decisions name stories that are" }
        };
        let file = samestory::report::sanitize_line(&file.display().to_string(), 400);
        let others = match decided.text_mismatches {
            0 => String::new(),
            n => format!("; under the ids of {n} there are other texts now, or several have that text"),
        };
        say!(
            "samestory: {file}: {} {} not here{others}",
            decided.unresolved.len(),
            of(decided.unresolved.len())
        );
    }
    let all = kept.merge(&given).map_err(|conflict| conflict.in_file(file))?;
    Ok(all.resolve_file(file, corpus)?)
}

/// What is known of a run before anything is judged.
pub fn manifest(engine: &Engine, read: &Counts, corpus: &Corpus) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        model: engine.model.name.clone(),
        fingerprint: engine.model.fingerprint(),
        device: engine.device(),
        threads: engine.threads,
        files: read.files,
        skipped: read.skipped,
        notices: read.notices,
        stories: corpus.stories.len() as u64,
        passages: corpus.passages.iter().map(|p| p.len() as u64).sum(),
        distinct_passages: corpus.rows.len() as u64,
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
    pub fn of(ingested: &IngestOutcome) -> Self {
        Counts { files: ingested.files, skipped: ingested.skipped, notices: ingested.notices.len() as u64 }
    }
}

/// Notes in `manifest` what judging came to.
pub fn note(judged: &Judged, decided: &Constraints, manifest: &mut Manifest) {
    let Judged { search, compared, groups, .. } = judged;
    manifest.index = search.to_string();
    manifest.candidates = *compared as u64;
    manifest.candidate_recall = search.recall;
    manifest.recall_method = search.recall_how.clone();
    manifest.decisions = count_decided(decided);
    count_found(groups, manifest);
}

/// Decisions on the stories of a run.
pub fn count_decided(decided: &Constraints) -> u64 {
    (decided.must_link.len() + decided.cannot_link.len() + decided.canonical.len()) as u64
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
    let search_options = SearchOptions { index: ask.index, ..engine.search() };
    let Candidates { pairs, report: search } = search::candidates(corpus, vectors, &search_options, bars)?;
    bars.end(Stage::Search);

    let pairs: Vec<(StoryId, StoryId)> = pairs.into_iter().map(|p| (p.a, p.b)).collect();
    bars.begin(Stage::Compare, Some(pairs.len() as u64));
    let mut options = ask.options.clone();
    if let Some(table) = &ask.rules {
        let background = || Comparer::new(corpus, vectors, &options).prepared().cosine_baseline();
        options.thresholds = ask.over(table.for_model(&engine.model.fingerprint(), background));
    }
    let comparer = Comparer::new(corpus, vectors, &options);
    let wanted = |v: &Verdict| ask.every || ask.show || v.relation != Relation::None;
    let verdicts = comparer.compare_filtered(&pairs, wanted, bars)?;
    bars.end(Stage::Compare);

    bars.begin(Stage::Group, Some(corpus.stories.len() as u64));
    let groups = ask.group(corpus, &verdicts, &|a, b| Ok(comparer.compare(a, b)))?;
    bars.end(Stage::Group);
    let evidence =
        ask.show.then(|| Evidence::gather(&comparer, &verdicts, &groups, &options.thresholds, bars));
    Ok(Judged { search, compared: pairs.len(), verdicts, groups, evidence })
}

/// Decides and groups anew what `file` holds, which `dedup --pairs` wrote: the same bytes as [`judge`] gives, without
/// embedding, searching or comparing. Where a story is held against a kept one that it was never compared with, the
/// passages of those two alone are embedded.
pub fn judge_again(
    ask: &Ask,
    file: &Path,
    provenance: &Provenance,
    engine: &Engine,
    corpus: &Corpus,
    bars: &Bars,
) -> Result<(Judged, EmbedStats)> {
    let mut options = ask.options.clone();
    if let Some(table) = &ask.rules {
        options.thresholds = ask.over(own_thresholds(table, engine)?);
    }
    bars.begin(Stage::Compare, None);
    let (search, verdicts) = compare::read_pairs(file, provenance, corpus, &options.thresholds)?;
    bars.end(Stage::Compare);

    let known = |a: StoryId, b: StoryId| {
        let at = verdicts.binary_search_by_key(&(a.min(b), a.max(b)), |v| (v.a, v.b)).ok()?;
        Some(if verdicts[at].a == a { verdicts[at].clone() } else { verdicts[at].flipped() })
    };
    let missing = RefCell::new(Vec::new());
    let note = |a, b| {
        missing.borrow_mut().extend([a, b]);
        Verdict::none(a, b)
    };
    bars.begin(Stage::Group, Some(corpus.stories.len() as u64));
    let mut groups = ask.group(corpus, &verdicts, &|a, b| Ok(known(a, b).unwrap_or_else(|| note(a, b))))?;
    bars.end(Stage::Group);
    let mut embed_stats = EmbedStats::default();
    let missing = missing.into_inner();
    if !missing.is_empty() {
        let (vectors, seen) = vectors_of(&missing, engine, corpus, bars)?;
        embed_stats = seen;
        let comparer = Comparer::new(corpus, &vectors, &options);
        let compare = |a, b| Ok(known(a, b).unwrap_or_else(|| comparer.compare(a, b)));
        groups = ask.group(corpus, &verdicts, &compare)?;
    }
    Ok((Judged { search, compared: verdicts.len(), verdicts, groups, evidence: None }, embed_stats))
}

impl Ask {
    /// `thresholds`, with the coverage that was asked for beside them.
    fn over(&self, thresholds: Thresholds) -> Thresholds {
        let copy_coverage = self.min_coverage.unwrap_or(thresholds.copy_coverage);
        Thresholds { copy_coverage, ..thresholds }
    }

    fn group(
        &self,
        corpus: &Corpus,
        verdicts: &[Verdict],
        compare: &dyn Fn(StoryId, StoryId) -> samestory::Result<Verdict>,
    ) -> Result<Groups> {
        let (keep, decided) = (self.keep.clone(), self.decided.clone());
        let options = group::Options { keep, constraints: decided, ..group::Options::default() };
        Ok(group::group(corpus, verdicts, &options, compare)?)
    }
}

/// The thresholds of a table that was measured with this model: for another one it takes the vectors of all stories.
fn own_thresholds(table: &RuleTable, engine: &Engine) -> Result<Thresholds> {
    let own = engine.model.fingerprint();
    if !table.fingerprint.is_empty() && table.fingerprint != own {
        return Err(Error::Setting {
            setting: Setting::Rules,
            message: "this table was measured with another model than the pairs were".into(),
        }
        .into());
    }
    Ok(table.thresholds.clone())
}

/// The vectors of the rows of `stories`; those of all other rows are zero.
fn vectors_of(
    stories: &[StoryId],
    engine: &Engine,
    corpus: &Corpus,
    bars: &Bars,
) -> Result<(Matrix, EmbedStats)> {
    let mut rows: Vec<RowId> = stories.iter().flat_map(|s| corpus.story_rows(*s)).collect();
    rows.sort_unstable();
    rows.dedup();
    let texts: Vec<&str> = rows.iter().map(|r| corpus.row_text(*r)).collect();
    let embedded = engine.embed_texts(&texts, bars)?;
    let mut vectors = Matrix::zeros(corpus.rows.len(), engine.encoder.dim());
    for (i, row) in rows.iter().enumerate() {
        vectors.row_mut(row.index()).copy_from_slice(embedded.vectors.row(i));
    }
    Ok((vectors, embedded.stats))
}
