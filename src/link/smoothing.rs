//! A found story is known by its company: how near the query the stories are that are most like it.
//!
//! Stories on one event tend to be near the same queries (the cluster hypothesis: Jardine and van Rijsbergen, 1971), so
//! one that is near by chance is told from one that is near for a reason by its neighbours, as when a document's text
//! is smoothed with theirs (Singhal and Pereira, "Document expansion for speech retrieval", 1999; Kurland and Lee,
//! "Corpus structure, language models, and ad hoc information retrieval", 2004).

use std::collections::HashMap;

use rayon::prelude::*;

use super::document::Profile;
use crate::vector::dot;

/// The company of a story is taken from so many that are nearest to the query.
pub(super) const NEAREST: usize = 100;

/// The stories most like it that speak for a story. One to three each find more stories of an event than none: few, most
/// where events are told by few; more, where they are told by many.
const SPEAKERS: usize = 2;

/// How much they say. At the score 0.5 of a story theirs counts as a third, the nearer 1 the less: the same text stays
/// the nearest, whatever stands beside it.
const PULL: f32 = 2.0 / 3.0;

/// A story that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub profile: &'a Profile,
    /// The cosine of its vector and the query's and that of their terms, added.
    pub similarity: f32,
    /// How near the query it is by itself, in [-1, 1].
    pub score: f32,
}

/// The score of a story with its company.
#[derive(Debug, Clone, Copy)]
pub(super) struct SmoothedScore {
    pub score: f32,
    /// The mean score of its company.
    pub neighbour_score: f32,
}

