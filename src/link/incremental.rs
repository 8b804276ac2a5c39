//! The incremental linker: takes documents in order of time and links each to the most similar earlier ones.

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

use super::{
    document::{Document, DocumentFeatures, DocumentTokens},
    null_distribution::{NullDistribution, Standardization},
    terms::{Vocabulary, shared_terms},
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    vector::{Matrix, dot},
};

/// Earlier documents that each one is compared with to estimate the null distribution.
const SAMPLE: usize = 8;

/// The least score of a pair that is kept.
const MIN_SCORE: f32 = 2.0;

/// The largest possible similarity: two cosines of 1.
const MAX_SIMILARITY: f32 = 2.0;

/// Documents that are tokenized at a time.
const BLOCK: usize = 1024;

const MS_PER_DAY: f32 = 86_400_000.0;

/// The settings of linking.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkOptions {
    /// The half-life of a score, in hours between the two stories. News is read for about 36 hours (Dezső and others,
    /// "Dynamics of information access on the web", 2006).
    pub half_life_hours: f32,
    /// The largest number of earlier stories that a story is linked to.
    pub neighbours: usize,
}

impl Default for LinkOptions {
    fn default() -> Self {
        LinkOptions { half_life_hours: 36.0, neighbours: 20 }
    }
}

/// Two related stories, by their positions in the linker.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The earlier one.
    pub a: u32,
    /// The later one.
    pub b: u32,
    /// Standard deviations above unrelated stories, with the decay by time.
    pub score: f32,
    /// The cosine of their vectors, in [-1, 1].
    pub cosine: f32,
    /// Days between them, if both have a time.
    pub days: Option<f32>,
    /// Names that both have, the most informative first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the most informative first.
    pub terms: Vec<String>,
}

/// A pair of a later and an earlier document, with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ScoredPair {
    pub earlier: u32,
    pub later: u32,
    pub score: f32,
}

impl ScoredPair {
    /// Whether the score is significant: above the highest expected among as many unrelated stories as there were then.
    pub fn is_link(&self) -> bool {
        self.score >= NullDistribution::link_threshold(self.later as usize)
    }
}

/// The documents so far and their links. Adding documents one by one or in batches gives the same result: a document is
/// weighted by the vocabulary and the null distribution of its time, and its links are never revised.
#[derive(Debug, Clone)]
pub struct IncrementalLinker {
    options: LinkOptions,
    vocabulary: Vocabulary,
    distribution: NullDistribution,
    pub(super) features: Vec<DocumentFeatures>,
    /// The distinct spellings, and for each document the spelling of each of its terms.
    spellings: Spellings,
    spellings_of: Vec<Vec<(u32, u32)>>,
    published: Vec<Option<i64>>,
    template_variants: Vec<Vec<u32>>,
    /// The null distribution when each document came.
    standardizations: Vec<Standardization>,
    /// The inverted index: for each term the documents that have it, with its weight in each.
    postings: Vec<Vec<(u32, f32)>>,
    pub(super) pairs: Vec<ScoredPair>,
}

/// Distinct spellings, numbered.
#[derive(Debug, Clone, Default)]
struct Spellings {
    numbers: HashMap<Arc<str>, u32>,
    all: Vec<Arc<str>>,
}

impl Spellings {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let (word, number) = (Arc::from(word), self.all.len() as u32);
        self.all.push(Arc::clone(&word));
        self.numbers.insert(word, number);
        number
    }
}

