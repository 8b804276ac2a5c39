//! Takes stories one by one, in the order of time, and links each to the nearest earlier ones.

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

use super::{
    document::{Document, Profile, Words},
    null_distribution::{NullDistribution, Scale},
    storylines::{self, Storyline},
    terms::{Vocabulary, product, shared},
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    vector::{Matrix, dot},
};

/// Earlier stories that each one's nearness to unrelated ones is measured on.
const SAMPLE: usize = 8;

/// Scores below this bring nothing, not even two storylines together.
const LEAST: f32 = 2.0;

/// Two unit vectors and two unit sets of terms are no nearer than this.
const MOST_SIMILAR: f32 = 2.0;

/// Stories whose words are read at once.
const BLOCK: usize = 1024;

const DAY: f32 = 86_400_000.0;

/// How stories are linked.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkOptions {
    /// Hours between two stories that halve their score. News is read, and told again, for about 36 hours (Dezső and
    /// others, "Dynamics of information access on the web", 2006).
    pub half_life_hours: f32,
    /// The nearest earlier stories that each is linked to, at most.
    pub neighbours: usize,
}

impl Default for LinkOptions {
    fn default() -> Self {
        LinkOptions { half_life_hours: 36.0, neighbours: 20 }
    }
}

/// Two related stories, by their place among those that the linker took.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The earlier one.
    pub a: u32,
    /// The later one.
    pub b: u32,
    /// Standard deviations above unrelated stories, less the more time lies between.
    pub score: f32,
    /// Cosine of their vectors.
    pub cosine: f32,
    /// Days between, where both have a time.
    pub days: Option<f32>,
    /// Names that both have, the most telling first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the most telling first.
    pub terms: Vec<String>,
}

/// An earlier story near a later one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub earlier: u32,
    pub later: u32,
    pub score: f32,
}

impl Near {
    /// Whether it is nearer than the nearest of as many unrelated stories as had come by then would be.
    pub fn is_link(&self) -> bool {
        self.score >= NullDistribution::link_threshold(self.later as usize)
    }
}

/// Stories so far, and what links them. Whether they come one by one or all at once, the result is the same: a story
/// is weighed by what is known when it comes, and its links are never revised.
#[derive(Debug, Clone)]
pub struct IncrementalLinker {
    options: LinkOptions,
    vocabulary: Vocabulary,
    background: NullDistribution,
    pub(super) profiles: Vec<Profile>,
    /// Every spelling of a word, and for each story how it writes each of its terms.
    spellings: Spellings,
    spelled: Vec<Vec<(u32, u32)>>,
    published: Vec<Option<i64>>,
    template_variants: Vec<Vec<u32>>,
    /// How near unrelated stories were when each came.
    scales: Vec<Scale>,
    /// For each term the stories that have it, with its weight in each.
    postings: Vec<Vec<(u32, f32)>>,
    pub(super) near: Vec<Near>,
}

/// Words as they are written, each once.
#[derive(Debug, Clone, Default)]
struct Spellings {
    number: HashMap<Arc<str>, u32>,
    all: Vec<Arc<str>>,
}

impl Spellings {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.number.get(word) {
            return *number;
        }
        let (word, number) = (Arc::from(word), self.all.len() as u32);
        self.all.push(Arc::clone(&word));
        self.number.insert(word, number);
        number
    }
}

/// Cosine of vectors and cosine of terms, added: in [-1, 2].
pub(super) fn similarity(a: &Profile, b: &Profile) -> f32 {
    dot(&a.vector, &b.vector) + product(&a.terms, &b.terms)
}

impl IncrementalLinker {
    /// With no story yet; `prior` has the vectors of [`super::prior_texts`].
    pub fn new(prior: &Matrix, options: LinkOptions) -> Self {
        IncrementalLinker {
            options,
            vocabulary: Vocabulary::default(),
            background: NullDistribution::new(prior),
            profiles: Vec::new(),
            spellings: Spellings::default(),
            spelled: Vec::new(),
            published: Vec::new(),
            template_variants: Vec::new(),
            scales: Vec::new(),
            postings: Vec::new(),
            near: Vec::new(),
        }
    }

