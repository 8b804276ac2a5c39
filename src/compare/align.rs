//! Alignment of two token sequences: common runs first, then single words in the gaps between them.
//!
//! The runs are those of greedy string tiling (Wise, 1993); in the gaps scanning noise is forgiven.

use super::tokens::{Token, TokenKind, is_inflected, nearly_equal};

/// Shorter runs are found only in the gaps beside others.
const MIN_RUN: usize = 3;

/// Tokens of a gap that is searched for single matches; a longer one is another passage.
const MAX_GAP: usize = 30;

/// Positions with the same two words that are tried for a longer run; more belong to a common phrase.
const MAX_TRIED: usize = 24;

/// A story's tokens, in the order of its passages.
pub(super) struct Sequence<'a> {
    /// Token numbers in the vocabulary.
    pub ids: &'a [u32],
    /// Every two neighbouring tokens and their place, sorted: see [`bigrams`].
    pub bigrams: &'a [(u32, u32, u32)],
}

/// Every two neighbouring tokens of `ids` and their place, sorted.
pub(super) fn bigrams(ids: &[u32]) -> Vec<(u32, u32, u32)> {
    let mut pairs: Vec<(u32, u32, u32)> = ids.windows(2).zip(0..).map(|(w, at)| (w[0], w[1], at)).collect();
    pairs.sort_unstable();
    pairs
}

/// The counterpart of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// No counterpart.
    None,
    /// The same token there.
    Same(u32),
    /// The same token but for scanning noise.
    Similar(u32),
}

impl Match {
    /// The counterpart's place.
    pub(super) fn place(self) -> Option<u32> {
        match self {
            Match::None => None,
            Match::Same(at) | Match::Similar(at) => Some(at),
        }
    }
}

/// The alignment of `a` to `b`: for each token of `a` its counterpart, and the other way round.
pub(super) struct Alignment {
    pub of_a: Vec<Match>,
    pub of_b: Vec<Match>,
    /// The longest common run.
    pub longest: usize,
}

/// The tokens by their numbers.
#[derive(Clone, Copy)]
pub(super) struct Vocabulary<'a> {
    pub tokens: &'a [Token],
    /// Whether a token is a short name that several stories have: two such names that differ by a letter are two names.
    pub is_known_name: &'a [bool],
}

impl Vocabulary<'_> {
    /// Whether two tokens are one word but for scanning noise.
    fn nearly_equal(self, a: u32, b: u32) -> bool {
        let (x, y) = (&self.tokens[a as usize], &self.tokens[b as usize]);
        let two_names = self.is_known_name[a as usize]
            && self.is_known_name[b as usize]
            && !is_inflected(&x.text, &y.text);
        !two_names && nearly_equal(x, y)
    }
}

/// Aligns two sequences.
pub(super) fn align(a: &Sequence, b: &Sequence, vocabulary: Vocabulary) -> Alignment {
    let mut found =
        Alignment { of_a: vec![Match::None; a.ids.len()], of_b: vec![Match::None; b.ids.len()], longest: 0 };
    let runs = tile(a.ids, b, &mut found);
    fill_gaps(a.ids, b.ids, &runs, vocabulary, &mut found);
    found
}

/// Marks common runs of at least [`MIN_RUN`], longest first where several begin at one place.
fn tile(a: &[u32], b: &Sequence, found: &mut Alignment) -> Vec<(usize, usize, usize)> {
    let (b, pairs) = (b.ids, b.bigrams);
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    let mut i = 0;
    while i + MIN_RUN <= a.len() {
        let key = (a[i], a[i + 1]);
        let first = pairs.partition_point(|p| (p.0, p.1) < key);
        // Where the run before would go on is tried first: repeated phrases then stay in order.
        let expected = runs.last().map_or(0, |&(_, at, length)| at + length);
        let mut best = (0, 0);
        for &(_, _, at) in pairs[first..].iter().take_while(|p| (p.0, p.1) == key).take(MAX_TRIED) {
            let at = at as usize;
            let length = (0..).take_while(|&n| {
                i + n < a.len()
                    && at + n < b.len()
                    && a[i + n] == b[at + n]
                    && found.of_b[at + n] == Match::None
            });
            let length = length.count();
            let nearer = |x: usize, y: usize| x.abs_diff(expected) < y.abs_diff(expected);
            if length > best.0 || (length == best.0 && length > 0 && nearer(at, best.1)) {
                best = (length, at);
            }
        }
        let (length, at) = best;
        if length < MIN_RUN {
            i += 1;
            continue;
        }
        for n in 0..length {
            found.of_a[i + n] = Match::Same((at + n) as u32);
            found.of_b[at + n] = Match::Same((i + n) as u32);
        }
        found.longest = found.longest.max(length);
        runs.push((i, at, length));
        i += length;
    }
    runs
}

/// Matches single tokens between runs that follow one another on both sides, and at both ends.
fn fill_gaps(
    a: &[u32],
    b: &[u32],
    runs: &[(usize, usize, usize)],
    vocabulary: Vocabulary,
    found: &mut Alignment,
) {
    let mut edges = vec![(0usize, 0usize)];
    for &(i, at, length) in runs {
        let (gap_a, gap_b) = (edges[edges.len() - 1].0..i, edges[edges.len() - 1].1..at);
        if gap_b.start <= gap_b.end {
            fill(a, b, gap_a, gap_b, vocabulary, found);
        }
        edges.push((i + length, at + length));
    }
    let (i, at) = edges[edges.len() - 1];
    fill(a, b, i..a.len(), at..b.len(), vocabulary, found);
}

