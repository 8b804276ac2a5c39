//! Terms: the informative words of stories, weighted by inverse document frequency.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{
    Result,
    compare::{
        DocumentFrequencies, Field, TermStatistics, idf,
        tokens::{Token, TokenKind, is_function, tokens_with_source},
    },
    word_lists,
};

/// A word of a text that stands for a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TermToken<'t> {
    /// The term: folded, in the singular.
    pub key: String,
    /// The word as the text spells it.
    pub surface: &'t str,
    /// 1 if its capital marks it as a name, -1 if it is no name, 0 if the text does not show which.
    pub name_vote: i32,
}

impl TermToken<'_> {
    /// Whether it is a number, or begins with one.
    pub fn is_number(&self) -> bool {
        self.key.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    }
}

/// The list of `data/terms.toml`.
#[derive(Deserialize)]
struct Lists {
    generic_names: HashSet<String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("terms.toml", include_str!("data/terms.toml")));

/// The informative words of a normalized text.
pub(super) fn term_tokens(text: &str) -> Vec<TermToken<'_>> {
    let marks_names = !is_title_case(text);
    let is_letter = |text: &str| text.len() == 1 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    // "A march" and "a company" are subjects, "March" and "Company" are not.
    let is_generic = |token: &Token, surface: &str| {
        surface.starts_with(char::is_uppercase) && LISTS.generic_names.contains(token.text.as_str())
    };
    let informative = tokens_with_source(text).filter(|(token, surface)| {
        !is_function(&token.text) && !is_letter(&token.text) && !is_generic(token, surface)
    });
    informative
        .map(|(token, surface)| TermToken {
            name_vote: match token.kind {
                TokenKind::Name if marks_names => 1,
                TokenKind::Word if marks_names => -1,
                _ => 0,
            },
            key: if token.kind == TokenKind::Number { token.text } else { singular(token.text) },
            surface: surface.strip_suffix("'s").unwrap_or(surface),
        })
        .collect()
}

/// Whether most longer words are capitalised, so that a capital does not mark a name.
fn is_title_case(text: &str) -> bool {
    let long = text.split_whitespace().filter(|w| w.chars().count() > 3);
    let (capitals, all) =
        long.fold((0, 0), |(c, n), w| (c + usize::from(w.starts_with(char::is_uppercase)), n + 1));
    capitals * 3 > all * 2
}

/// `word` without an English plural ending (the S stemmer of Harman, "How effective is suffixing?", 1991).
fn singular(word: String) -> String {
    let n = word.len();
    if n > 4 && word.ends_with("ies") && !word.ends_with("eies") && !word.ends_with("aies") {
        return format!("{}y", &word[..n - 3]);
    }
    let stays = ["ss", "us", "is"].iter().any(|e| word.ends_with(e));
    if n > 3 && word.ends_with('s') && !stays { word[..n - 1].into() } else { word }
}

/// The words that [`singular`] maps to the term `key`.
fn forms(key: &str) -> Vec<String> {
    let of_y = key.strip_suffix('y').map(|stem| format!("{stem}ies"));
    let all = [key.to_string(), format!("{key}s")].into_iter().chain(of_y);
    all.filter(|form| singular(form.clone()) == key && !is_function(form)).collect()
}

/// The terms of the documents so far, with their statistics.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    ids: HashMap<String, u32>,
    pub terms: Vec<TermStatistics>,
    /// The number of documents.
    pub stories: u32,
}

/// The largest number of names, and of other terms, that are listed for a pair.
pub(super) const MAX_SHARED: usize = 5;

/// A sparse vector: term ids in ascending order, with their weights.
pub(super) type TermWeights = Vec<(u32, f32)>;

