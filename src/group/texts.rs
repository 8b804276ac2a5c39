//! What the texts of a group tell of their origin: which one is the cleanest and fullest.
//!
//! The unit is the pair of neighbouring words, and it counts by how many stories of the group have it. A text that the
//! others were made from holds most of what any two of them have in common; a text that was cut holds less, one that was
//! reworded or scanned badly shares fewer pairs, and one that was extended has paragraphs that no other story has.

use std::collections::{HashMap, HashSet};

use crate::{
    compare::tokens::{TokenKind, is_function, tokens_with_source},
    corpus::{normalize, paragraphs_of_story},
    story::Story,
};

/// Words before the text that may be a byline ("By our correspondents in Skell").
const MAX_BYLINE_WORDS: usize = 8;

/// Words by which a text is recognised behind a byline.
const START_WORDS: usize = 5;

/// A paragraph at the head or the end of a story that no other story has may be no part of the text if it has no more words:
/// the name of a section, a line on the newsletter.
const MAX_EDGE_WORDS: usize = 12;

/// A paragraph that no other story has counts from this share of its informative words on that are found in the paragraphs
/// which the story has in common with others: two paragraphs of one story mostly share a third.
const MIN_COHESION: f64 = 0.2;

/// A short paragraph at the head or the end is none of the text if a smaller share of its words is found there.
const EDGE_COHESION: f64 = 0.5;

/// What a word of a paragraph of its own counts at most, where a word that all stories have counts one: whether a paragraph was
/// added here or cut elsewhere is never sure.
const OWN_WORDS: f64 = 0.5;

/// A word of fewer bytes is not informative.
const MIN_BYTES: usize = 4;

/// A word with its neighbours: stands for the start and the end of a story.
const NO_WORD: u32 = u32::MAX;

type Pair = (u32, u32);

/// The stories of a group as words.
pub(super) struct Texts {
    words: Vec<Word>,
    stories: Vec<Text>,
    /// The number of stories that have a pair.
    stories_with: HashMap<Pair, u32>,
    /// The distinct words that stand between two words.
    between: HashMap<Pair, Vec<u32>>,
}

/// A distinct word of the group.
struct Word {
    text: String,
    is_number: bool,
    is_informative: bool,
    /// How often the stories have it.
    occurrences: u32,
    /// The stories that have it, of which the last is known.
    stories: u32,
    last_story: usize,
}

/// A story as words.
struct Text {
    paragraphs: Vec<Vec<u32>>,
    pairs: HashSet<Pair>,
}

/// How good a text is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct TextScore {
    /// What it holds of the others, less what was added and what was scanned badly.
    held: f64,
    /// Its words.
    words: usize,
}

impl Text {
    fn words(&self) -> impl Iterator<Item = u32> + '_ {
        self.paragraphs.iter().flatten().copied()
    }

    /// Each word between its neighbours.
    fn in_context(&self) -> impl Iterator<Item = (u32, Pair)> {
        let words: Vec<u32> = [NO_WORD].into_iter().chain(self.words()).chain([NO_WORD]).collect();
        (1..words.len().saturating_sub(1)).map(move |i| (words[i], (words[i - 1], words[i + 1])))
    }
}

fn pairs(words: &[u32]) -> impl Iterator<Item = Pair> + '_ {
    words.windows(2).map(|pair| (pair[0], pair[1]))
}

/// Drops what stands in a story before the words that another story begins with.
fn drop_bylines(stories: &mut [Text]) {
    let begins = |text: &Text| text.paragraphs.first()?.get(..START_WORDS).map(<[u32]>::to_vec);
    let starts: HashSet<Vec<u32>> = stories.iter().filter_map(begins).collect();
    for words in stories.iter_mut().flat_map(|text| &mut text.paragraphs) {
        let is_start = |at: &usize| words.get(*at..at + START_WORDS).is_some_and(|w| starts.contains(w));
        if let Some(at) = (1..=MAX_BYLINE_WORDS).find(is_start) {
            words.drain(..at);
        }
    }
}

