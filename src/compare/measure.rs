//! Measures the features of a pair of aligned stories.

use super::{
    Comparer, PairFeatures,
    align::{Alignment, Match, aligned, facts},
    contradiction::{AlignedText, are_opposite_titles, contradictions},
    meaning::correspondence,
    prepared::{PreparedStory, are_forms},
    rewrite,
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

/// Share of two stories that is prose, outside of quotations, from which it tells whether one was made from the other …
const MIN_PROSE: f32 = 0.15;

/// … and the tokens of average weight that the prose of one needs.
const MIN_PROSE_TOKENS: f32 = 10.0;

/// Coverage from which opposite words are looked for.
const CLOSE_WORDING: f32 = 0.5;

/// Cosine of two stories from which they may be one account in other words.
const MIN_COSINE: f32 = 0.35;

/// Matched words of a shared passage, in words of average weight, from which the wording may decide.
const MIN_PASSAGE: f32 = 5.0;

/// What is added to facts in common, and to all facts, before the share is taken: of few facts it says little.
#[derive(Clone, Copy)]
struct Smoothing(f32, f32);

impl Smoothing {
    /// None; of no facts the share is a half, which says nothing.
    const NONE: Smoothing = Smoothing(0.0, 0.0);
    /// For facts that few stories have.
    const FACTS: Smoothing = Smoothing(0.5, 2.0);
}

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
        let of_a = self.split_quoted(x, &alignment.of_a, &aligned_a, y);
        let of_b = self.split_quoted(y, &alignment.of_b, &aligned_b, x);
        let prose_coverage = prose_coverage(&of_a, &of_b, x.weight + y.weight, average);
        let (quoted, prose) = (of_a.quoted + of_b.quoted, of_a.prose_matched + of_b.prose_matched);
        // Opposite words in texts of different wording say nothing.
        let contradictions = if share(in_a, x.weight).max(share(in_b, y.weight)) >= CLOSE_WORDING {
            let a = AlignedText { ids: &x.ids, of: &alignment.of_a, is_aligned: &aligned_a };
            let b = AlignedText { ids: &y.ids, of: &alignment.of_b, is_aligned: &aligned_b };
            contradictions(a, b, &prepared.vocabulary).max(contradictions(b, a, &prepared.vocabulary))
        } else {
            0
        };
        let cosine = dot(&x.vector, &y.vector).clamp(-1.0, 1.0);
        let is_near = cosine >= MIN_COSINE;
        let features = PairFeatures {
            coverage_ab: share(in_a, x.weight),
            coverage_ba: share(in_b, y.weight),
            matched: in_a.min(in_b) / average,
            longest_passage: passage / average,
            longest_run: alignment.longest,
            contradictions,
            opposite_titles: are_opposite_titles(&x.title, &y.title, &prepared.vocabulary),
            quoted: share(quoted, quoted + prose),
            prose_coverage,
            numbers,
            numbers_shared,
            names,
            names_shared,
            shorter_words: x.ids.len().min(y.ids.len()) as u32,
            length_ratio: share(x.weight.min(y.weight), x.weight.max(y.weight)),
            cosine,
            shared_rare_terms: self.shared_rare_terms(x, y),
            title_overlap: prepared.titles.overlap(a, b),
            distinct_title_names: self.has_distinct_title_name(x, y) && self.has_distinct_title_name(y, x),
            distinct_subjects: self.has_distinct_subject(x, y) && self.has_distinct_subject(y, x),
            title_coverage: x.title_coverage.into_iter().chain(y.title_coverage).reduce(f32::max),
            days_apart: days_apart(story_a, story_b),
            different_sources: have_different_sources(story_a, story_b),
            same_source_later: are_versions(story_a, story_b),
            same_text: false,
            ..if is_near { self.features_of_facts(x, y) } else { PairFeatures::default() }
        };
        if is_near { self.with_meaning(features, (x, story_a), (y, story_b)) } else { features }
    }

    /// `features` with those of meaning, if the outcome may turn on it: comparing all passages with all costs more than all
    /// else. None for texts that the model does not read.
    fn with_meaning(
        &self,
        features: PairFeatures,
        (x, story_x): (&PreparedStory, &Story),
        (y, story_y): (&PreparedStory, &Story),
    ) -> PairFeatures {
        let scale = &self.options.scale;
        let is_open = features.longest_passage >= MIN_PASSAGE || rewrite::is_possible(&features);
        let is_read = |of: &PreparedStory, story: &Story| {
            scale.languages.is_empty() || scale.reads(of.language(&story.text))
        };
        if !is_open || !is_read(x, story_x) || !is_read(y, story_y) {
            return features;
        }
        let found = correspondence(x, y, &self.prepared.vectors, scale);
        PairFeatures {
            meaning_ab: found.coverage_ab,
            meaning_ba: found.coverage_ba,
            same_order: found.order,
            ..features
        }
    }

    /// The facts that two stories have in common, in whatever words.
    fn features_of_facts(&self, x: &PreparedStory, y: &PreparedStory) -> PairFeatures {
        let is_number = |id: u32| self.prepared.vocabulary[id as usize].kind == TokenKind::Number;
        let is_rare_fact =
            |id: u32| self.prepared.vocabulary[id as usize].kind != TokenKind::Word && self.is_rare(id);
        let (numbers_lower, numbers_higher) = shared_facts(x, y, &is_number, Smoothing::NONE);
        let (rare_facts_lower, rare_facts_higher) = shared_facts(x, y, &is_rare_fact, Smoothing::FACTS);
        PairFeatures {
            rare_facts_lower,
            rare_facts_higher,
            numbers_lower,
            numbers_higher,
            ..PairFeatures::default()
        }
    }

    /// Whether few stories have a token.
    fn is_rare(&self, id: u32) -> bool {
        let max_stories = (self.prepared.story_count / RARE_ONE_IN).max(RARE_STORIES);
        self.prepared.stories_with[id as usize] <= max_stories
    }

    /// The weight of the tokens of `story` that have a counterpart.
    fn matched_weight(&self, story: &PreparedStory, matches: &[Match]) -> f32 {
        let matched = story.ids.iter().zip(matches).filter(|(_, m)| **m != Match::None);
        // The sum of nothing is -0, which would be read as a number.
        matched.map(|(id, _)| self.prepared.weights[*id as usize]).sum::<f32>() + 0.0
    }

    /// The weight of the tokens of `story` by whether they are quoted, in it or where `other` has them. Words here and there
    /// are no shared wording: they count as not matched.
    fn split_quoted(
        &self,
        story: &PreparedStory,
        matches: &[Match],
        aligned: &[bool],
        other: &PreparedStory,
    ) -> Split {
        let mut split = Split::default();
        for (i, (id, is_quoted)) in story.ids.iter().zip(&story.quoted).enumerate() {
            let weight = self.prepared.weights[*id as usize];
            let counterpart = matches[i].place().filter(|_| aligned[i]).map(|at| other.quoted[at as usize]);
            match (counterpart, *is_quoted || counterpart == Some(true)) {
                (Some(_), true) => split.quoted += weight,
                (None, true) => {}
                (found, false) => {
                    split.prose += weight;
                    split.prose_matched += if found.is_some() { weight } else { 0.0 };
                }
            }
        }
        split
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
        let is_name = |id: &&u32| self.prepared.vocabulary[**id as usize].kind == TokenKind::Name;
        story.title.iter().filter(is_name).any(|id| self.is_missing(*id, other))
    }

    /// Whether the title of `story` has an informative word, no number, that its text has and `other` has nowhere.
    fn has_distinct_subject(&self, story: &PreparedStory, other: &PreparedStory) -> bool {
        let is_subject = |id: &&u32| {
            let token = &self.prepared.vocabulary[**id as usize];
            token.kind != TokenKind::Number
                && !is_function(&token.text)
                && story.distinct.binary_search(id).is_ok()
        };
        story.title.iter().filter(is_subject).any(|id| self.is_missing(*id, other))
    }

    /// Whether neither text nor title of `story` has the token or another form of it.
    fn is_missing(&self, id: u32, story: &PreparedStory) -> bool {
        let text = |id: u32| self.prepared.vocabulary[id as usize].text.as_str();
        let of_story = [&story.distinct, &story.title];
        of_story.iter().all(|of| of.binary_search(&id).is_err())
            && !of_story.into_iter().flatten().any(|theirs| are_forms(text(id), text(*theirs)))
    }

    /// How many rare names and terms both have.
    fn shared_rare_terms(&self, x: &PreparedStory, y: &PreparedStory) -> u32 {
        let is_rare = |id: &&u32| {
            let token = &self.prepared.vocabulary[**id as usize];
            token.kind != TokenKind::Number && self.is_rare(**id) && !is_function(&token.text)
        };
        x.distinct.iter().filter(is_rare).filter(|id| y.distinct.binary_search(id).is_ok()).count() as u32
    }
}

