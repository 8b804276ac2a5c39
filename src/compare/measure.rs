//! Measures the features of a pair of aligned stories.

use super::{
    Comparer, PairFeatures,
    align::{Alignment, Match, aligned, facts},
    prepared::{PreparedStory, are_forms},
    tokens::{TokenKind, is_function},
};
use crate::{
    story::{Story, StoryId},
    vector::dot,
};

const MS_PER_DAY: f32 = 86_400_000.0;

/// A token is rare if no more than one story in so many has it …
const RARE_ONE_IN: u32 = 300;

/// … or no more stories than this.
const RARE_STORIES: u32 = 6;

impl Comparer<'_> {
    /// The features of `a` and `b`, which `alignment` aligns.
    pub(super) fn features(&self, a: StoryId, b: StoryId, alignment: &Alignment) -> PairFeatures {
        let prepared = &self.prepared;
        let (x, y) = (&prepared.stories[a.index()], &prepared.stories[b.index()]);
        let (story_a, story_b) = (&self.corpus.stories[a.index()], &self.corpus.stories[b.index()]);
        let (in_a, in_b) = (self.matched_weight(x, &alignment.of_a), self.matched_weight(y, &alignment.of_b));
        let average = (x.weight + y.weight) / (x.ids.len() + y.ids.len()).max(1) as f32;
        let average = average.max(f32::MIN_POSITIVE);
        let (aligned_a, aligned_b) = (aligned(&alignment.of_a), aligned(&alignment.of_b));
        let count = |kind| {
            let one = facts(&x.ids, &alignment.of_a, &aligned_a, &prepared.vocabulary, kind);
            let other = facts(&y.ids, &alignment.of_b, &aligned_b, &prepared.vocabulary, kind);
            // Of equal counts the one that shares less, whichever story comes first.
            let (all, shared) = one.min(other);
            (all, share(shared as f32, all as f32))
        };
        let ((numbers, numbers_shared), (names, names_shared)) =
            (count(TokenKind::Number), count(TokenKind::Name));
        let passage = self.longest_passage(x, &alignment.of_a, &aligned_a).min(self.longest_passage(
            y,
            &alignment.of_b,
            &aligned_b,
        ));
        PairFeatures {
            coverage_ab: share(in_a, x.weight),
            coverage_ba: share(in_b, y.weight),
            matched: in_a.min(in_b) / average,
            longest_passage: passage / average,
            longest_run: alignment.longest,
            numbers,
            numbers_shared,
            names,
            names_shared,
            cosine: dot(&x.vector, &y.vector).clamp(-1.0, 1.0),
            shared_rare_terms: self.shared_rare_terms(x, y),
            title_overlap: prepared.titles.overlap(a, b),
            distinct_title_names: self.has_distinct_title_name(x, y) && self.has_distinct_title_name(y, x),
            title_coverage: x.title_coverage.into_iter().chain(y.title_coverage).reduce(f32::max),
            days_apart: days_apart(story_a, story_b),
            different_sources: have_different_sources(story_a, story_b),
            same_source_later: are_versions(story_a, story_b),
            same_text: false,
        }
    }

    /// The weight of the tokens of `story` that have a counterpart.
    fn matched_weight(&self, story: &PreparedStory, matches: &[Match]) -> f32 {
        let matched = story.ids.iter().zip(matches).filter(|(_, m)| **m != Match::None);
        // The sum of nothing is -0, which would be read as a number.
        matched.map(|(id, _)| self.prepared.weights[*id as usize]).sum::<f32>() + 0.0
    }

    /// The greatest weight of matched tokens in one aligned stretch of text.
    fn longest_passage(&self, story: &PreparedStory, matches: &[Match], aligned: &[bool]) -> f32 {
        let (mut longest, mut sum) = (0f32, 0f32);
        for ((id, found), is_aligned) in story.ids.iter().zip(matches).zip(aligned) {
            if !is_aligned {
                sum = 0.0;
            } else if *found != Match::None {
                sum += self.prepared.weights[*id as usize];
            }
            longest = longest.max(sum);
        }
        longest
    }

    /// Whether the title of `story` has a name that `other` has nowhere, nor another form of it ("Japan", "Japanese").
    fn has_distinct_title_name(&self, story: &PreparedStory, other: &PreparedStory) -> bool {
        let text = |id: &u32| self.prepared.vocabulary[*id as usize].text.as_str();
        let is_distinct = |id: &u32| {
            let of_other = [&other.distinct, &other.title];
            of_other.iter().all(|of| of.binary_search(id).is_err())
                && !of_other.into_iter().flatten().any(|theirs| are_forms(text(id), text(theirs)))
        };
        let is_name = |id: &&u32| self.prepared.vocabulary[**id as usize].kind == TokenKind::Name;
        story.title.iter().filter(is_name).any(is_distinct)
    }

    /// How many rare names and terms both have.
    fn shared_rare_terms(&self, x: &PreparedStory, y: &PreparedStory) -> u32 {
        let max_stories = (self.prepared.story_count / RARE_ONE_IN).max(RARE_STORIES);
        let is_rare = |id: &&u32| {
            let token = &self.prepared.vocabulary[**id as usize];
            token.kind != TokenKind::Number
                && self.prepared.stories_with[**id as usize] <= max_stories
                && !is_function(&token.text)
        };
        x.distinct.iter().filter(is_rare).filter(|id| y.distinct.binary_search(id).is_ok()).count() as u32
    }
}

/// A share in [0, 1]; 0 of nothing.
fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { (part / whole).min(1.0) } else { 0.0 }
}

fn days_apart(a: &Story, b: &Story) -> Option<f32> {
    Some(a.published?.abs_diff(b.published?) as f32 / MS_PER_DAY)
}

fn have_different_sources(a: &Story, b: &Story) -> bool {
    a.source.is_some() && b.source.is_some() && a.source != b.source
}

/// Whether one publisher published both, at different times.
fn are_versions(a: &Story, b: &Story) -> bool {
    let is_one_source = a.source.is_some() && a.source == b.source;
    is_one_source && a.published.is_some() && b.published.is_some() && a.published != b.published
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::Options, story::Corpus, vector::Matrix};

    /// Names are known from the texts.
    #[test]
    fn distinct_title_names_are_found() {
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
