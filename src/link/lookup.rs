//! The stories nearest to one: by vectors and terms of whole stories, then by their best passages.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::{
    document::{Document, Profile, Words},
    smoothing::{self, Candidate, SmoothedScore},
    terms::{Vocabulary, product, shared},
};
use crate::{
    Error, Result,
    compare::DocumentFrequencies,
    device::Isa,
    progress::{Progress, Stage},
    search::{QuantizedQuery, QuantizedRows},
    vector::dot,
};

/// So many times the wanted number of stories are looked at passage by passage …
const LOOKED_AT: usize = 10;

/// … and at least so many.
const LOOKED_AT_LEAST: usize = 200;

/// The company of so many times the wanted number of stories is heard: what is farther off does not come up.
const RISING: usize = 2;

/// A pool of stories that are looked up many times.
pub struct SimilarityIndex<'a> {
    documents: Vec<Document<'a>>,
    vocabulary: Vocabulary,
    profiles: Vec<Profile>,
    /// The vectors of the profiles as bytes: what is read of all stories.
    bytes: QuantizedRows,
    isa: Isa,
    postings: Vec<Vec<(u32, f32)>>,
    dim: usize,
}

/// A passage of the query and one of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageMatch {
    /// The query's.
    pub query: String,
    /// The story's.
    pub passage: String,
    /// Their cosine.
    pub cosine: f32,
}

/// A story near a query.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarStory {
    /// Its place in the pool.
    pub story: usize,
    /// The mean of `cosine` and `terms`, moved towards `neighbour_score`, the less the nearer to 1, which the same text has.
    pub score: f32,
    /// How near the query the two stories are, on average, that are most like this one.
    pub neighbour_score: f32,
    /// Cosine of the stories' vectors, or of their best passages, whichever is higher; of the vectors if both stories
    /// are a title and a passage.
    pub cosine: f32,
    /// Cosine of their terms, weighed by rarity, in [0, 1].
    pub terms: f32,
    /// Names that both have, the most telling first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the most telling first.
    pub words: Vec<String>,
    /// Their best passages; none if one has no body.
    pub best: Option<PassageMatch>,
}

/// What is known of a story before its passages are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rough {
    story: usize,
    cosine: f32,
    terms: f32,
}

/// The places of the nearest two passages, and their cosine.
#[derive(Debug, Clone, Copy)]
struct Best {
    query: usize,
    passage: usize,
    cosine: f32,
}

/// A story whose passages were looked at: how near it is.
#[derive(Debug, Clone, Copy)]
struct Looked {
    near: Rough,
    /// The cosines of the whole stories' vectors and of their terms, added.
    similarity: f32,
    best: Option<Best>,
}

impl Rough {
    fn score(&self) -> f32 {
        (self.cosine + self.terms) / 2.0
    }

    /// The nearest first, then by place.
    fn order(&self, other: &Rough) -> Ordering {
        other.score().total_cmp(&self.score()).then(self.story.cmp(&other.story))
    }
}

impl<'a> SimilarityIndex<'a> {
    /// Takes the pool, to be searched by the kernels of `isa`.
    pub fn new(documents: Vec<Document<'a>>, isa: Isa, progress: &dyn Progress) -> Result<Self> {
        Self::prepare(documents, None, isa, progress)
    }

    /// Takes a pool of a few stories out of many, whose document frequencies are known.
    ///
    /// # Errors
    /// If the document frequencies cannot be read, and [`Error::Interrupted`].
    pub fn with_document_frequencies(
        documents: Vec<Document<'a>>,
        frequencies: &dyn DocumentFrequencies,
        isa: Isa,
        progress: &dyn Progress,
    ) -> Result<Self> {
        Self::prepare(documents, Some(frequencies), isa, progress)
    }

    fn prepare(
        documents: Vec<Document<'a>>,
        frequencies: Option<&dyn DocumentFrequencies>,
        isa: Isa,
        progress: &dyn Progress,
    ) -> Result<Self> {
        progress.begin(Stage::Link, Some(documents.len() as u64));
        let words: Vec<Words<'_>> = documents.par_iter().map(Document::words).collect();
        let mut vocabulary = Vocabulary::default();
        words.iter().for_each(|w| vocabulary.add(w));
        if let Some(frequencies) = frequencies {
            vocabulary.set_document_frequencies(frequencies)?;
        }
        let dim = documents.iter().flat_map(|r| r.title.iter().chain(&r.body)).map(|p| p.vector.len()).next();
        let dim = dim.unwrap_or(0);
        let profile = |(reading, words): (&Document<'_>, &Words<'_>)| {
            progress.advance(Stage::Link, 1);
            reading.profile(words, &vocabulary, dim)
        };
        let profiles: Vec<Profile> = documents.par_iter().zip(&words).map(profile).collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let mut postings = vec![Vec::new(); vocabulary.terms.len()];
        for (story, profile) in profiles.iter().enumerate() {
            for &(term, weight) in &profile.terms {
                postings[term as usize].push((story as u32, weight));
            }
        }
        let mut bytes = QuantizedRows::new(dim);
        profiles.iter().for_each(|profile| bytes.push(&profile.vector));
        progress.end(Stage::Link);
        Ok(SimilarityIndex { documents, vocabulary, profiles, bytes, isa, postings, dim })
    }

