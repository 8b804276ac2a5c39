//! Judges pairs of stories of one corpus.

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    CorpusStatistics, CosineBaseline, Options, PairFeatures, Verdict,
    align::{Alignment, Match, Sequence, Vocabulary, align, aligned, bigrams, facts},
    classify::classify,
    titles::{TitleWords, Titles},
    tokens::{Kind, Token, is_function, tokens},
    word_counts::WordCounts,
};
use crate::{
    Error, Result,
    boilerplate::{BoilerplateList, detect_boilerplate},
    progress::{Progress, Stage},
    story::{Corpus, StoryId},
    vector::{Matrix, dot, normalize},
};

const MS_PER_DAY: f32 = 86_400_000.0;

/// Stories that have a name, from which it is no slip of the pen: a copy, its twin and one story more …
const ATTESTED: u32 = 3;

/// … and the letters up to which another letter makes another name ("Iran", "Iraq"). Longer ones are spelled in several
/// ways ("Zelensky", "Zelenskiy").
const SHORT_NAME: usize = 6;

/// Letters that two forms of a word begin with, at least.
const LEAST_STEM: usize = 4;

/// A story made ready for comparing.
pub(super) struct PreparedStory {
    /// Its tokens without boilerplate.
    pub ids: Vec<u32>,
    /// For each token the passage it stands in.
    pub passage: Vec<u32>,
    bigrams: Vec<(u32, u32, u32)>,
    /// Distinct tokens, sorted.
    distinct: Vec<u32>,
    /// Distinct tokens of the title, sorted.
    title: Vec<u32>,
    /// The share of the title's telling words that the text has.
    title_told: Option<f32>,
    weight: f32,
    vector: Vec<f32>,
}

/// What comparing needs of a corpus, prepared once: tokens, their weights, and a vector for each story. It depends on the
/// stories, their vectors and the known boilerplate, and on no threshold.
pub struct PreparedCorpus {
    pub(super) vocabulary: Vec<Token>,
    pub(super) weights: Vec<f32>,
    /// Whether a token is a short name that several stories have.
    attested: Vec<bool>,
    pub(super) boilerplate: Vec<bool>,
    pub(super) stories: Vec<PreparedStory>,
    stories_with: Vec<u32>,
    /// Stories that the words were counted in.
    counted: u32,
    titles: Titles,
}

/// Compares stories of one corpus.
pub struct Comparer<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) options: &'a Options,
    pub(super) prepared: Arc<PreparedCorpus>,
}

impl PreparedCorpus {
    /// Prepares the stories of `corpus`; `vectors` holds one unit vector for each of its rows, `known` what is known to be
    /// boilerplate or not to be.
    pub fn new(corpus: &Corpus, vectors: &Matrix, known: &BoilerplateList) -> Self {
        let boilerplate = detect_boilerplate(corpus, known);
        let rows: Vec<Vec<Token>> = corpus.rows.par_iter().map(|row| tokens(&row.text)).collect();
        let titles = title_tokens(corpus);
        let words = WordCounts::new(corpus, &rows, &titles, &boilerplate);
        let titles = TitleWords::new(&titles);
        Self::prepare(corpus, vectors, words, titles, boilerplate)
    }

    /// As [`PreparedCorpus::new`], for a few stories out of many, with what is known of the many.
    ///
    /// # Errors
    /// If the document frequencies cannot be read.
    pub fn with_statistics(
        corpus: &Corpus,
        vectors: &Matrix,
        statistics: CorpusStatistics<'_>,
    ) -> Result<Self> {
        let CorpusStatistics { boilerplate, frequencies, tokens: cache } = statistics;
        let rows: Vec<_> = corpus.rows.iter().map(|row| cache.get(&row.hash, || tokens(&row.text))).collect();
        let titles = title_tokens(corpus);
        let mut words = WordCounts::new(corpus, &rows, &titles, &boilerplate);
        words.replace(frequencies)?;
        let mut titles = TitleWords::new(&titles);
        titles.replace(frequencies)?;
        Ok(Self::prepare(corpus, vectors, words, titles, boilerplate))
    }