impl Vocabulary {
    /// Adds a document, given its tokens with the weight of each; returns the weighted count of each term.
    pub fn add<'w>(&mut self, tokens: impl Iterator<Item = (&'w TermToken<'w>, f32)>) -> BTreeMap<u32, f32> {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for (token, weight) in tokens {
            let next = self.terms.len() as u32;
            let id = *self.ids.entry(token.key.clone()).or_insert(next);
            if id == next {
                self.terms.push(TermStatistics::default());
            }
            self.terms[id as usize].name_votes += token.name_vote;
            *counts.entry(id).or_default() += weight;
        }
        counts.keys().for_each(|id| self.terms[*id as usize].stories += 1);
        self.stories += 1;
        counts
    }

    /// Replaces the document frequencies by `frequencies`: those of a larger collection that the documents so far are part of.
    ///
    /// The collection counts words, by title and text. The forms of a term are combined as if they occurred independently;
    /// of title and text the higher number counts.
    ///
    /// # Errors
    /// If `frequencies` cannot be read.
    pub fn set_document_frequencies(&mut self, frequencies: &dyn DocumentFrequencies) -> Result<()> {
        let all = f64::from(frequencies.stories().max(1));
        // Each term is set once, so the order of the map does not matter.
        #[expect(clippy::iter_over_hash_type)]
        for (key, id) in &self.ids {
            let forms = forms(key);
            let in_field = |field| -> Result<u32> {
                let mut without = 1.0;
                for form in &forms {
                    if let Some(statistics) = frequencies.get(field, form)? {
                        without *= 1.0 - f64::from(statistics.stories) / all;
                    }
                }
                Ok(((1.0 - without) * all).round() as u32)
            };
            let term = &mut self.terms[*id as usize];
            term.stories = in_field(Field::Text)?.max(in_field(Field::Title)?).max(1);
        }
        self.stories = frequencies.stories().max(self.stories);
        Ok(())
    }

    /// The weighted counts of the tokens whose terms are in the vocabulary.
    pub fn count<'w>(&self, tokens: impl Iterator<Item = (&'w TermToken<'w>, f32)>) -> BTreeMap<u32, f32> {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for (token, weight) in tokens {
            if let Some(id) = self.id(token) {
                *counts.entry(id).or_default() += weight;
            }
        }
        counts
    }

    /// How a document spells those of its terms that `filter` accepts: preferably as a name.
    pub fn spellings<'w>(
        &self,
        tokens: impl Iterator<Item = &'w TermToken<'w>>,
        filter: impl Fn(u32) -> bool,
    ) -> BTreeMap<u32, &'w str> {
        let mut spellings: BTreeMap<u32, (&str, i32)> = BTreeMap::new();
        for token in tokens {
            let Some(id) = self.id(token).filter(|id| filter(*id)) else { continue };
            let best = spellings.entry(id).or_insert((token.surface, token.name_vote));
            if token.name_vote > best.1 {
                *best = (token.surface, token.name_vote);
            }
        }
        spellings.into_iter().map(|(id, (surface, _))| (id, surface)).collect()
    }

    /// The names and the other words that two documents share, up to [`MAX_SHARED`] of each, the largest weight first. A term
    /// that is a name only in other documents counts as another word. `x` and `y` return the spellings of the two.
    pub fn describe_shared<'w>(
        &self,
        mut common: TermWeights,
        x: impl Fn(u32) -> Option<&'w str>,
        y: impl Fn(u32) -> Option<&'w str>,
    ) -> (Vec<String>, Vec<String>) {
        common.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for (id, _) in common {
            let (Some(x), Some(y)) = (x(id), y(id)) else { continue };
            let capital = |word: &str| word.starts_with(char::is_uppercase);
            let is_name = self.terms[id as usize].name_votes > 0 && capital(x) && capital(y);
            let surface = if is_name || !capital(x) { x } else { y };
            // Tokens end without a period, so that of "U.S." has to be restored.
            let initials = surface.contains('.') && surface.split('.').all(|part| part.chars().count() == 1);
            let period = if initials { "." } else { "" };
            let list = if is_name { &mut names } else { &mut others };
            list.push(format!("{surface}{period}"));
        }
        names.truncate(MAX_SHARED);
        others.truncate(MAX_SHARED);
        (names, others)
    }

    /// The id of the term of `token`, if it is in the vocabulary.
    pub fn id(&self, token: &TermToken<'_>) -> Option<u32> {
        self.ids.get(&token.key).copied()
    }

    /// The inverse document frequency of term `id`, smoothed.
    pub fn idf(&self, id: u32) -> f32 {
        idf(self.terms[id as usize].stories, self.stories)
    }

    /// The unit vector of the weights `(1 + ln count) · idf`.
    pub fn weigh(&self, counts: &BTreeMap<u32, f32>) -> TermWeights {
        let mut weights: TermWeights =
            counts.iter().map(|(&id, &n)| (id, (1.0 + n.max(1.0).ln()) * self.idf(id))).collect();
        let norm = weights.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        weights.iter_mut().for_each(|(_, w)| *w /= norm.max(f32::MIN_POSITIVE));
        weights
    }
}