/// The weight of a story's tokens by whether they are quoted.
#[derive(Default)]
struct Split {
    /// Of matched tokens that are quoted.
    quoted: f32,
    /// Of tokens that are not quoted.
    prose: f32,
    /// Of matched ones among them.
    prose_matched: f32,
}

/// The share of the prose of a story that the other has, the higher of the two; `total` is the weight of all tokens.
fn prose_coverage(a: &Split, b: &Split, total: f32, average: f32) -> Option<f32> {
    if a.prose + b.prose < MIN_PROSE * total {
        return None;
    }
    let of =
        |s: &Split| if s.prose < MIN_PROSE_TOKENS * average { 0.0 } else { share(s.prose_matched, s.prose) };
    Some(of(a).max(of(b)))
}

/// The shares of the distinct facts of two stories that the other has, the lower one and the higher one.
fn shared_facts(
    x: &PreparedStory,
    y: &PreparedStory,
    is_fact: &dyn Fn(u32) -> bool,
    Smoothing(in_common, all): Smoothing,
) -> (f32, f32) {
    let facts = |story: &PreparedStory| story.distinct.iter().filter(|id| is_fact(**id)).count() as f32;
    let shared = x.distinct.iter().filter(|id| is_fact(**id) && y.distinct.binary_search(id).is_ok());
    let shared = shared.count() as f32 + in_common;
    let of = |story| match facts(story) + all {
        0.0 => 0.5,
        facts => shared / facts,
    };
    (of(x).min(of(y)), of(x).max(of(y)))
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

    #[test]
    fn statements_are_parted_from_the_prose_around_them() {
        let prose_coverage_and_quoted = |a: &str, b: &str| {
            let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
            let corpus = Corpus::new(vec![story("a", a), story("b", b)]);
            let vectors = Matrix::zeros(corpus.rows.len(), 8);
            let options = Options::default();
            let features = Comparer::new(&corpus, vectors, &options).compare(StoryId(0), StoryId(1)).features;
            (features.prose_coverage.unwrap_or(1.0), features.quoted)
        };
        let one = "Norrin closed its eastern pier on Monday after divers had found cracks below the water, the \
                   harbour office reported.";
        let other = "Ferry passengers queued for hours at the other landing stage, where tempers frayed in the \
                     afternoon heat and children cried.";
        let check = |statement: &str| {
            let with = |prose: &str| format!("{prose}\n\n{statement}");
            let (prose, quoted) = prose_coverage_and_quoted(&with(one), &with(other));
            assert!(prose < 0.35 && quoted >= 0.9, "{statement}: {prose} {quoted}");
            // One holds all of the other, its prose too.
            let (prose, _) = prose_coverage_and_quoted(&with(one), &format!("{}\n\n{other}", with(one)));
            assert!(prose > 0.9, "{statement}: {prose}");
        };
        check(
            "\"The pier stays shut until every pillar has been looked at, whatever that costs the town,\" she said.",
        );
        check(
            "„Die Brücke bleibt geschlossen, bis jeder einzelne Pfeiler untersucht ist, egal was das kostet.“",
        );
        check("「すべての柱が調べられるまで、費用がいくらかかっても、桟橋は閉鎖されたままになる」");
        check(
            "I will keep the pier shut until every pillar has been looked at, whatever my own party says of it.",
        );
        // Prose in common is not quoted.
        let shared =
            "The pier stays shut until every pillar has been looked at, whatever that costs the town.";
        let with = |prose: &str| format!("{prose}\n\n{shared}");
        let (prose, quoted) = prose_coverage_and_quoted(&with(one), &with(other));
        assert!(prose > 0.35 && quoted < 0.1, "{prose} {quoted}");
    }

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
            let comparer = Comparer::new(&corpus, vectors.clone(), &options);
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