impl IncrementalLinker {
    /// An empty linker. `prior` holds the unit vectors of [`super::prior_texts`], one per text.
    pub fn new(prior: &Matrix, options: LinkOptions) -> Self {
        IncrementalLinker {
            options,
            vocabulary: Vocabulary::default(),
            distribution: NullDistribution::new(prior),
            features: Vec::new(),
            spellings: Spellings::default(),
            spellings_of: Vec::new(),
            published: Vec::new(),
            template_variants: Vec::new(),
            standardizations: Vec::new(),
            postings: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// Adds documents, in order of time: each is later than those before.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn extend(&mut self, documents: &[Document<'_>], progress: &dyn Progress) -> Result<()> {
        let first = self.features.len();
        progress.begin(Stage::Link, Some(documents.len() as u64));
        for block in documents.chunks(BLOCK) {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let tokens: Vec<DocumentTokens<'_>> = block.par_iter().map(Document::tokens).collect();
            block.iter().zip(&tokens).for_each(|(document, tokens)| self.add(document, tokens));
        }
        let pairs: Vec<Vec<ScoredPair>> = (first..self.features.len())
            .into_par_iter()
            .with_max_len(16)
            .map_init(Vec::new, |scratch, story| {
                if progress.cancelled() {
                    return Vec::new();
                }
                let pairs = self.nearest(story, scratch);
                progress.advance(Stage::Link, 1);
                pairs
            })
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        self.pairs.extend(pairs.into_iter().flatten());
        progress.end(Stage::Link);
        Ok(())
    }

    fn add(&mut self, document: &Document<'_>, tokens: &DocumentTokens<'_>) {
        let dim = document.title.iter().chain(&document.body).map(|p| p.vector.len()).next();
        let dim = dim.or(self.features.first().map(|p| p.vector.len())).unwrap_or(0);
        let features = document.add_to(&mut self.vocabulary, tokens, dim);
        let n = self.features.len();
        // Evenly spaced, so that most differ in time and subject.
        let sample = n.min(SAMPLE);
        for k in 0..sample {
            let other = &self.features[k * n / sample];
            if other.vector.len() == features.vector.len() {
                self.distribution.add(other.similarity(&features));
            }
        }
        self.distribution.update();
        self.postings.resize(self.vocabulary.terms.len(), Vec::new());
        for &(term, weight) in &features.terms {
            self.postings[term as usize].push((n as u32, weight));
        }
        let spellings = self.vocabulary.spellings(tokens.all(), |_| true);
        self.spellings_of
            .push(spellings.into_iter().map(|(term, word)| (term, self.spellings.number(word))).collect());
        self.features.push(features);
        self.published.push(document.published);
        self.template_variants.push(document.template_variants.clone());
        self.standardizations.push(self.distribution.standardization());
    }

    /// The most similar documents before `story`, the highest score first.
    fn nearest(&self, story: usize, scratch: &mut Vec<f32>) -> Vec<ScoredPair> {
        scratch.clear();
        scratch.resize(story, 0.0);
        let features = &self.features[story];
        for &(term, weight) in &features.terms {
            for &(other, other_weight) in
                self.postings[term as usize].iter().take_while(|p| (p.0 as usize) < story)
            {
                scratch[other as usize] += other_weight * weight;
            }
        }
        let standardization = self.standardizations[story];
        let highest = standardization.z_score(MAX_SIMILARITY);
        let score = |(other, terms): (usize, &f32)| {
            if self.are_excluded(other, story) {
                return None;
            }
            let decay = self.decay(self.days(story, other));
            if decay * highest < MIN_SCORE || self.features[other].vector.len() != features.vector.len() {
                return None;
            }
            let similarity = dot(&self.features[other].vector, &features.vector) + terms;
            let score = standardization.z_score(similarity) * decay;
            (score >= MIN_SCORE).then_some(ScoredPair { earlier: other as u32, later: story as u32, score })
        };
        let mut pairs: Vec<ScoredPair> = scratch.iter().enumerate().filter_map(score).collect();
        pairs.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.earlier.cmp(&y.earlier)));
        pairs.truncate(self.options.neighbours);
        pairs
    }

    /// The score of two documents by the current null distribution; 0 for those that are never linked.
    pub(super) fn score(&self, a: u32, b: u32) -> f32 {
        let (earlier, later) = (a.min(b), a.max(b) as usize);
        if self.are_excluded(earlier as usize, later) {
            return 0.0;
        }
        let similarity = self.features[earlier as usize].similarity(&self.features[later]);
        self.standardization().z_score(similarity) * self.decay(self.days(earlier as usize, later))
    }

    /// Whether two documents are never linked.
    fn are_excluded(&self, earlier: usize, later: usize) -> bool {
        self.template_variants[later].binary_search(&(earlier as u32)).is_ok()
            || self.features[earlier].differs_in_subject(&self.features[later])
    }

    fn days(&self, a: usize, b: usize) -> Option<f32> {
        Some(self.published[a]?.abs_diff(self.published[b]?) as f32 / MS_PER_DAY)
    }

    /// The factor by which a score decays within `days`; 1 if a time is missing.
    pub(super) fn decay(&self, days: Option<f32>) -> f32 {
        days.map_or(1.0, |days| (-days * 24.0 / self.options.half_life_hours).exp2())
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there are no documents yet.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    pub(super) fn published(&self, story: u32) -> Option<i64> {
        self.published[story as usize]
    }

    pub(super) fn standardization(&self) -> Standardization {
        self.distribution.standardization()
    }

    /// The links, by the later story, then by descending score.
    pub fn links(&self) -> Vec<Link> {
        self.pairs.iter().filter(|n| n.is_link()).map(|n| self.link(n)).collect()
    }

    fn link(&self, pair: &ScoredPair) -> Link {
        let (a, b) = (&self.features[pair.earlier as usize], &self.features[pair.later as usize]);
        let spelling = |story: u32| {
            move |term: u32| {
                let spellings = &self.spellings_of[story as usize];
                let at = spellings.binary_search_by_key(&term, |s| s.0).ok()?;
                Some(&*self.spellings.all[spellings[at].1 as usize])
            }
        };
        let common = shared_terms(&a.terms, &b.terms);
        let (names, terms) =
            self.vocabulary.describe_shared(common, spelling(pair.earlier), spelling(pair.later));
        Link {
            a: pair.earlier,
            b: pair.later,
            score: pair.score,
            cosine: dot(&a.vector, &b.vector).clamp(-1.0, 1.0),
            days: self.days(pair.earlier as usize, pair.later as usize),
            names,
            terms,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        link::{EmbeddedText, terms::MAX_SHARED},
        progress::NoProgress,
        random::SplitMix64,
        vector::normalize,
    };

    const DIM: usize = 16;
    const HOUR: i64 = 3_600_000;

    /// Texts and vectors of `n` documents on `subjects` subjects, with some noise.
    fn stories(n: usize, subjects: usize, seed: u64) -> (Vec<String>, Matrix) {
        let mut random = SplitMix64::new(seed);
        let (mut texts, mut vectors) = (Vec::new(), Matrix::zeros(n, DIM));
        for i in 0..n {
            let subject = random.below(subjects);
            let mut below = |n: usize| random.below(n);
            let word = |r: usize| format!("subject{subject}word{r} ");
            texts.push(format!("{}{}common{}", word(below(5)), word(below(5)), below(3)));
            for (k, x) in vectors.row_mut(i).iter_mut().enumerate() {
                *x = if k == subject % DIM { 2.0 } else { 0.0 } + random.below(100) as f32 / 100.0 - 0.5;
            }
            normalize(vectors.row_mut(i));
        }
        (texts, vectors)
    }

    fn documents<'a>(texts: &'a [String], vectors: &'a Matrix, hours: i64) -> Vec<Document<'a>> {
        let document = |(i, text): (usize, &'a String)| Document {
            published: Some(i as i64 * hours * HOUR),
            body: vec![EmbeddedText { text, vector: vectors.row(i) }],
            ..Document::default()
        };
        texts.iter().enumerate().map(document).collect()
    }

    fn link(documents: &[Document<'_>], cuts: &[usize]) -> IncrementalLinker {
        let mut linker = IncrementalLinker::new(&Matrix::zeros(0, DIM), LinkOptions::default());
        let mut rest = documents;
        for cut in cuts {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            linker.extend(now, &NoProgress).unwrap();
            rest = later;
        }
        linker.extend(rest, &NoProgress).unwrap();
        linker
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn single_documents_and_batches_give_the_same_links(
            n in 0usize..60, subjects in 1usize..9, seed: u64, hours in 0i64..24,
            cuts in proptest::collection::vec(1usize..20, 0..6),
        ) {
            let (texts, vectors) = stories(n, subjects, seed);
            let documents = documents(&texts, &vectors, hours);
            let (whole, split, single) =
                (link(&documents, &[]), link(&documents, &cuts), link(&documents, &vec![1; n]));
            prop_assert_eq!(whole.links(), split.links());
            prop_assert_eq!(whole.links(), single.links());
            prop_assert_eq!(whole.storylines(), single.storylines());
            prop_assert_eq!(whole.storylines(), split.storylines());
        }

        #[test]
        fn pairs_are_those_of_a_linear_scan(n in 0usize..60, subjects in 1usize..9, seed: u64) {
            let (texts, vectors) = stories(n, subjects, seed);
            let linker = link(&documents(&texts, &vectors, 3), &[]);
            for later in 0..n {
                let mut expect: Vec<(f32, usize)> = (0..later)
                    .map(|earlier| {
                        let similarity = linker.features[earlier].similarity(&linker.features[later]);
                        let decay = linker.decay(Some((later - earlier) as f32 * 3.0 / 24.0));
                        (linker.standardizations[later].z_score(similarity) * decay, earlier)
                    })
                    .filter(|(score, _)| *score >= MIN_SCORE)
                    .collect();
                expect.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
                expect.truncate(20);
                let found: Vec<&ScoredPair> = linker.pairs.iter().filter(|m| m.later as usize == later).collect();
                prop_assert_eq!(found.len(), expect.len());
                for (pair, (score, _)) in found.iter().zip(expect) {
                    prop_assert!((pair.score - score).abs() < 1e-3, "{} {}", pair.score, score);
                }
            }
        }

        #[test]
        fn a_story_is_in_at_most_one_storyline(n in 0usize..60, subjects in 1usize..9, seed: u64) {
            let (texts, vectors) = stories(n, subjects, seed);
            let storylines = link(&documents(&texts, &vectors, 1), &[]).storylines();
            let mut all: Vec<u32> = storylines.iter().flat_map(|s| s.members.clone()).collect();
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(storylines.iter().all(|s| s.members.len() > 1 && s.members.contains(&s.central)));
        }
    }

    #[test]
    fn a_document_near_one_side_of_a_large_storyline_joins_it() {
        // Forty unrelated documents. Then a subject of sixteen sides, two documents each, and a document of one side.
        let mut vectors = Matrix::zeros(73, 64);
        let mut texts = Vec::new();
        for i in 0..73usize {
            let row = vectors.row_mut(i);
            match i {
                0..40 => {
                    row[i] = 1.0;
                    texts.push(format!("lone{i} word{i}"));
                }
                _ => {
                    let side = if i == 72 { 0 } else { (i - 40) / 2 };
                    // The last is more similar to its own side than to the subject.
                    row[63] = if i == 72 { 0.35 } else { 1.0 };
                    row[40 + side] = 0.6;
                    texts.push(format!("fire side{side}"));
                }
            }
            normalize(row);
        }
        let storylines = link(&documents(&texts, &vectors, 0), &[]).storylines();
        let large = storylines.iter().find(|s| s.members.contains(&40)).unwrap();
        assert!(large.members.contains(&72), "{storylines:?}");
        assert!(large.members.iter().all(|m| *m >= 40), "{storylines:?}");
    }

    #[test]
    fn links_decay_with_time() {
        let (texts, vectors) = stories(40, 8, 3);
        let links = |hours| link(&documents(&texts, &vectors, hours), &[]).links().len();
        let (same, later) = (links(0), links(6));
        assert!(same > later && later > links(24 * 30), "{same} {later}");
        assert_eq!(links(24 * 30), 0);
    }

    #[test]
    fn does_not_link_template_variants() {
        let (texts, vectors) = stories(40, 4, 3);
        let mut documents = documents(&texts, &vectors, 1);
        let variants: Vec<(u32, u32)> = link(&documents, &[]).links().iter().map(|l| (l.a, l.b)).collect();
        assert!(!variants.is_empty());
        variants.iter().for_each(|(a, b)| documents[*b as usize].template_variants.push(*a));
        documents.iter_mut().for_each(|r| r.template_variants.sort_unstable());
        let links = link(&documents, &[]).links();
        assert!(links.iter().all(|l| !variants.contains(&(l.a, l.b))), "{links:?}");
    }

    #[test]
    fn links_list_shared_names_and_terms() {
        let (mut texts, vectors) = stories(40, 8, 5);
        texts.iter_mut().for_each(|t| t.push_str(" in Norrin"));
        let linker = link(&documents(&texts, &vectors, 1), &[]);
        let links = linker.links();
        assert!(!links.is_empty());
        for link in &links {
            assert_eq!(link.names, ["Norrin"]);
            assert!(link.terms.len() <= MAX_SHARED && link.a < link.b && link.days.is_some_and(|d| d > 0.0));
        }
    }
}