    fn prepare(
        corpus: &Corpus,
        vectors: &Matrix,
        mut words: WordCounts,
        titles: TitleWords<'_>,
        boilerplate: Vec<bool>,
    ) -> Self {
        words.settle_kinds();
        let weights = words.weights();
        let attested = |(token, stories): (&Token, &u32)| {
            token.kind == Kind::Name && *stories >= ATTESTED && token.text.chars().count() <= SHORT_NAME
        };
        let WordCounts { vocabulary, rows, titles: ids_of_titles, stories_with, stories: counted, .. } =
            words;
        let attested = vocabulary.iter().zip(&stories_with).map(attested).collect();
        let prepare = |(i, title): (usize, Vec<u32>)| {
            let story = prepare(corpus, StoryId(i as u32), &rows, title, &weights, &boilerplate, vectors);
            PreparedStory { title_told: title_told(&story, &vocabulary), ..story }
        };
        let stories = ids_of_titles.into_par_iter().enumerate().map(prepare).collect();
        PreparedCorpus {
            weights,
            attested,
            boilerplate,
            stories,
            stories_with,
            counted,
            titles: titles.weigh(),
            vocabulary,
        }
    }

    /// How near stories are that have nothing to do with each other.
    pub fn cosine_baseline(&self) -> CosineBaseline {
        let dim = self.stories.first().map_or(1, |s| s.vector.len().max(1));
        let vectors = self.stories.iter().flat_map(|s| s.vector.iter().copied()).collect();
        CosineBaseline::measure(&Matrix::from_vec(vectors, dim))
    }
}

impl<'a> Comparer<'a> {
    /// Prepares the stories of `corpus`; `vectors` holds one unit vector a row.
    pub fn new(corpus: &'a Corpus, vectors: &Matrix, options: &'a Options) -> Self {
        let prepared = PreparedCorpus::new(corpus, vectors, &options.boilerplate);
        Self::with_prepared(corpus, Arc::new(prepared), options)
    }

    /// As [`Comparer::new`], for a few stories out of many, with what is known of the many.
    ///
    /// # Errors
    /// If the document frequencies cannot be read.
    pub fn with_statistics(
        corpus: &'a Corpus,
        vectors: &Matrix,
        options: &'a Options,
        statistics: CorpusStatistics<'_>,
    ) -> Result<Self> {
        let prepared = PreparedCorpus::with_statistics(corpus, vectors, statistics)?;
        Ok(Self::with_prepared(corpus, Arc::new(prepared), options))
    }

    /// Compares stories of `corpus`, which `prepared` was made from.
    pub fn with_prepared(corpus: &'a Corpus, prepared: Arc<PreparedCorpus>, options: &'a Options) -> Self {
        Comparer { corpus, options, prepared }
    }

    /// What was prepared of the corpus, to be shared with other comparers of it.
    pub fn prepared(&self) -> &Arc<PreparedCorpus> {
        &self.prepared
    }

    /// The relation of `a` to `b`.
    pub fn compare(&self, a: StoryId, b: StoryId) -> Verdict {
        let mut features = self.features(a, b, &self.align(a, b));
        if self.is_identical(a, b) {
            features =
                PairFeatures { coverage_ab: 1.0, coverage_ba: 1.0, cosine: 1.0, same_text: true, ..features };
        }
        let rule = classify(&features, &self.options.thresholds);
        Verdict::new(a, b, rule, features)
    }

    /// The verdicts on `pairs`, in their order.
    pub fn compare_all(&self, pairs: &[(StoryId, StoryId)], progress: &dyn Progress) -> Result<Vec<Verdict>> {
        self.compare_filtered(pairs, |_| true, progress)
    }