    /// The story at `place` as it was taken.
    pub fn reading(&self, place: usize) -> &Document<'a> {
        &self.documents[place]
    }

    /// The `k` stories nearest to `query` among those that `wanted` lets pass, nearest first.
    pub fn nearest(
        &self,
        query: &Document<'_>,
        k: usize,
        wanted: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<SimilarStory> {
        let query_words = query.words();
        let profile = query.profile(&query_words, &self.vocabulary, self.dim);
        let own = self.vocabulary.spellings(query_words.all(), |_| true);
        let mut terms = vec![0f32; self.profiles.len()];
        for &(term, weight) in &profile.terms {
            for &(story, theirs) in &self.postings[term as usize] {
                terms[story as usize] += theirs * weight;
            }
        }
        let rough = self.nearest_roughly(&profile, &terms, (k * LOOKED_AT).max(LOOKED_AT_LEAST), wanted);
        // Other queries may be taken up while this one waits for the others' threads.
        drop(terms);
        let mut looked: Vec<Looked> = rough.into_par_iter().map(|whole| self.look(query, whole)).collect();
        looked.sort_unstable_by(|x, y| x.near.order(&y.near));
        looked.truncate((k * RISING).max(smoothing::NEAREST));
        let candidate = |looked: &Looked| Candidate {
            profile: &self.profiles[looked.near.story],
            similarity: looked.similarity,
            score: looked.near.score().clamp(-1.0, 1.0),
        };
        let scores = smoothing::scores(&looked.iter().map(candidate).collect::<Vec<_>>());
        let mut scored: Vec<(SmoothedScore, Looked)> = scores.into_iter().zip(looked).collect();
        scored.sort_unstable_by(|x, y| y.0.score.total_cmp(&x.0.score).then(x.1.near.order(&y.1.near)));
        scored.truncate(k);
        let found = |(SmoothedScore { score, neighbour_score }, Looked { near: rough, best, .. }): (
            SmoothedScore,
            Looked,
        )| {
            let theirs = &self.profiles[rough.story];
            let their_words = self.documents[rough.story].words();
            let common = shared(&theirs.terms, &profile.terms);
            let is_common = |term: u32| common.binary_search_by_key(&term, |c| c.0).is_ok();
            let spelled = self.vocabulary.spellings(their_words.all(), is_common);
            let (names, words) = self.vocabulary.told(
                common,
                |term| spelled.get(&term).copied(),
                |term| own.get(&term).copied(),
            );
            debug_assert!((product(&theirs.terms, &profile.terms) - rough.terms).abs() < 1e-3);
            let best = best.map(|b| PassageMatch {
                query: parts(query).nth(b.query).map_or("", |p| p.text).into(),
                passage: parts(&self.documents[rough.story]).nth(b.passage).map_or("", |p| p.text).into(),
                cosine: b.cosine.clamp(-1.0, 1.0),
            });
            SimilarStory {
                story: rough.story,
                score: score.clamp(-1.0, 1.0),
                neighbour_score,
                cosine: rough.cosine.clamp(-1.0, 1.0),
                terms: rough.terms.min(1.0),
                names,
                words,
                best,
            }
        };
        scored.into_iter().map(found).collect()
    }

    fn look(&self, query: &Document<'_>, whole: Rough) -> Looked {
        let best = self.best_passages(query, whole.story);
        // A passage says less than it and its title do: if both are no more than that, it raises nothing.
        let passage = best.filter(|_| !(is_short(query) && is_short(&self.documents[whole.story])));
        let cosine = passage.map_or(whole.cosine, |b| whole.cosine.max(b.cosine));
        Looked { near: Rough { cosine, ..whole }, similarity: whole.cosine + whole.terms, best }
    }

    /// The `most` stories nearest to `profile` before passages are looked at, in any order; `terms` has the cosine of
    /// each story's terms. Bytes tell which stories cannot be among them; the others are scored exactly.
    fn nearest_roughly(
        &self,
        profile: &Profile,
        terms: &[f32],
        most: usize,
        wanted: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<Rough> {
        let bounds = self.bytes.view(self.isa).bounds(&QuantizedQuery::new(&profile.vector));
        let at = |bound: f32, story: usize| Rough { story, cosine: bound, terms: terms[story] };
        let mut scores: Vec<f32> = Vec::new();
        let mut stories: Vec<(usize, f32)> = Vec::new();
        for bound in bounds.iter().filter(|b| wanted(b.row.index())) {
            let story = bound.row.index();
            scores.push(at(bound.lower, story).score());
            stories.push((story, at(bound.upper, story).score()));
        }
        if scores.len() > most {
            // So many stories are at least as near as this.
            let (_, floor, _) = scores.select_nth_unstable_by(most - 1, |x, y| y.total_cmp(x));
            stories.retain(|(_, score)| *score >= *floor);
        }
        let exact = |(story, _): (usize, f32)| at(dot(&self.profiles[story].vector, &profile.vector), story);
        let mut rough: Vec<Rough> = stories.into_iter().map(exact).collect();
        if rough.len() > most {
            rough.select_nth_unstable_by(most - 1, Rough::order);
            rough.truncate(most);
        }
        rough
    }

    fn best_passages(&self, asked: &Document<'_>, story: usize) -> Option<Best> {
        let mut best: Option<Best> = None;
        for (query, ours) in parts(asked).enumerate() {
            for (passage, theirs) in parts(&self.documents[story]).enumerate() {
                let cosine = dot(ours.vector, theirs.vector);
                if best.is_none_or(|b| cosine > b.cosine) {
                    best = Some(Best { query, passage, cosine });
                }
            }
        }
        best
    }
}

/// Whether it is a title and a passage.
fn is_short(reading: &Document<'_>) -> bool {
    reading.title.is_some() && reading.body.len() == 1
}

/// The passages, or the title where there is none.
fn parts<'r, 'a>(reading: &'r Document<'a>) -> impl Iterator<Item = &'r super::EmbeddedText<'a>> {
    let title = if reading.body.is_empty() { reading.title.as_ref() } else { None };
    reading.body.iter().chain(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{link::EmbeddedText, progress::NoProgress, random::SplitMix64, vector::Matrix};

    #[test]
    fn rank_follows_vectors_terms_and_best_passages() {
        let texts = [
            "storms broke the harbour wall",
            "a recipe for plum cake",
            "harbour fees rise",
            "chess in Norrin",
        ];
        let mut vectors = Matrix::zeros(4, 4);
        for (i, row) in [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]].iter().enumerate() {
            vectors.row_mut(i)[..2].copy_from_slice(row);
        }
        let part = |i: usize| EmbeddedText { text: texts[i], vector: vectors.row(i) };
        let reading =
            |of: &[usize]| Document { body: of.iter().map(|i| part(*i)).collect(), ..Document::default() };
        let pool: Vec<Document> = vec![reading(&[0]), reading(&[1]), reading(&[2]), reading(&[1, 3, 0])];
        let lookup = SimilarityIndex::new(pool, Isa::detect(), &NoProgress).unwrap();
        let query = lookup.reading(0).clone();
        let found = lookup.nearest(&query, 4, &|_| true);
        let places: Vec<usize> = found.iter().map(|f| f.story).collect();
        assert_eq!(places, [0, 3, 2, 1], "{found:?}");
        assert!((found[0].score - 1.0).abs() < 1e-5);
        // The one passage that is the query's own makes the long story the next.
        let best = found[1].best.as_ref().unwrap();
        assert_eq!((best.passage.as_str(), best.cosine), (texts[0], 1.0));
        assert_eq!(found[2].words, ["harbour"]);
        let others = lookup.nearest(&query, 1, &|place| place != 0);
        assert_eq!(others[0].story, 3);
    }

    /// Many stories of few words, some of them the same.
    #[test]
    fn bytes_pass_over_no_story_that_is_near() {
        const WORDS: [&str; 6] = ["harbour", "plum", "chess", "quarry", "barge", "ferry"];
        let mut random = SplitMix64::new(7);
        let texts: Vec<String> =
            (0..40).map(|_| (0..3).map(|_| WORDS[random.below(6)].to_string() + " ").collect()).collect();
        let mut vectors = Matrix::zeros(40, 20);
        for i in 0..40 {
            vectors.row_mut(i).iter_mut().for_each(|x| *x = random.below(2001) as f32 / 1000.0 - 1.0);
            crate::vector::normalize(vectors.row_mut(i));
        }
        let mut reading = || {
            let part = |i: usize| EmbeddedText { text: &texts[i], vector: vectors.row(i) };
            Document { body: vec![part(random.below(40)), part(random.below(40))], ..Document::default() }
        };
        let pool: Vec<Document> = (0..900).map(|_| reading()).collect();
        for isa in Isa::available() {
            let lookup = SimilarityIndex::new(pool.clone(), isa, &NoProgress).unwrap();
            for (place, most) in [(0, 1), (5, 7), (77, 200), (400, 899), (899, 2000)] {
                let profile = &lookup.profiles[place];
                let terms: Vec<f32> =
                    lookup.profiles.iter().map(|p| product(&p.terms, &profile.terms)).collect();
                let wanted = |other: usize| !other.is_multiple_of(5);
                let rough = |story: usize| {
                    let cosine = dot(&lookup.profiles[story].vector, &profile.vector);
                    Rough { story, cosine, terms: terms[story] }
                };
                let mut expect: Vec<Rough> = (0..900).filter(|s| wanted(*s)).map(rough).collect();
                expect.sort_by(Rough::order);
                expect.truncate(most);
                let mut found = lookup.nearest_roughly(profile, &terms, most, &wanted);
                found.sort_by(Rough::order);
                assert_eq!(found, expect, "{place}, {most}");
            }
        }
    }
}