impl Texts {
    pub fn new<'a>(stories: impl Iterator<Item = &'a Story>) -> Self {
        let mut texts =
            Texts { words: vec![], stories: vec![], stories_with: HashMap::new(), between: HashMap::new() };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (i, story) in stories.enumerate() {
            let paragraphs = paragraphs(story);
            let paragraphs =
                paragraphs.iter().map(|paragraph| texts.number_words(paragraph, i, &mut numbers)).collect();
            texts.stories.push(Text { paragraphs, pairs: HashSet::new() });
        }
        drop_bylines(&mut texts.stories);
        for text in &mut texts.stories {
            text.pairs = text.paragraphs.iter().flat_map(|words| pairs(words)).collect();
            #[expect(clippy::iter_over_hash_type, reason = "the order of counting does not matter")]
            for pair in &text.pairs {
                *texts.stories_with.entry(*pair).or_default() += 1;
            }
            for (word, neighbours) in text.in_context() {
                let between = texts.between.entry(neighbours).or_default();
                if !between.contains(&word) {
                    between.push(word);
                }
            }
        }
        texts
    }

    /// The numbers of the words of a paragraph of story `i`.
    fn number_words(&mut self, paragraph: &str, i: usize, numbers: &mut HashMap<String, u32>) -> Vec<u32> {
        let mut found = Vec::new();
        for (token, _) in tokens_with_source(paragraph) {
            let next = self.words.len() as u32;
            let number = *numbers.entry(token.text.clone()).or_insert(next);
            if number == next {
                let is_number = token.kind == TokenKind::Number;
                let is_informative = token.text.len() >= MIN_BYTES && !is_function(&token.text);
                let text = token.text;
                let word =
                    Word { text, is_number, is_informative, occurrences: 0, stories: 0, last_story: i };
                self.words.push(word);
            }
            let word = &mut self.words[number as usize];
            word.occurrences += 1;
            word.stories += u32::from(word.stories == 0 || word.last_story != i);
            word.last_story = i;
            found.push(number);
        }
        found
    }

    /// Whether two stories have the same words in the same paragraphs.
    pub fn are_same(&self, a: usize, b: usize) -> bool {
        self.stories[a].paragraphs == self.stories[b].paragraphs
    }

    /// The number of words of story `i`.
    pub fn word_count(&self, i: usize) -> usize {
        self.stories[i].words().count()
    }

    /// The share of the pairs of story `a` that story `b` has, in [0, 1].
    pub fn coverage(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (&self.stories[a].pairs, &self.stories[b].pairs);
        a.intersection(b).count() as f64 / a.len().max(1) as f64
    }

    /// How good the text of story `i` is as the origin of the others.
    pub fn score(&self, i: usize) -> TextScore {
        let paragraphs = &self.stories[i].paragraphs;
        let (own, shared): (Vec<&Vec<u32>>, Vec<&Vec<u32>>) =
            paragraphs.iter().partition(|words| self.is_own(words));
        let count = |of: &[&Vec<u32>]| of.iter().map(|words| words.len()).sum::<usize>();
        // Where most of it is its own, there is too little that this could be held against.
        let is_judged = count(&own) <= count(&shared);
        let core: HashSet<u32> = shared.into_iter().flatten().copied().collect();
        let is_own = |words: &Vec<u32>| own.contains(&words);
        let is_edge = |words: &&Vec<u32>| {
            is_judged
                && is_own(words)
                && words.len() <= MAX_EDGE_WORDS
                && self.cohesion(words, &core) < EDGE_COHESION
        };
        let head = paragraphs.iter().take_while(is_edge).count();
        let tail = paragraphs[head..].iter().rev().take_while(is_edge).count();
        let mut seen: HashSet<&[u32]> = HashSet::new();
        let mut held = -(self.misspellings(i) as f64);
        for (at, words) in paragraphs.iter().enumerate().filter(|(_, words)| seen.insert(words)) {
            held += if at < head || at >= paragraphs.len() - tail {
                -(words.len() as f64)
            } else if is_judged && is_own(words) {
                let cohesion = self.cohesion(words, &core) - MIN_COHESION;
                // Of two stories, the other one may as well have lost it.
                let can_be_added = self.stories.len() > 2;
                words.len() as f64 * OWN_WORDS * if can_be_added { cohesion } else { cohesion.max(0.0) }
            } else {
                self.support(words)
            };
        }
        // Rounded, so that equal sums of other terms are equal.
        TextScore { held: (held * 1e6).round(), words: self.word_count(i) }
    }

    /// Whether most pairs of a paragraph are in no other story.
    fn is_own(&self, words: &[u32]) -> bool {
        let shared = pairs(words).filter(|pair| self.stories_with[pair] > 1).count();
        shared * 2 < words.len().saturating_sub(1) || words.len() < 2
    }

    /// What the pairs of a paragraph count: one that no other story has nothing, one that many have nearly one. A pair that
    /// two of many stories have weighs less, as one of them may have it from the other.
    fn support(&self, words: &[u32]) -> f64 {
        let others = pairs(words).map(|pair| f64::from(self.stories_with[&pair] - 1));
        others.map(|n| n / (n + 2.0)).sum()
    }

    /// The share of the informative words of a paragraph that are in `core`, in [0, 1].
    fn cohesion(&self, words: &[u32], core: &HashSet<u32>) -> f64 {
        let distinct: HashSet<u32> = words.iter().copied().collect();
        let informative: Vec<u32> =
            distinct.into_iter().filter(|word| self.words[*word as usize].is_informative).collect();
        let found = informative.iter().filter(|word| core.contains(word)).count();
        found as f64 / informative.len().max(1) as f64
    }

    /// Distinct words of story `i` alone that are errors of scanning or typing: between the same two words, another story has
    /// a word of nearly the same letters, which is more frequent or has no digit among its letters.
    fn misspellings(&self, i: usize) -> usize {
        let mut found = HashSet::new();
        for (number, neighbours) in self.stories[i].in_context() {
            let word = &self.words[number as usize];
            if word.stories > 1 || found.contains(&number) {
                continue;
            }
            let is_correct = |other: &u32| {
                let correct = &self.words[*other as usize];
                let is_elsewhere = correct.stories > 1 || correct.last_story != i;
                let is_rarer = word.occurrences < correct.occurrences;
                is_elsewhere
                    && !correct.is_number
                    && (is_rarer || word.is_number)
                    && is_misspelled(&word.text, &correct.text)
            };
            if self.between[&neighbours].iter().any(is_correct) {
                found.insert(number);
            }
        }
        found.len()
    }
}

