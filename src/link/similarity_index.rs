//! The documents most similar to a query: by vectors and terms of whole documents, then by their best passages.

use std::{cmp::Ordering, collections::BTreeMap};

use rayon::prelude::*;

use super::{
    document::{Document, DocumentFeatures, DocumentTokens, EmbeddedText},
    smoothing::{self, Candidate, SmoothedScore},
    terms::{Vocabulary, inner_product, shared_terms},
};
use crate::{
    Error, Result,
    compare::DocumentFrequencies,
    device::Isa,
    progress::{Progress, Stage},
    search::{QuantizedQuery, QuantizedRows},
    vector::dot,
};

/// Documents that are compared passage by passage, per result …
const EXAMINED_PER_RESULT: usize = 10;

/// … and at least.
const MIN_EXAMINED: usize = 200;

/// Documents whose scores are smoothed, per result: smoothing does not raise later ones to the top.
const SMOOTHED_PER_RESULT: usize = 2;

/// A collection of documents that is searched for those similar to a query.
pub struct SimilarityIndex<'a> {
    documents: Vec<Document<'a>>,
    vocabulary: Vocabulary,
    features: Vec<DocumentFeatures>,
    /// The vectors of the features as bytes, for the first pass.
    quantized: QuantizedRows,
    isa: Isa,
    /// The inverted index: for each term the documents that have it, with its weight in each.
    postings: Vec<Vec<(u32, f32)>>,
    dim: usize,
}

/// A passage of the query and one of the document.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageMatch {
    /// The passage of the query.
    pub query: String,
    /// The passage of the document.
    pub passage: String,
    /// The cosine of their vectors, in [-1, 1].
    pub cosine: f32,
}

/// A document similar to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarStory {
    /// Its position in the index.
    pub story: usize,
    /// The mean of `cosine` and `terms`, smoothed towards `neighbour_score`, in [-1, 1]; 1 for the same text.
    pub score: f32,
    /// The mean score of the two documents that are most similar to this one.
    pub neighbour_score: f32,
    /// The cosine of the vectors or of the best passages, whichever is higher; that of the vectors if both documents have
    /// a title and a single passage.
    pub cosine: f32,
    /// The cosine of the terms, weighted by idf, in [0, 1].
    pub terms: f32,
    /// Names that both have, the most informative first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the most informative first.
    pub words: Vec<String>,
    /// Their most similar passages; `None` if one has no passage.
    pub best_match: Option<PassageMatch>,
}

/// The similarity of a document to the query, before passages are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CoarseScore {
    story: usize,
    cosine: f32,
    terms: f32,
}

/// The positions of the two most similar passages, and their cosine.
#[derive(Debug, Clone, Copy)]
struct BestPassages {
    query: usize,
    passage: usize,
    cosine: f32,
}

/// A document whose passages were compared.
#[derive(Debug, Clone, Copy)]
struct Examined {
    score: CoarseScore,
    /// The sum of the cosines of the vectors and of the terms, without passages.
    similarity: f32,
    best: Option<BestPassages>,
}

impl CoarseScore {
    /// The mean of both cosines.
    fn mean(&self) -> f32 {
        (self.cosine + self.terms) / 2.0
    }

    /// Compares by score, the highest first, then by position.
    fn by_score(&self, other: &CoarseScore) -> Ordering {
        other.mean().total_cmp(&self.mean()).then(self.story.cmp(&other.story))
    }
}