    /// Those of the verdicts on `pairs` that are `wanted`, in their order. Most pairs of a large corpus come to nothing:
    /// to hold the verdicts on them too takes 140 bytes each.
    pub fn compare_filtered(
        &self,
        pairs: &[(StoryId, StoryId)],
        wanted: impl Fn(&Verdict) -> bool + Sync,
        progress: &dyn Progress,
    ) -> Result<Vec<Verdict>> {
        let judged: Vec<Verdict> = pairs
            .par_chunks(256)
            .flat_map_iter(|chunk| {
                let verdicts: Vec<Verdict> = match progress.cancelled() {
                    true => Vec::new(),
                    false => chunk.iter().map(|&(a, b)| self.compare(a, b)).filter(&wanted).collect(),
                };
                progress.advance(Stage::Compare, chunk.len() as u64);
                verdicts
            })
            .collect();
        if progress.cancelled() { Err(Error::Interrupted) } else { Ok(judged) }
    }

    fn is_identical(&self, a: StoryId, b: StoryId) -> bool {
        let (x, y) = (self.corpus.story_rows(a), self.corpus.story_rows(b));
        x.len() > 0 && x.len() == y.len() && x.eq(y)
    }

    pub(super) fn align(&self, a: StoryId, b: StoryId) -> Alignment {
        let sequence = |s: StoryId| {
            let story = &self.prepared.stories[s.index()];
            Sequence { ids: &story.ids, bigrams: &story.bigrams }
        };
        let vocabulary = Vocabulary { tokens: &self.prepared.vocabulary, attested: &self.prepared.attested };
        // The greedy search is not symmetric in itself: the lower story always comes first.
        match a <= b {
            true => align(&sequence(a), &sequence(b), vocabulary),
            false => {
                let Alignment { of_a, of_b, longest } = align(&sequence(b), &sequence(a), vocabulary);
                Alignment { of_a: of_b, of_b: of_a, longest }
            }
        }
    }

    pub(super) fn features(&self, a: StoryId, b: StoryId, found: &Alignment) -> PairFeatures {
        let (x, y) = (&self.prepared.stories[a.index()], &self.prepared.stories[b.index()]);
        let matched = |story: &PreparedStory, of: &[Match]| {
            let pairs = story.ids.iter().zip(of).filter(|(_, m)| **m != Match::None);
            // A sum of nothing is -0, which would be read as a number.
            pairs.map(|(id, _)| self.prepared.weights[*id as usize]).sum::<f32>() + 0.0
        };
        let (in_a, in_b) = (matched(x, &found.of_a), matched(y, &found.of_b));
        let share = |part: f32, whole: f32| if whole > 0.0 { (part / whole).min(1.0) } else { 0.0 };
        let mean = (x.weight + y.weight) / (x.ids.len() + y.ids.len()).max(1) as f32;
        let (near_a, near_b) = (aligned(&found.of_a), aligned(&found.of_b));
        let fewer = |kind| {
            let one = facts(&x.ids, &found.of_a, &near_a, &self.prepared.vocabulary, kind);
            let other = facts(&y.ids, &found.of_b, &near_b, &self.prepared.vocabulary, kind);
            // Of equal counts the one that shares less: whichever story comes first.
            let (all, shared) = one.min(other);
            (all, share(shared as f32, all as f32))
        };
        let ((numbers, numbers_shared), (names, names_shared)) = (fewer(Kind::Number), fewer(Kind::Name));
        // The most that one aligned stretch of text holds, in the story where that is less.
        let stretch = |story: &PreparedStory, of: &[Match], near: &[bool]| {
            let (mut most, mut sum) = (0f32, 0f32);
            for ((id, m), near) in story.ids.iter().zip(of).zip(near) {
                sum = match (near, m) {
                    (false, _) => 0.0,
                    (true, Match::None) => sum,
                    (true, _) => sum + self.prepared.weights[*id as usize],
                };
                most = most.max(sum);
            }
            most
        };
        let passage = stretch(x, &found.of_a, &near_a).min(stretch(y, &found.of_b, &near_b));
        PairFeatures {
            longest_passage: passage / mean.max(f32::MIN_POSITIVE),
            coverage_ab: share(in_a, x.weight),
            coverage_ba: share(in_b, y.weight),
            matched: in_a.min(in_b) / mean.max(f32::MIN_POSITIVE),
            longest_run: found.longest,
            numbers,
            numbers_shared,
            names,
            names_shared,
            cosine: dot(&x.vector, &y.vector).clamp(-1.0, 1.0),
            shared_rare_terms: self.shared_rare(x, y),
            days_apart: self.days_apart(a, b),
            different_sources: self.is_of_another_source(a, b),
            same_source_later: self.is_later_version(a, b),
            title_overlap: self.prepared.titles.overlap(a, b),
            distinct_title_names: self.names_a_subject(x, y) && self.names_a_subject(y, x),
            title_coverage: x.title_told.into_iter().chain(y.title_told).reduce(f32::max),
            same_text: false,
        }
    }

