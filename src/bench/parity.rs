//! Whether two encoders give the same vectors, and whether the same stories go.

use rayon::ThreadPool;

use super::{Subject, figures::Parity};
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

/// Pairs of passages whose cosines are compared: each row with so many that follow it.
const NEIGHBOURS: usize = 16;

/// What becomes of each story: the story that stands for it, the relation, whether it goes.
type Decision = Option<(u32, &'static str, bool)>;

/// Every subject against every later one.
pub(super) fn compare(
    model: &Model,
    corpus: &Corpus,
    subjects: &[Subject],
    pools: &[ThreadPool],
    progress: &dyn Progress,
) -> Result<Vec<Parity>> {
    let texts: Vec<&str> = corpus.rows.iter().map(|r| r.text.as_str()).collect();
    let mut results: Vec<(String, Matrix, Vec<Decision>)> = Vec::new();
    for (subject, pool) in subjects.iter().zip(pools) {
        let name = format!("{} × {}", subject.name, subject.threads);
        let result = pool.install(|| -> Result<_> {
            let quiet = Quiet(progress);
            let vectors = embed_texts(model, subject.encoder.as_ref(), &texts, &quiet)?.vectors;
            let decisions = decide(corpus, &vectors, subject, &quiet)?;
            Ok((name, vectors, decisions))
        })?;
        results.push(result);
    }
    let mut all = Vec::new();
    for (i, a) in results.iter().enumerate() {
        all.extend(results[i + 1..].iter().map(|b| pair(a, b)));
    }
    Ok(all)
}

fn decide(
    corpus: &Corpus,
    vectors: &Matrix,
    subject: &Subject,
    progress: &dyn Progress,
) -> Result<Vec<Decision>> {
    let options = SearchOptions { isa: subject.search_isa, ..SearchOptions::default() };
    let candidates = search::candidates(corpus, vectors, &options, progress)?;
    let pairs: Vec<_> = candidates.pairs.iter().map(|p| (p.a, p.b)).collect();
    let compare_options = compare::Options::default();
    let comparer = Comparer::new(corpus, vectors, &compare_options);
    let verdicts = comparer.compare_all(&pairs, progress)?;
    let groups =
        group::group(corpus, &verdicts, &group::Options::default(), &|a, b| Ok(comparer.compare(a, b)))?;
    let mut decisions = vec![None; corpus.stories.len()];
    for group in &groups.groups {
        for member in &group.members {
            let of = (group.canonical.0, member.relation.name(), member.removed);
            decisions[member.story.index()] = Some(of);
        }
    }
    Ok(decisions)
}

fn pair(a: &(String, Matrix, Vec<Decision>), b: &(String, Matrix, Vec<Decision>)) -> Parity {
    let n = a.1.rows();
    let cosines = || (0..n).map(|i| f64::from(dot(a.1.row(i), b.1.row(i))));
    let differences = || {
        let each = (0..n).flat_map(|i| (i + 1..n.min(i + 1 + NEIGHBOURS)).map(move |j| (i, j)));
        each.map(|(i, j)| f64::from((dot(a.1.row(i), a.1.row(j)) - dot(b.1.row(i), b.1.row(j))).abs()))
    };
    let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
    Parity {
        a: a.0.clone(),
        b: b.0.clone(),
        min_cosine: cosines().fold(1.0, f64::min),
        mean_cosine: mean(cosines().sum(), n),
        max_difference: differences().fold(0.0, f64::max),
        mean_difference: mean(differences().sum(), differences().count()),
        flips: a.2.iter().zip(&b.2).filter(|(a, b)| a != b).count() as u64,
        stories: a.2.len() as u64,
    }
}

/// Stages of a run within the run are not shown, but can be stopped.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
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