impl<'a> SimilarityIndex<'a> {
    /// Indexes `documents`; searches use the kernels of `isa`.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn new(documents: Vec<Document<'a>>, isa: Isa, progress: &dyn Progress) -> Result<Self> {
        Self::prepare(documents, None, isa, progress)
    }

    /// Indexes `documents`, which are part of a larger collection with the given document `frequencies`.
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
        let tokens: Vec<DocumentTokens<'_>> = documents.par_iter().map(Document::tokens).collect();
        let mut vocabulary = Vocabulary::default();
        tokens.iter().for_each(|tokens| drop(vocabulary.add(tokens.weighted())));
        if let Some(frequencies) = frequencies {
            vocabulary.set_document_frequencies(frequencies)?;
        }
        let dim = documents.iter().flat_map(|r| r.title.iter().chain(&r.body)).map(|p| p.vector.len()).next();
        let dim = dim.unwrap_or(0);
        let features = |(document, tokens): (&Document<'_>, &DocumentTokens<'_>)| {
            progress.advance(Stage::Link, 1);
            document.features(tokens, &vocabulary, dim)
        };
        let features: Vec<DocumentFeatures> = documents.par_iter().zip(&tokens).map(features).collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let mut postings = vec![Vec::new(); vocabulary.terms.len()];
        for (story, features) in features.iter().enumerate() {
            for &(term, weight) in &features.terms {
                postings[term as usize].push((story as u32, weight));
            }
        }
        let mut quantized = QuantizedRows::new(dim);
        features.iter().for_each(|features| quantized.push(&features.vector));
        progress.end(Stage::Link);
        Ok(SimilarityIndex { documents, vocabulary, features, quantized, isa, postings, dim })
    }

    /// The document at `place`.
    pub fn document(&self, place: usize) -> &Document<'a> {
        &self.documents[place]
    }

    /// The `k` documents most similar to `query` among those that `filter` accepts, the highest score first.
    pub fn nearest(
        &self,
        query: &Document<'_>,
        k: usize,
        filter: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<SimilarStory> {
        let query_tokens = query.tokens();
        let features = query.features(&query_tokens, &self.vocabulary, self.dim);
        let query_spellings = self.vocabulary.spellings(query_tokens.all(), |_| true);
        let mut terms = vec![0f32; self.features.len()];
        for &(term, weight) in &features.terms {
            for &(story, story_weight) in &self.postings[term as usize] {
                terms[story as usize] += story_weight * weight;
            }
        }
        let coarse =
            self.coarse_nearest(&features, &terms, (k * EXAMINED_PER_RESULT).max(MIN_EXAMINED), filter);
        // This thread may start another query while it waits: free the memory before.
        drop(terms);
        let mut examined: Vec<Examined> =
            coarse.into_par_iter().map(|coarse| self.examine(query, coarse)).collect();
        examined.sort_unstable_by(|x, y| x.score.by_score(&y.score));
        examined.truncate((k * SMOOTHED_PER_RESULT).max(smoothing::POOL));
        let candidate = |examined: &Examined| Candidate {
            features: &self.features[examined.score.story],
            similarity: examined.similarity,
            score: examined.score.mean().clamp(-1.0, 1.0),
        };
        let scores = smoothing::smooth(&examined.iter().map(candidate).collect::<Vec<_>>());
        let mut scored: Vec<(SmoothedScore, Examined)> = scores.into_iter().zip(examined).collect();
        scored.sort_unstable_by(|x, y| y.0.score.total_cmp(&x.0.score).then(x.1.score.by_score(&y.1.score)));
        scored.truncate(k);
        let result = |(smoothed, examined): (SmoothedScore, Examined)| {
            let (names, words) = self.describe_shared(&features, &query_spellings, examined.score);
            let coarse = examined.score;
            SimilarStory {
                story: coarse.story,
                score: smoothed.score.clamp(-1.0, 1.0),
                neighbour_score: smoothed.neighbour_score,
                cosine: coarse.cosine.clamp(-1.0, 1.0),
                terms: coarse.terms.min(1.0),
                names,
                words,
                best_match: examined.best.map(|best| self.passage_match(query, coarse.story, best)),
            }
        };
        scored.into_iter().map(result).collect()
    }

    /// The names and the other words that the query and a document share.
    fn describe_shared(
        &self,
        query: &DocumentFeatures,
        query_spellings: &BTreeMap<u32, &str>,
        coarse: CoarseScore,
    ) -> (Vec<String>, Vec<String>) {
        let features = &self.features[coarse.story];
        debug_assert!((inner_product(&features.terms, &query.terms) - coarse.terms).abs() < 1e-3);
        let tokens = self.documents[coarse.story].tokens();
        let shared = shared_terms(&features.terms, &query.terms);
        let is_shared = |term: u32| shared.binary_search_by_key(&term, |s| s.0).is_ok();
        let spellings = self.vocabulary.spellings(tokens.all(), is_shared);
        self.vocabulary.describe_shared(
            shared,
            |term| spellings.get(&term).copied(),
            |term| query_spellings.get(&term).copied(),
        )
    }

    fn passage_match(&self, query: &Document<'_>, story: usize, best: BestPassages) -> PassageMatch {
        PassageMatch {
            query: passages(query).nth(best.query).map_or("", |p| p.text).into(),
            passage: passages(&self.documents[story]).nth(best.passage).map_or("", |p| p.text).into(),
            cosine: best.cosine.clamp(-1.0, 1.0),
        }
    }

    /// Compares the passages of the query with those of a document.
    fn examine(&self, query: &Document<'_>, coarse: CoarseScore) -> Examined {
        let document = &self.documents[coarse.story];
        let best = best_passages(query, document);
        // A single passage says less than the passage with its title: if both have no more, it does not raise the score.
        let passages = best.filter(|_| !(is_short(query) && is_short(document)));
        let cosine = passages.map_or(coarse.cosine, |best| coarse.cosine.max(best.cosine));
        Examined { score: CoarseScore { cosine, ..coarse }, similarity: coarse.cosine + coarse.terms, best }
    }

    /// The `limit` documents most similar to `query` before passages are compared, in any order. `terms` holds the cosine of
    /// the terms of each document. Documents that the quantized vectors exclude are not scored exactly.
    fn coarse_nearest(
        &self,
        query: &DocumentFeatures,
        terms: &[f32],
        limit: usize,
        filter: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<CoarseScore> {
        let bounds = self.quantized.view(self.isa).bounds(&QuantizedQuery::new(&query.vector));
        let at = |cosine: f32, story: usize| CoarseScore { story, cosine, terms: terms[story] };
        let mut lower_bounds: Vec<f32> = Vec::new();
        let mut stories: Vec<(usize, f32)> = Vec::new();
        for bound in bounds.iter().filter(|b| filter(b.row.index())) {
            let story = bound.row.index();
            lower_bounds.push(at(bound.lower, story).mean());
            stories.push((story, at(bound.upper, story).mean()));
        }
        if lower_bounds.len() > limit {
            // The limit-th highest lower bound: `limit` documents have at least this score.
            let (_, floor, _) = lower_bounds.select_nth_unstable_by(limit - 1, |x, y| y.total_cmp(x));
            stories.retain(|(_, upper)| *upper >= *floor);
        }
        let exact = |(story, _): (usize, f32)| at(dot(&self.features[story].vector, &query.vector), story);
        let mut coarse: Vec<CoarseScore> = stories.into_iter().map(exact).collect();
        if coarse.len() > limit {
            coarse.select_nth_unstable_by(limit - 1, CoarseScore::by_score);
            coarse.truncate(limit);
        }
        coarse
    }
}

/// The most similar passages of two documents.
fn best_passages(query: &Document<'_>, document: &Document<'_>) -> Option<BestPassages> {
    let mut best: Option<BestPassages> = None;
    for (i, query_passage) in passages(query).enumerate() {
        for (j, passage) in passages(document).enumerate() {
            let cosine = dot(query_passage.vector, passage.vector);
            if best.is_none_or(|b| cosine > b.cosine) {
                best = Some(BestPassages { query: i, passage: j, cosine });
            }
        }
    }
    best
}

/// Whether the document has a title and a single passage.
fn is_short(document: &Document<'_>) -> bool {
    document.title.is_some() && document.body.len() == 1
}

/// The passages, or the title if there are none.
fn passages<'r, 'a>(document: &'r Document<'a>) -> impl Iterator<Item = &'r EmbeddedText<'a>> {
    let title = if document.body.is_empty() { document.title.as_ref() } else { None };
    document.body.iter().chain(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{progress::NoProgress, random::SplitMix64, vector::Matrix};

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
        let document =
            |of: &[usize]| Document { body: of.iter().map(|i| part(*i)).collect(), ..Document::default() };
        let documents: Vec<Document> =
            vec![document(&[0]), document(&[1]), document(&[2]), document(&[1, 3, 0])];
        let index = SimilarityIndex::new(documents, Isa::detect(), &NoProgress).unwrap();
        let query = index.document(0).clone();
        let found = index.nearest(&query, 4, &|_| true);
        let places: Vec<usize> = found.iter().map(|f| f.story).collect();
        assert_eq!(places, [0, 3, 2, 1], "{found:?}");
        assert!((found[0].score - 1.0).abs() < 1e-5);
        // The long document ranks second by its one passage that equals the query.
        let best = found[1].best_match.as_ref().unwrap();
        assert_eq!((best.passage.as_str(), best.cosine), (texts[0], 1.0));
        assert_eq!(found[2].words, ["harbour"]);
        let others = index.nearest(&query, 1, &|place| place != 0);
        assert_eq!(others[0].story, 3);
    }

    /// Many documents of few words, some of them equal.
    #[test]
    fn quantized_vectors_exclude_no_similar_document() {
        const WORDS: [&str; 6] = ["harbour", "plum", "chess", "quarry", "barge", "ferry"];
        let mut random = SplitMix64::new(7);
        let texts: Vec<String> =
            (0..40).map(|_| (0..3).map(|_| WORDS[random.below(6)].to_string() + " ").collect()).collect();
        let mut vectors = Matrix::zeros(40, 20);
        for i in 0..40 {
            vectors.row_mut(i).iter_mut().for_each(|x| *x = random.below(2001) as f32 / 1000.0 - 1.0);
            crate::vector::normalize(vectors.row_mut(i));
        }
        let mut document = || {
            let part = |i: usize| EmbeddedText { text: &texts[i], vector: vectors.row(i) };
            Document { body: vec![part(random.below(40)), part(random.below(40))], ..Document::default() }
        };
        let documents: Vec<Document> = (0..900).map(|_| document()).collect();
        for isa in Isa::available() {
            let index = SimilarityIndex::new(documents.clone(), isa, &NoProgress).unwrap();
            for (place, limit) in [(0, 1), (5, 7), (77, 200), (400, 899), (899, 2000)] {
                let query = &index.features[place];
                let terms: Vec<f32> =
                    index.features.iter().map(|p| inner_product(&p.terms, &query.terms)).collect();
                let filter = |other: usize| !other.is_multiple_of(5);
                let coarse = |story: usize| {
                    let cosine = dot(&index.features[story].vector, &query.vector);
                    CoarseScore { story, cosine, terms: terms[story] }
                };
                let mut expect: Vec<CoarseScore> = (0..900).filter(|s| filter(*s)).map(coarse).collect();
                expect.sort_by(CoarseScore::by_score);
                expect.truncate(limit);
                let mut found = index.coarse_nearest(query, &terms, limit, &filter);
                found.sort_by(CoarseScore::by_score);
                assert_eq!(found, expect, "{place}, {limit}");
            }
        }
    }
}