    /// Takes more stories, each later than those before.
    pub fn extend(&mut self, documents: &[Document<'_>], progress: &dyn Progress) -> Result<()> {
        let first = self.profiles.len();
        progress.begin(Stage::Link, Some(documents.len() as u64));
        for block in documents.chunks(BLOCK) {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let words: Vec<Words<'_>> = block.par_iter().map(Document::words).collect();
            block.iter().zip(&words).for_each(|(reading, words)| self.learn(reading, words));
        }
        let near: Vec<Vec<Near>> = (first..self.profiles.len())
            .into_par_iter()
            .with_max_len(16)
            .map_init(Vec::new, |scratch, story| {
                if progress.cancelled() {
                    return Vec::new();
                }
                let near = self.nearest(story, scratch);
                progress.advance(Stage::Link, 1);
                near
            })
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        self.near.extend(near.into_iter().flatten());
        progress.end(Stage::Link);
        Ok(())
    }

    fn learn(&mut self, reading: &Document<'_>, words: &Words<'_>) {
        let dim = reading.title.iter().chain(&reading.body).map(|p| p.vector.len()).next();
        let dim = dim.or(self.profiles.first().map(|p| p.vector.len())).unwrap_or(0);
        let profile = reading.learn(words, &mut self.vocabulary, dim);
        let n = self.profiles.len();
        // Evenly spaced, so that most are far from it in time and subject.
        let sample = n.min(SAMPLE);
        for k in 0..sample {
            let other = &self.profiles[k * n / sample];
            if other.vector.len() == profile.vector.len() {
                self.background.count(similarity(other, &profile));
            }
        }
        self.background.settle();
        self.postings.resize(self.vocabulary.terms.len(), Vec::new());
        for &(term, weight) in &profile.terms {
            self.postings[term as usize].push((n as u32, weight));
        }
        let spelled = self.vocabulary.spellings(words.all(), |_| true);
        self.spelled
            .push(spelled.into_iter().map(|(term, word)| (term, self.spellings.number(word))).collect());
        self.profiles.push(profile);
        self.published.push(reading.published);
        self.template_variants.push(reading.template_variants.clone());
        self.scales.push(self.background.scale());
    }

    /// The nearest stories that came before `story`, nearest first.
    fn nearest(&self, story: usize, scratch: &mut Vec<f32>) -> Vec<Near> {
        scratch.clear();
        scratch.resize(story, 0.0);
        let profile = &self.profiles[story];
        for &(term, weight) in &profile.terms {
            for &(other, theirs) in self.postings[term as usize].iter().take_while(|p| (p.0 as usize) < story)
            {
                scratch[other as usize] += theirs * weight;
            }
        }
        let scale = self.scales[story];
        let most = scale.score(MOST_SIMILAR);
        let score = |(other, terms): (usize, &f32)| {
            if self.are_parted(other, story) {
                return None;
            }
            let decay = self.decay(self.days(story, other));
            if decay * most < LEAST || self.profiles[other].vector.len() != profile.vector.len() {
                return None;
            }
            let similarity = dot(&self.profiles[other].vector, &profile.vector) + terms;
            let score = scale.score(similarity) * decay;
            (score >= LEAST).then_some(Near { earlier: other as u32, later: story as u32, score })
        };
        let mut near: Vec<Near> = scratch.iter().enumerate().filter_map(score).collect();
        near.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.earlier.cmp(&y.earlier)));
        near.truncate(self.options.neighbours);
        near
    }

    /// How far two stories are above unrelated ones, by all that is known now; 0 for those that are never linked.
    pub(super) fn score(&self, a: u32, b: u32) -> f32 {
        let (earlier, later) = (a.min(b), a.max(b) as usize);
        if self.are_parted(earlier as usize, later) {
            return 0.0;
        }
        let similarity = similarity(&self.profiles[earlier as usize], &self.profiles[later]);
        self.scale().score(similarity) * self.decay(self.days(earlier as usize, later))
    }

    /// Whether two stories are never linked.
    fn are_parted(&self, earlier: usize, later: usize) -> bool {
        self.template_variants[later].binary_search(&(earlier as u32)).is_ok()
            || self.profiles[earlier].is_of_another_subject(&self.profiles[later])
    }

    fn days(&self, a: usize, b: usize) -> Option<f32> {
        Some(self.published[a]?.abs_diff(self.published[b]?) as f32 / DAY)
    }

    /// What is left of a score after so many days; all of it where a time is missing.
    pub(super) fn decay(&self, days: Option<f32>) -> f32 {
        days.map_or(1.0, |days| (-days * 24.0 / self.options.half_life_hours).exp2())
    }

    /// How many stories it took.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether it took none yet.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    pub(super) fn published(&self, story: u32) -> Option<i64> {
        self.published[story as usize]
    }

    pub(super) fn scale(&self) -> Scale {
        self.background.scale()
    }

    /// The links, by the later story, then by score.
    pub fn links(&self) -> Vec<Link> {
        self.near.iter().filter(|n| n.is_link()).map(|n| self.link(n)).collect()
    }

    fn link(&self, near: &Near) -> Link {
        let (a, b) = (&self.profiles[near.earlier as usize], &self.profiles[near.later as usize]);
        let spelled = |story: u32| {
            move |term: u32| {
                let of = &self.spelled[story as usize];
                let at = of.binary_search_by_key(&term, |s| s.0).ok()?;
                Some(&*self.spellings.all[of[at].1 as usize])
            }
        };
        let common = shared(&a.terms, &b.terms);
        let (names, terms) = self.vocabulary.told(common, spelled(near.earlier), spelled(near.later));
        Link {
            a: near.earlier,
            b: near.later,
            score: near.score,
            cosine: dot(&a.vector, &b.vector).clamp(-1.0, 1.0),
            days: self.days(near.earlier as usize, near.later as usize),
            names,
            terms,
        }
    }

    /// The storylines of two and more stories, in the order of their first story.
    pub fn storylines(&self) -> Vec<Storyline> {
        storylines::gather(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        link::{EmbeddedText, terms::TOLD},
        progress::NoProgress,
        random::SplitMix64,
        vector::normalize,
    };

    const DIM: usize = 16;
    const HOUR: i64 = 3_600_000;

    /// Texts and vectors around `subjects` subjects, with some noise.
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
        let reading = |(i, text): (usize, &'a String)| Document {
            published: Some(i as i64 * hours * HOUR),
            body: vec![EmbeddedText { text, vector: vectors.row(i) }],
            ..Document::default()
        };
        texts.iter().enumerate().map(reading).collect()
    }

    fn linked(documents: &[Document<'_>], cuts: &[usize]) -> IncrementalLinker {
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
        fn one_by_one_and_all_at_once_are_the_same(
            n in 0usize..60, subjects in 1usize..9, seed: u64, hours in 0i64..24,
            cuts in proptest::collection::vec(1usize..20, 0..6),
        ) {
            let (texts, vectors) = stories(n, subjects, seed);
            let documents = documents(&texts, &vectors, hours);
            let (whole, split, single) =
                (linked(&documents, &[]), linked(&documents, &cuts), linked(&documents, &vec![1; n]));
            prop_assert_eq!(whole.links(), split.links());
            prop_assert_eq!(whole.links(), single.links());
            prop_assert_eq!(whole.storylines(), single.storylines());
            prop_assert_eq!(whole.storylines(), split.storylines());
        }

        #[test]
        fn what_is_near_is_what_a_plain_scan_finds(n in 0usize..60, subjects in 1usize..9, seed: u64) {
            let (texts, vectors) = stories(n, subjects, seed);
            let linker = linked(&documents(&texts, &vectors, 3), &[]);
            for later in 0..n {
                let mut expect: Vec<(f32, usize)> = (0..later)
                    .map(|earlier| {
                        let similarity = similarity(&linker.profiles[earlier], &linker.profiles[later]);
                        let decay = linker.decay(Some((later - earlier) as f32 * 3.0 / 24.0));
                        (linker.scales[later].score(similarity) * decay, earlier)
                    })
                    .filter(|(score, _)| *score >= LEAST)
                    .collect();
                expect.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
                expect.truncate(20);
                let found: Vec<&Near> = linker.near.iter().filter(|m| m.later as usize == later).collect();
                prop_assert_eq!(found.len(), expect.len());
                for (near, (score, _)) in found.iter().zip(expect) {
                    prop_assert!((near.score - score).abs() < 1e-3, "{} {}", near.score, score);
                }
            }
        }

        #[test]
        fn a_story_is_in_one_storyline_at_most(n in 0usize..60, subjects in 1usize..9, seed: u64) {
            let (texts, vectors) = stories(n, subjects, seed);
            let storylines = linked(&documents(&texts, &vectors, 1), &[]).storylines();
            let mut all: Vec<u32> = storylines.iter().flat_map(|s| s.members.clone()).collect();
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(storylines.iter().all(|s| s.members.len() > 1 && s.members.contains(&s.central)));
        }
    }

    #[test]
    fn a_side_of_a_large_storyline_joins_it_and_brings_no_others() {
        // NullDistribution: forty subjects told once. Then a subject of sixteen sides, told twice each, and a story of one side.
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
                    // The last is nearer to its own side than to the whole.
                    row[63] = if i == 72 { 0.35 } else { 1.0 };
                    row[40 + side] = 0.6;
                    texts.push(format!("fire side{side}"));
                }
            }
            normalize(row);
        }
        let storylines = linked(&documents(&texts, &vectors, 0), &[]).storylines();
        let large = storylines.iter().find(|s| s.members.contains(&40)).unwrap();
        assert!(large.members.contains(&72), "{storylines:?}");
        assert!(large.members.iter().all(|m| *m >= 40), "{storylines:?}");
    }

    #[test]
    fn time_pulls_stories_apart() {
        let (texts, vectors) = stories(40, 8, 3);
        let links = |hours| linked(&documents(&texts, &vectors, hours), &[]).links().len();
        let (same, later) = (links(0), links(6));
        assert!(same > later && later > links(24 * 30), "{same} {later}");
        assert_eq!(links(24 * 30), 0);
    }

    #[test]
    fn does_not_link_template_variants() {
        let (texts, vectors) = stories(40, 4, 3);
        let mut documents = documents(&texts, &vectors, 1);
        let variants: Vec<(u32, u32)> = linked(&documents, &[]).links().iter().map(|l| (l.a, l.b)).collect();
        assert!(!variants.is_empty());
        variants.iter().for_each(|(a, b)| documents[*b as usize].template_variants.push(*a));
        documents.iter_mut().for_each(|r| r.template_variants.sort_unstable());
        let links = linked(&documents, &[]).links();
        assert!(links.iter().all(|l| !variants.contains(&(l.a, l.b))), "{links:?}");
    }

    #[test]
    fn links_tell_what_is_shared() {
        let (mut texts, vectors) = stories(40, 8, 5);
        texts.iter_mut().for_each(|t| t.push_str(" in Norrin"));
        let linker = linked(&documents(&texts, &vectors, 1), &[]);
        let links = linker.links();
        assert!(!links.is_empty());
        for link in &links {
            assert_eq!(link.names, ["Norrin"]);
            assert!(link.terms.len() <= TOLD && link.a < link.b && link.days.is_some_and(|d| d > 0.0));
        }
    }
}