    /// Whether the title of `story` has a name that `other` has nowhere, nor another form of it ("Japan", "Japanese").
    fn names_a_subject(&self, story: &PreparedStory, other: &PreparedStory) -> bool {
        let text = |id: &u32| self.prepared.vocabulary[*id as usize].text.as_str();
        let nowhere = |id: &u32| {
            let of_other = [&other.distinct, &other.title];
            of_other.iter().all(|of| of.binary_search(id).is_err())
                && !of_other.into_iter().flatten().any(|theirs| are_forms(text(id), text(theirs)))
        };
        let name = |id: &&u32| self.prepared.vocabulary[**id as usize].kind == Kind::Name;
        story.title.iter().filter(name).any(nowhere)
    }

    fn shared_rare(&self, x: &PreparedStory, y: &PreparedStory) -> u32 {
        let most = (self.prepared.counted / 300).max(6);
        let rare = |id: &&u32| {
            let token = &self.prepared.vocabulary[**id as usize];
            token.kind != Kind::Number
                && self.prepared.stories_with[**id as usize] <= most
                && !is_function(&token.text)
        };
        x.distinct.iter().filter(rare).filter(|id| y.distinct.binary_search(id).is_ok()).count() as u32
    }

    fn days_apart(&self, a: StoryId, b: StoryId) -> Option<f32> {
        let published = |s: StoryId| self.corpus.stories[s.index()].published;
        Some(published(a)?.abs_diff(published(b)?) as f32 / MS_PER_DAY)
    }

    fn is_of_another_source(&self, a: StoryId, b: StoryId) -> bool {
        let source = |s: StoryId| self.corpus.stories[s.index()].source.as_deref();
        source(a).is_some() && source(b).is_some() && source(a) != source(b)
    }

    fn is_later_version(&self, a: StoryId, b: StoryId) -> bool {
        let (x, y) = (&self.corpus.stories[a.index()], &self.corpus.stories[b.index()]);
        let same = x.source.is_some() && x.source == y.source;
        same && x.published.is_some() && y.published.is_some() && x.published != y.published
    }
}

/// Whether one of two words begins with all of the other.
fn are_forms(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.chars().nth(LEAST_STEM - 1).is_some() && long.starts_with(short)
}

/// The tokens of each story's title.
fn title_tokens(corpus: &Corpus) -> Vec<Vec<Token>> {
    corpus.stories.iter().map(|story| tokens(&story.title)).collect()
}

