//! Neighbour smoothing: the score of a story is moved towards the scores of the stories that are most similar to it.
//!
//! Stories of one event tend to be similar to the same queries (the cluster hypothesis: Jardine and van Rijsbergen, 1971).
//! So the neighbours of a story show whether it is similar to the query by chance, as where the text of a document is
//! smoothed with that of its neighbours (Singhal and Pereira, "Document expansion for speech retrieval", 1999; Kurland and
//! Lee, "Corpus structure, language models, and ad hoc information retrieval", 2004).

use std::collections::HashMap;

use rayon::prelude::*;

use super::document::DocumentFeatures;
use crate::vector::dot;

/// Neighbours are chosen from this number of stories, those most similar to the query.
pub(super) const POOL: usize = 100;

/// Neighbours of a story. With one, two and three, more stories of an event are found than without smoothing. Fewer are
/// better for events of few stories, more for events of many.
const NEIGHBOURS: usize = 2;

/// The weight of the neighbours. For a story of score 0.5 they weigh a third, and less towards 1: the query's own text
/// stays the first result whatever its neighbours.
const SMOOTHING: f32 = 2.0 / 3.0;

/// A story found for a query, before smoothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub features: &'a DocumentFeatures,
    /// The sum of the cosines of its vector and of its terms with those of the query.
    pub similarity: f32,
    /// Its own score, in [-1, 1].
    pub score: f32,
}

/// The score of a story after smoothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct SmoothedScore {
    pub score: f32,
    /// The mean score of its neighbours.
    pub neighbour_score: f32,
}