fn fill(
    a: &[u32],
    b: &[u32],
    gap_a: std::ops::Range<usize>,
    gap_b: std::ops::Range<usize>,
    vocabulary: Vocabulary,
    found: &mut Alignment,
) {
    if gap_a.len().max(gap_b.len()) > MAX_GAP {
        return;
    }
    let mut next = gap_b.start;
    for i in gap_a {
        if found.of_a[i] != Match::None {
            continue;
        }
        let free = |j: &usize| found.of_b[*j] == Match::None;
        let same = (next..gap_b.end).find(|j| free(j) && a[i] == b[*j]);
        let near = || (next..gap_b.end).filter(free).find(|&j| vocabulary.nearly_equal(a[i], b[j]));
        if let Some(j) = same {
            (found.of_a[i], found.of_b[j]) = (Match::Same(j as u32), Match::Same(i as u32));
            next = j + 1;
        } else if let Some(j) = near() {
            (found.of_a[i], found.of_b[j]) = (Match::Similar(j as u32), Match::Similar(i as u32));
            next = j + 1;
        }
    }
}

/// Tokens to either side that decide whether a token lies within aligned text.
const WINDOW: usize = 8;

/// For each token, whether at least half of those around it have a counterpart: text that the two have in common
/// but for single words, such as the facts of a template.
pub(super) fn aligned(of: &[Match]) -> Vec<bool> {
    let mut before = vec![0usize; of.len() + 1];
    for (i, m) in of.iter().enumerate() {
        before[i + 1] = before[i] + usize::from(*m != Match::None);
    }
    let around = |i: usize| {
        let (from, to) = (i.saturating_sub(WINDOW), (i + WINDOW + 1).min(of.len()));
        (before[to] - before[from]) * 2 >= to - from
    };
    (0..of.len()).map(around).collect()
}

/// How many tokens of a kind there are in aligned text, and how many of them have a counterpart.
pub(super) fn facts(
    ids: &[u32],
    of: &[Match],
    aligned: &[bool],
    vocabulary: &[Token],
    kind: TokenKind,
) -> (u32, u32) {
    let mut counts = (0, 0);
    for ((id, found), aligned) in ids.iter().zip(of).zip(aligned) {
        if *aligned && vocabulary[*id as usize].kind == kind {
            counts.0 += 1;
            counts.1 += u32::from(*found != Match::None);
        }
    }
    counts
}

/// The tokens of two texts, of which `names` are known, and their alignment.
#[cfg(test)]
pub(super) fn align_texts(x: &str, y: &str, names: &[&str]) -> (Vec<Token>, [Vec<u32>; 2], Alignment) {
    let mut tokens: Vec<Token> = Vec::new();
    let [a, b] = [x, y].map(|text| {
        let number = |token: Token| {
            let known = tokens.iter().position(|t| *t == token);
            known.unwrap_or_else(|| {
                tokens.push(token);
                tokens.len() - 1
            }) as u32
        };
        super::tokens::tokens(text).into_iter().map(number).collect::<Vec<u32>>()
    });
    let is_known_name: Vec<bool> = tokens.iter().map(|t| names.contains(&t.text.as_str())).collect();
    let (of_a, of_b) = (bigrams(&a), bigrams(&b));
    let (one, other) = (Sequence { ids: &a, bigrams: &of_a }, Sequence { ids: &b, bigrams: &of_b });
    let found = align(&one, &other, Vocabulary { tokens: &tokens, is_known_name: &is_known_name });
    (tokens, [a, b], found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_runs_and_gaps() {
        // `=` the same, `~` nearly, `.` none, a mark a token of the first text.
        let check_with = |x: &str, y: &str, names: &[&str], expect: &str| {
            let (_, _, found) = align_texts(x, y, names);
            let marks: String = found
                .of_a
                .iter()
                .map(|m| match m {
                    Match::None => '.',
                    Match::Same(_) => '=',
                    Match::Similar(_) => '~',
                })
                .collect();
            assert_eq!(marks, expect, "{x} / {y}");
        };
        let check = |x: &str, y: &str, expect: &str| check_with(x, y, &[], expect);
        check("the council met on monday", "the council met on monday", "=====");
        check("the council met on monday evening", "the council met on sunday evening", "====.=");
        check(
            "the council met at the harbour hall today",
            "the council met at the harbuor hall today",
            "=====~==",
        );
        check("one two three four five six", "four five six one two three", "======");
        check("nothing in common here", "another text altogether", "....");
        check("", "a b c", "");
        // One letter is noise, but not between two known names.
        let (iran, iraq) = ("he flew to Iran on monday", "he flew to Iraq on monday");
        check(iran, iraq, "===~==");
        check_with(iran, iraq, &["iran"], "===~==");
        check_with(iran, iraq, &["iran", "iraq"], "===.==");
        check_with(
            "he flew to Odesa on monday",
            "he flew to Odessa on monday",
            &["odesa", "odessa"],
            "===~==",
        );
        check_with("all Iranian ships left", "all Iranians ships left", &["iranian", "iranians"], "=~==");
    }
}