/// The terms in both vectors, with the products of their weights.
pub(super) fn shared_terms(a: &TermWeights, b: &TermWeights) -> TermWeights {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < a.len() && j < b.len() {
        match a[i].0.cmp(&b[j].0) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                out.push((a[i].0, a[i].1 * b[j].1));
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    out
}

/// The inner product of two sparse vectors.
pub(super) fn inner_product(a: &TermWeights, b: &TermWeights) -> f32 {
    shared_terms(a, b).iter().map(|(_, w)| w).sum()
}

/// The sum of two sparse vectors.
pub(super) fn add_weights(a: &TermWeights, b: &TermWeights) -> TermWeights {
    let mut out = TermWeights::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let (x, y) = (a.get(i).map_or(u32::MAX, |t| t.0), b.get(j).map_or(u32::MAX, |t| t.0));
        let id = x.min(y);
        let mut weight = 0.0;
        if x == id {
            weight += a[i].1;
            i += 1;
        }
        if y == id {
            weight += b[j].1;
            j += 1;
        }
        out.push((id, weight));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extracts_informative_singular_terms_and_names() {
        let check = |text: &str, expect: &[(&str, i32)]| {
            let found: Vec<(String, i32)> =
                term_tokens(text).into_iter().map(|w| (w.key, w.name_vote)).collect();
            let expect: Vec<(String, i32)> = expect.iter().map(|(k, n)| ((*k).into(), *n)).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("The ports of Norrin closed", &[("port", -1), ("norrin", 1), ("closed", -1)]);
        check("Norrin Closes Both Ports", &[("norrin", 0), ("close", 0), ("both", 0), ("port", 0)]);
        check("I told Dr. B of Norrin", &[("told", -1), ("dr", 1), ("norrin", 1)]);
        check("glass duties in 1987", &[("glass", -1), ("duty", -1), ("1987", 0)]);
        check(
            "Corel Corp. met with some lenders there on Monday, March 3",
            &[("corel", -1), ("met", -1), ("lender", -1), ("3", 0)],
        );
        check("a march past the company", &[("march", -1), ("past", -1), ("company", -1)]);
    }

    #[test]
    fn describes_shared_terms_as_both_documents_spell_them() {
        // Compares the first two of three texts.
        let check = |texts: [&str; 3], names: &[&str], others: &[&str]| {
            let mut vocabulary = Vocabulary::default();
            let tokens = texts.map(term_tokens);
            let weights: Vec<TermWeights> = tokens
                .iter()
                .map(|tokens| {
                    let counts = vocabulary.add(tokens.iter().map(|w| (w, 1.0)));
                    vocabulary.weigh(&counts)
                })
                .collect();
            let [x, y] = [0, 1].map(|i| vocabulary.spellings(tokens[i].iter(), |_| true));
            let common = shared_terms(&weights[0], &weights[1]);
            let found = vocabulary.describe_shared(common, |t| x.get(&t).copied(), |t| y.get(&t).copied());
            assert_eq!(
                found,
                (names.iter().map(|n| (*n).into()).collect(), others.iter().map(|n| (*n).into()).collect())
            );
        };
        check(
            ["the state of Norrin", "in Norrin, states", "All States, the States"],
            &["Norrin"],
            &["state"],
        );
        check(["Fire at Norrin Port", "a fire", "x"], &[], &["fire"]);
        check(["the U.S. voted", "for the U.S.", "x"], &["U.S."], &[]);
        check(["shares of CKGH.HK rose", "of CKGH.HK", "x"], &["CKGH.HK"], &[]);
    }

    #[test]
    fn a_term_has_all_its_forms() {
        let check = |key: &str, expect: &[&str]| assert_eq!(forms(key), expect, "{key}");
        check("port", &["port", "ports"]);
        check("duty", &["duty", "dutys", "duties"]);
        check("loss", &["loss"]);
        // "los" is a term of its own, and "loss" is no plural of it.
        check("lo", &["lo"]);
        check("los", &["los"]);
        // "other" is a function word, and no term.
        check("other", &["others"]);
    }

    #[test]
    fn document_frequencies_combine_forms_and_fields() {
        struct Collection;
        impl DocumentFrequencies for Collection {
            fn stories(&self) -> u32 {
                100
            }
            fn get(&self, field: Field, word: &str) -> Result<Option<TermStatistics>> {
                let stories = match (field, word) {
                    (Field::Text, "port") => 50,
                    (Field::Text, "ports") => 20,
                    (Field::Title, "ports") => 10,
                    (Field::Title, "duties") => 7,
                    _ => return Ok(None),
                };
                Ok(Some(TermStatistics { stories, name_votes: 0 }))
            }
        }
        let mut vocabulary = Vocabulary::default();
        vocabulary.add(term_tokens("the port, duties, barges").iter().map(|w| (w, 1.0)));
        vocabulary.set_document_frequencies(&Collection).unwrap();
        let found: Vec<u32> = vocabulary.terms.iter().map(|t| t.stories).collect();
        assert_eq!(found, [60, 7, 1]);
        assert_eq!(vocabulary.stories, 100);
    }

    #[test]
    fn rare_terms_have_a_higher_idf() {
        let mut vocabulary = Vocabulary::default();
        for text in ["harbour opens", "harbour closes", "harbour burns"] {
            vocabulary.add(term_tokens(text).iter().map(|w| (w, 1.0)));
        }
        let weight = |text: &str| vocabulary.idf(vocabulary.id(&term_tokens(text)[0]).unwrap());
        assert!(weight("burns") > weight("harbour"));
    }

    proptest::proptest! {
        #[test]
        fn sums_and_products_equal_those_of_dense_vectors(
            a in proptest::collection::btree_map(0u32..12, 0.1f32..1.0, 0..8),
            b in proptest::collection::btree_map(0u32..12, 0.1f32..1.0, 0..8),
        ) {
            let dense = |m: &BTreeMap<u32, f32>| (0..12).map(|i| m.get(&i).copied().unwrap_or(0.0)).collect::<Vec<_>>();
            let (x, y): (TermWeights, TermWeights) = (a.clone().into_iter().collect(), b.clone().into_iter().collect());
            let expect: f32 = dense(&a).iter().zip(dense(&b)).map(|(p, q)| p * q).sum();
            proptest::prop_assert!((inner_product(&x, &y) - expect).abs() < 1e-5);
            let added: BTreeMap<u32, f32> = add_weights(&x, &y).into_iter().collect();
            let expect: Vec<f32> = dense(&a).iter().zip(dense(&b)).map(|(p, q)| p + q).collect();
            proptest::prop_assert_eq!(dense(&added), expect);
        }
    }
}
