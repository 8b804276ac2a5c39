//! Parity of encoders: whether they give the same vectors and the same decisions.

use std::sync::Arc;

use rayon::ThreadPool;

use super::{Subject, report::Parity};
use crate::{
    Result,
    compare::{self, Comparer},
    embed::embed_texts,
    group,
    model::Model,
    progress::{NoProgress, Progress},
    search::{self, SearchOptions},
    story::Corpus,
    vector::{Matrix, dot},
};

/// The sample of pairs: each passage with this many after it.
const NEIGHBOURS: usize = 16;

/// The decision on a story: canonical story, relation, whether it is removed; `None` outside of groups.
type Decision = Option<(u32, &'static str, bool)>;

/// The vectors and decisions of one subject.
struct SubjectOutput {
    name: String,
    vectors: Arc<Matrix>,
    decisions: Vec<Decision>,
}

/// Compares every subject with every later one.
pub(super) fn compare(
    model: &Model,
    corpus: &Corpus,
    subjects: &[Subject],
    pools: &[ThreadPool],
    progress: &dyn Progress,
) -> Result<Vec<Parity>> {
    let texts: Vec<&str> = corpus.rows.iter().map(|r| r.text.as_str()).collect();
    let mut results: Vec<SubjectOutput> = Vec::new();
    for (subject, pool) in subjects.iter().zip(pools) {
        let name = format!("{} × {}", subject.name, subject.threads);
        let result = pool.install(|| -> Result<_> {
            let quiet = CancelOnly(progress);
            let vectors = Arc::new(embed_texts(model, subject.encoder.as_ref(), &texts, &quiet)?.vectors);
            let decisions = decide(corpus, &vectors, subject, &quiet)?;
            Ok(SubjectOutput { name, vectors, decisions })
        })?;
        results.push(result);
    }
    let mut parities = Vec::new();
    for (i, a) in results.iter().enumerate() {
        parities.extend(results[i + 1..].iter().map(|b| difference(a, b)));
    }
    Ok(parities)
}

fn decide(
    corpus: &Corpus,
    vectors: &Arc<Matrix>,
    subject: &Subject,
    progress: &dyn Progress,
) -> Result<Vec<Decision>> {
    let options = SearchOptions { isa: subject.search_isa, ..SearchOptions::default() };
    let candidates = search::candidates(corpus, vectors, &options, progress)?;
    let pairs: Vec<_> = candidates.pairs.iter().map(|p| (p.a, p.b)).collect();
    let compare_options = compare::Options::default();
    let comparer = Comparer::new(corpus, Arc::clone(vectors), &compare_options);
    let verdicts = comparer.compare_all(&pairs, progress)?;
    let groups =
        group::group(corpus, &verdicts, &group::Options::default(), &|a, b| Ok(comparer.compare(a, b)))?;
    let mut decisions = vec![None; corpus.stories.len()];
    for group in &groups.groups {
        for member in &group.members {
            let decision = (group.canonical.0, member.relation.name(), member.removed);
            decisions[member.story.index()] = Some(decision);
        }
    }
    Ok(decisions)
}

fn difference(a: &SubjectOutput, b: &SubjectOutput) -> Parity {
    let n = a.vectors.rows();
    let cosines = || (0..n).map(|i| f64::from(dot(a.vectors.row(i), b.vectors.row(i))));
    let differences = || {
        let each = (0..n).flat_map(|i| (i + 1..n.min(i + 1 + NEIGHBOURS)).map(move |j| (i, j)));
        each.map(|(i, j)| {
            f64::from(
                (dot(a.vectors.row(i), a.vectors.row(j)) - dot(b.vectors.row(i), b.vectors.row(j))).abs(),
            )
        })
    };
    let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
    Parity {
        a: a.name.clone(),
        b: b.name.clone(),
        min_cosine: cosines().fold(1.0, f64::min),
        mean_cosine: mean(cosines().sum(), n),
        max_difference: differences().fold(0.0, f64::max),
        mean_difference: mean(differences().sum(), differences().count()),
        flips: a.decisions.iter().zip(&b.decisions).filter(|(a, b)| a != b).count() as u64,
        stories: a.decisions.len() as u64,
    }
}

/// Hides the stages of the inner run, and passes on cancellation.
struct CancelOnly<'a>(&'a dyn Progress);

impl Progress for CancelOnly<'_> {
    fn begin(&self, stage: crate::progress::Stage, total: Option<u64>) {
        NoProgress.begin(stage, total);
    }

    fn advance(&self, stage: crate::progress::Stage, n: u64) {
        NoProgress.advance(stage, n);
    }

    fn end(&self, stage: crate::progress::Stage) {
        NoProgress.end(stage);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