/// The scores of `found`, which is sorted, the nearest first.
pub(super) fn scores(found: &[Candidate<'_>]) -> Vec<SmoothedScore> {
    let nearest = &found[..found.len().min(NEAREST)];
    // Terms are summed over the stories that carry them, which is several times as fast as pair by pair.
    let mut carriers: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
    for (place, candidate) in nearest.iter().enumerate() {
        for &(term, weight) in &candidate.profile.terms {
            carriers.entry(term).or_default().push((place, weight));
        }
    }
    let score = |(place, candidate): (usize, &Candidate<'_>)| {
        let Profile { vector, terms, .. } = candidate.profile;
        let mut like: Vec<f32> = nearest.iter().map(|other| dot(vector, &other.profile.vector)).collect();
        for (term, weight) in terms {
            for (other, theirs) in carriers.get(term).into_iter().flatten() {
                like[*other] += weight * theirs;
            }
        }
        // The query is a neighbour as any other; it says of the story what the story's own score says.
        let mut speakers = [(candidate.similarity, candidate.score), (f32::MIN, candidate.score)];
        for (other, like) in like.into_iter().enumerate() {
            if other != place && like > speakers[SPEAKERS - 1].0 {
                speakers[SPEAKERS - 1] = (like, nearest[other].score);
                speakers.sort_by(|x, y| y.0.total_cmp(&x.0));
            }
        }
        let neighbour_score = speakers.iter().map(|s| s.1).sum::<f32>() / SPEAKERS as f32;
        let pull = (PULL * (1.0 - candidate.score)).min(1.0);
        SmoothedScore { score: candidate.score + pull * (neighbour_score - candidate.score), neighbour_score }
    };
    found.par_iter().enumerate().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{link::incremental::similarity, random::SplitMix64, vector::normalize};

    fn profile(vector: &[f32]) -> Profile {
        let mut vector = vector.to_vec();
        normalize(&mut vector);
        Profile { vector, terms: Vec::new(), subject: None }
    }

    /// As a query of [1, 0, 0] finds it.
    fn by_vector(profile: &Profile) -> Candidate<'_> {
        Candidate { profile, similarity: profile.vector[0], score: profile.vector[0] }
    }

    /// The scores of stories of these vectors for a query of [1, 0, 0].
    fn check(vectors: &[[f32; 3]], expect: &[f32]) {
        let profiles: Vec<Profile> = vectors.iter().map(|v| profile(v)).collect();
        let found: Vec<Candidate<'_>> = profiles.iter().map(by_vector).collect();
        let scores = scores(&found);
        let near = scores.iter().zip(expect).all(|(s, e)| (s.score - e).abs() < 1e-3);
        assert!(near && scores.len() == expect.len(), "{vectors:?}: {scores:?}");
    }

    #[test]
    fn the_company_of_a_story_moves_its_score() {
        check(&[], &[]);
        // Alone, and beside copies of itself, it stays as it is; so does the same text.
        check(&[[0.6, 0.8, 0.0]], &[0.6]);
        check(&[[0.6, 0.8, 0.0]; 4], &[0.6; 4]);
        check(&[[1.0, 0.0, 0.0], [0.6, 0.0, 0.8], [0.6, 0.0, 0.8]], &[1.0, 0.6, 0.6]);
        // Two of the same score: the one whose neighbours are near too becomes the nearer.
        let (a, b) = ([0.6, 0.8, 0.0], [0.6, 0.0, 0.8]);
        let (near, far) = ([0.55, 0.835, 0.0], [0.1, 0.0, 0.995]);
        let said = |s: f32, e: f32| s + PULL * (1.0 - s) * (e - s);
        let own = |v: [f32; 3]| profile(&v).vector[0];
        check(
            &[a, b, near, far],
            &[
                said(0.6, (0.6 + own(near)) / 2.0),
                said(0.6, (0.6 + own(far)) / 2.0),
                said(own(near), (0.6 + own(near)) / 2.0),
                said(own(far), (0.6 + own(far)) / 2.0),
            ],
        );
    }

    #[test]
    fn company_is_that_of_a_plain_scan() {
        let mut numbers = SplitMix64::new(5);
        let mut random = move || numbers.next_f32();
        let profiles: Vec<Profile> = (0..NEAREST + 40)
            .map(|_| {
                let mut profile = profile(&[random() - 0.5, random() - 0.5, random()]);
                profile.terms = (0..12).filter(|_| random() < 0.4).map(|term| (term, 0.4)).collect();
                profile
            })
            .collect();
        let mut found: Vec<Candidate<'_>> = profiles
            .iter()
            .map(|profile| Candidate { profile, similarity: 2.0 * random() - 0.5, score: random() })
            .collect();
        found.sort_by(|x, y| y.score.total_cmp(&x.score));
        for (place, SmoothedScore { neighbour_score, .. }) in scores(&found).into_iter().enumerate() {
            let own = &found[place];
            let others = found.iter().take(NEAREST).enumerate().filter(|(other, _)| *other != place);
            let mut near: Vec<(f32, f32)> =
                others.map(|(_, c)| (similarity(c.profile, own.profile), c.score)).collect();
            near.push((own.similarity, own.score));
            near.sort_by(|x, y| y.0.total_cmp(&x.0));
            let expect = (near[0].1 + near[1].1) / 2.0;
            // Of two that are alike to the last digits either may be taken.
            assert!((neighbour_score - expect).abs() < 1e-5 || near[1].0 - near[2].0 < 1e-5, "{place}");
        }
    }

    proptest::proptest! {
        #[test]
        fn scores_lie_between_the_lowest_and_the_highest_and_only_the_same_text_has_one(
            vectors in proptest::collection::vec([-1f32..1.0, -1f32..1.0, 0.01f32..1.0], 0..30),
        ) {
            let profiles: Vec<Profile> = vectors.iter().map(|v| profile(v)).collect();
            let mut found: Vec<Candidate<'_>> = profiles.iter().map(by_vector).collect();
            found.sort_by(|x, y| y.score.total_cmp(&x.score));
            let low = found.last().map_or(0.0, |c| c.score);
            let high = found.first().map_or(0.0, |c| c.score);
            for SmoothedScore { score, .. } in &scores(&found) {
                proptest::prop_assert!(*score >= low - 1e-5, "{score} {low}");
                proptest::prop_assert!(*score <= high + 1e-5, "{score} {high}");
                proptest::prop_assert!(*score < 1.0);
            }
        }
    }
}