fn prepare(
    corpus: &Corpus,
    story: StoryId,
    ids_of_rows: &[Vec<u32>],
    title: Vec<u32>,
    weights: &[f32],
    boilerplate: &[bool],
    vectors: &Matrix,
) -> PreparedStory {
    let (mut ids, mut passage) = (Vec::new(), Vec::new());
    let mut vector = vec![0.0; vectors.dim()];
    for (at, row) in corpus.story_rows(story).enumerate() {
        if boilerplate[row.index()] {
            continue;
        }
        let tokens = &ids_of_rows[row.index()];
        ids.extend_from_slice(tokens);
        passage.extend(std::iter::repeat_n(at as u32, tokens.len()));
        let informative: f32 = tokens.iter().map(|id| weights[*id as usize]).sum();
        vector.iter_mut().zip(vectors.row(row.index())).for_each(|(sum, x)| *sum += x * informative);
    }
    normalize(&mut vector);
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let weight = ids.iter().map(|id| weights[*id as usize]).sum();
    PreparedStory { bigrams: bigrams(&ids), ids, passage, distinct, title, title_told: None, weight, vector }
}

/// The share of the telling words of a story's title that its text has, in some form; none without such words.
fn title_told(story: &PreparedStory, vocabulary: &[Token]) -> Option<f32> {
    let text = |id: &u32| vocabulary[*id as usize].text.as_str();
    let telling: Vec<&u32> = story.title.iter().filter(|id| !is_function(text(id))).collect();
    let is_said = |id: &&&u32| {
        let as_it_is = story.distinct.binary_search(id).is_ok();
        let is_number = vocabulary[***id as usize].kind == Kind::Number;
        as_it_is || (!is_number && story.distinct.iter().any(|own| are_forms(text(id), text(own))))
    };
    let told = telling.iter().filter(is_said).count() as f32 / telling.len() as f32;
    (!telling.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    /// Whether the titles of two stories of one wording name subjects of their own. Names are known from texts.
    #[test]
    fn titles_tell_two_subjects_apart() {
        let check = |a: (&str, &str), b: (&str, &str), expect: bool| {
            let story = |id: &str, (title, text): (&str, &str)| Story {
                id: id.into(),
                title: title.into(),
                text: text.into(),
                ..Story::default()
            };
            let names =
                "Ships left Ostrel, Norrin, Valemont, Torvik and Ostrelian ports, said Bancorp of Sel.";
            let corpus = Corpus::new(vec![story("a", a), story("b", b), story("c", ("", names))]);
            let vectors = Matrix::zeros(corpus.rows.len(), 8);
            let options = Options::default();
            let comparer = Comparer::new(&corpus, &vectors, &options);
            for (x, y) in [(StoryId(0), StoryId(1)), (StoryId(1), StoryId(0))] {
                assert_eq!(comparer.compare(x, y).features.distinct_title_names, expect, "{a:?} {b:?}");
            }
        };
        let fund = |name: &str| format!("Dividend of 6.5 cents, paid on April 30. It is the fund of {name}.");
        let fund = |title, name| (title, fund(name));
        let check = |a: (&str, String), b: (&str, String), expect| check((a.0, &a.1), (b.0, &b.1), expect);
        check(fund("OSTREL SETS PAYOUT", "Ostrel"), fund("NORRIN SETS PAYOUT", "Norrin"), true);
        check(fund("Ostrel sets payout", "Ostrel"), fund("NORRIN SETS PAYOUT", "Norrin"), true);
        check(fund("OSTREL SETS PAYOUT", "Ostrel"), fund("SETS PAYOUT", "Norrin"), false);
        check(fund("OSTREL SETS PAYOUT", "Ostrel"), fund("OSTREL PAYS", "Ostrel"), false);
        // Another headline on the same text.
        check(fund("OSTREL SETS PAYOUT", "Norrin and Ostrel"), fund("NORRIN PAYS", "Norrin"), false);
        check(fund("FUND PAYS", "Norrin"), fund("CENTS FOR HOLDERS", "Norrin"), false);
        // Another form of the name.
        check(fund("OSTRELIAN PAYOUT", "Sel"), fund("OSTREL PAYOUT", "Sel"), false);
        check(fund("BANCORPORATION PAYS", "Bancorporation"), fund("BANCORP PAYS", "Bancorp"), false);
    }
}