/// Smooths the scores of `found`, which is sorted by score, the highest first.
pub(super) fn smooth(found: &[Candidate<'_>]) -> Vec<SmoothedScore> {
    let pool = &found[..found.len().min(POOL)];
    // An inverted index of the terms is several times as fast as products pair by pair.
    let mut postings: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
    for (place, candidate) in pool.iter().enumerate() {
        for &(term, weight) in &candidate.features.terms {
            postings.entry(term).or_default().push((place, weight));
        }
    }
    let score = |(place, candidate): (usize, &Candidate<'_>)| {
        let DocumentFeatures { vector, terms, .. } = candidate.features;
        let mut similarities: Vec<f32> =
            pool.iter().map(|other| dot(vector, &other.features.vector)).collect();
        for (term, weight) in terms {
            for (other, other_weight) in postings.get(term).into_iter().flatten() {
                similarities[*other] += weight * other_weight;
            }
        }
        // The query is one of the neighbours; its score is that of the story itself.
        let mut neighbours = [(candidate.similarity, candidate.score), (f32::MIN, candidate.score)];
        for (other, similarity) in similarities.into_iter().enumerate() {
            if other != place && similarity > neighbours[NEIGHBOURS - 1].0 {
                neighbours[NEIGHBOURS - 1] = (similarity, pool[other].score);
                neighbours.sort_by(|x, y| y.0.total_cmp(&x.0));
            }
        }
        let neighbour_score = neighbours.iter().map(|s| s.1).sum::<f32>() / NEIGHBOURS as f32;
        let weight = (SMOOTHING * (1.0 - candidate.score)).min(1.0);
        SmoothedScore {
            score: candidate.score + weight * (neighbour_score - candidate.score),
            neighbour_score,
        }
    };
    found.par_iter().enumerate().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::SplitMix64, vector::normalize};

    fn features(vector: &[f32]) -> DocumentFeatures {
        let mut vector = vector.to_vec();
        normalize(&mut vector);
        DocumentFeatures { vector, terms: Vec::new(), subject: None }
    }

    /// The candidate of a query with the vector [1, 0, 0].
    fn candidate(features: &DocumentFeatures) -> Candidate<'_> {
        Candidate { features, similarity: features.vector[0], score: features.vector[0] }
    }

    /// Compares the smoothed scores of stories with these vectors, for a query with the vector [1, 0, 0].
    fn check(vectors: &[[f32; 3]], expect: &[f32]) {
        let profiles: Vec<DocumentFeatures> = vectors.iter().map(|v| features(v)).collect();
        let found: Vec<Candidate<'_>> = profiles.iter().map(candidate).collect();
        let scores = smooth(&found);
        let equal = scores.iter().zip(expect).all(|(s, e)| (s.score - e).abs() < 1e-3);
        assert!(equal && scores.len() == expect.len(), "{vectors:?}: {scores:?}");
    }

    #[test]
    fn neighbours_move_the_score_of_a_story() {
        check(&[], &[]);
        // A story alone or among copies of itself keeps its score; so does the text of the query.
        check(&[[0.6, 0.8, 0.0]], &[0.6]);
        check(&[[0.6, 0.8, 0.0]; 4], &[0.6; 4]);
        check(&[[1.0, 0.0, 0.0], [0.6, 0.0, 0.8], [0.6, 0.0, 0.8]], &[1.0, 0.6, 0.6]);
        // Of two with the same score, the one with the more similar neighbours ranks first.
        let (a, b) = ([0.6, 0.8, 0.0], [0.6, 0.0, 0.8]);
        let (near, far) = ([0.55, 0.835, 0.0], [0.1, 0.0, 0.995]);
        let smoothed = |s: f32, e: f32| s + SMOOTHING * (1.0 - s) * (e - s);
        let own = |v: [f32; 3]| features(&v).vector[0];
        check(
            &[a, b, near, far],
            &[
                smoothed(0.6, (0.6 + own(near)) / 2.0),
                smoothed(0.6, (0.6 + own(far)) / 2.0),
                smoothed(own(near), (0.6 + own(near)) / 2.0),
                smoothed(own(far), (0.6 + own(far)) / 2.0),
            ],
        );
    }

    #[test]
    fn neighbours_are_those_of_a_linear_scan() {
        let mut numbers = SplitMix64::new(5);
        let mut random = move || numbers.next_f32();
        let profiles: Vec<DocumentFeatures> = (0..POOL + 40)
            .map(|_| {
                let mut features = features(&[random() - 0.5, random() - 0.5, random()]);
                features.terms = (0..12).filter(|_| random() < 0.4).map(|term| (term, 0.4)).collect();
                features
            })
            .collect();
        let mut found: Vec<Candidate<'_>> = profiles
            .iter()
            .map(|features| Candidate { features, similarity: 2.0 * random() - 0.5, score: random() })
            .collect();
        found.sort_by(|x, y| y.score.total_cmp(&x.score));
        for (place, SmoothedScore { neighbour_score, .. }) in smooth(&found).into_iter().enumerate() {
            let own = &found[place];
            let others = found.iter().take(POOL).enumerate().filter(|(other, _)| *other != place);
            let mut neighbours: Vec<(f32, f32)> =
                others.map(|(_, c)| (c.features.similarity(own.features), c.score)).collect();
            neighbours.push((own.similarity, own.score));
            neighbours.sort_by(|x, y| y.0.total_cmp(&x.0));
            let expect = (neighbours[0].1 + neighbours[1].1) / 2.0;
            // Either of two with nearly equal similarities may be chosen.
            assert!(
                (neighbour_score - expect).abs() < 1e-5 || neighbours[1].0 - neighbours[2].0 < 1e-5,
                "{place}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn smoothed_scores_stay_within_the_range_of_scores(
            vectors in proptest::collection::vec([-1f32..1.0, -1f32..1.0, 0.01f32..1.0], 0..30),
        ) {
            let profiles: Vec<DocumentFeatures> = vectors.iter().map(|v| features(v)).collect();
            let mut found: Vec<Candidate<'_>> = profiles.iter().map(candidate).collect();
            found.sort_by(|x, y| y.score.total_cmp(&x.score));
            let low = found.last().map_or(0.0, |c| c.score);
            let high = found.first().map_or(0.0, |c| c.score);
            for SmoothedScore { score, .. } in &smooth(&found) {
                proptest::prop_assert!(*score >= low - 1e-5, "{score} {low}");
                proptest::prop_assert!(*score <= high + 1e-5, "{score} {high}");
                proptest::prop_assert!(*score < 1.0);
            }
        }
    }
}