/// The paragraphs of a story, normalized; a story without a body has its title.
fn paragraphs(story: &Story) -> Vec<String> {
    let body = paragraphs_of_story(&story.text);
    if body.is_empty() {
        return vec![normalize(&story.title)];
    }
    body.into_iter().map(|paragraph| normalize(&story.text[paragraph.range])).collect()
}

/// Whether two words are the same but for one or two letters in one place, and not forms of one word.
fn is_misspelled(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let shorter = a.len().min(b.len());
    if shorter < 4 || a.starts_with(&b) || b.starts_with(&a) {
        return false;
    }
    let same = |(x, y): &(&char, &char)| x == y;
    let head = a.iter().zip(&b).take_while(same).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(same).count();
    let changed = a.len().max(b.len()) - head - tail;
    changed <= if shorter < 6 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stories: &[&str]) -> Texts {
        let stories: Vec<Story> = stories
            .iter()
            .map(|text| Story { text: text.replace(" / ", "\n\n"), ..Story::default() })
            .collect();
        Texts::new(stories.iter())
    }

    #[test]
    fn the_best_text_has_the_highest_score() {
        let check = |stories: &[&str], best: usize| {
            let texts = texts(stories);
            let scores: Vec<TextScore> = (0..stories.len()).map(|i| texts.score(i)).collect();
            for (i, score) in scores.iter().enumerate().filter(|(i, _)| *i != best) {
                assert!(scores[best] > *score, "{i} is as good as {best}: {scores:?} of {stories:?}");
            }
        };
        const LEAD: &str = "The harbour of Skell stays closed to ferries until Friday, its master said.";
        const NEXT: &str =
            "Divers in the harbour look for the anchor chain that a ship lost in the gale off Skell.";
        const LAST: &str = "The ferries to Orsk sail from the old harbour of Skell meanwhile.";
        const MORE: &str = "Ferries that lost their anchor in the gale may wait in Orsk, the master of the harbour said, \
                            until divers have found the chain.";
        const ELSEWHERE: &str = "A cheese that ripens in an abandoned silver mine won the gold medal of a dairy fair in \
                                 Valemont, where judges tasted nine others.";
        let whole = format!("{LEAD} / {NEXT} / {LAST}");
        // Cut: the fullest is best.
        check(&[&whole, &format!("{LEAD} / {NEXT}")], 0);
        check(&[LEAD, &whole, &format!("{LEAD} / {LAST}")], 1);
        check(&[&format!("{LEAD} / {NEXT}"), &format!("{LEAD} / {NEXT} / {MORE}")], 1);
        // Scanned badly.
        check(&[&whole.replace("Skell", "Skoll").replace("ferries", "f3rries"), &whole], 1);
        check(&[&whole.replacen("Skell stays", "Skoll stays", 1), &whole, LEAD], 1);
        // Reworded: two copies agree with the origin, not with one another.
        let reworded = whole.replace("said", "told reporters").replace("look for", "search");
        let until = whole.replace("stays closed", "remains shut").replace("meanwhile", "for now");
        check(&[&reworded, &whole, &until], 1);
        // Extended by page chrome at both ends, and by a paragraph on something else.
        check(&[&format!("Orsk Bulletin, your local voice / {whole}"), &whole], 1);
        check(&[&format!("{whole} / More from the Orsk Bulletin / All rights reserved, Orsk"), &whole], 1);
        let merged = format!("{LEAD} / {ELSEWHERE} / {NEXT} / {LAST}");
        check(&[&merged, &whole, &format!("{LEAD} / {NEXT}")], 1);
        // Bylines that two have.
        let byline = format!("By our own correspondents - {whole}");
        check(&[&byline.replace("closed", "shut"), &byline.replace("said", "told reporters"), &whole], 2);
        // A paragraph on the same subject was cut elsewhere.
        check(&[&whole, &format!("{LEAD} / {MORE} / {NEXT} / {LAST}")], 1);
    }

    #[test]
    fn misspelled_words_differ_in_a_letter_or_two() {
        let check = |a: &str, b: &str, expect: bool| assert_eq!(is_misspelled(a, b), expect, "{a} {b}");
        check("bonk", "bank", true);
        check("goverment", "government", true);
        check("minsiter", "minister", true);
        check("l0ss", "loss", true);
        check("share", "shares", false);
        check("cat", "car", false);
        check("percent", "present", false);
        check("house", "horse", true);
    }

    #[test]
    fn coverage_is_the_share_of_pairs() {
        let texts = texts(&["One two three.", "Zero one two three four.", "One two three."]);
        assert_eq!(texts.coverage(0, 1), 1.0);
        assert_eq!(texts.coverage(1, 0), 0.5);
        assert!(texts.are_same(0, 2) && !texts.are_same(0, 1));
        assert_eq!(texts.word_count(1), 5);
    }
}
