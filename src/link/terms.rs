//! The terms of stories, weighed by how few stories so far have them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{
    Result,
    compare::{
        DocumentFrequencies, Field, idf,
        tokens::{Kind, Token, is_function, read},
    },
    word_lists,
};

/// One term as a text has it, before the vocabulary knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'t> {
    /// Folded, and in the singular.
    pub key: String,
    /// As it stands in the text.
    pub shown: &'t str,
    /// 1 where its capital says that it is a name, -1 where it is none, 0 where the text does not tell.
    pub name: i32,
}

impl Word<'_> {
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
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let tells = !is_title_case(text);
    let alone = |text: &str| text.len() == 1 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    // "A march" and "a company" are subjects, "March" and "Company" are not.
    let is_general = |token: &Token, shown: &str| {
        shown.starts_with(char::is_uppercase) && LISTS.generic_names.contains(token.text.as_str())
    };
    let informative = read(text).filter(|(token, shown)| {
        !is_function(&token.text) && !alone(&token.text) && !is_general(token, shown)
    });
    informative
        .map(|(token, shown)| Word {
            name: match token.kind {
                Kind::Name if tells => 1,
                Kind::Word if tells => -1,
                _ => 0,
            },
            key: if token.kind == Kind::Number { token.text } else { singular(token.text) },
            shown: shown.strip_suffix("'s").unwrap_or(shown),
        })
        .collect()
}

/// Whether most longer words have a capital, so that it tells of no name.
fn is_title_case(text: &str) -> bool {
    let long = text.split_whitespace().filter(|w| w.chars().count() > 3);
    let (capitals, all) =
        long.fold((0, 0), |(c, n), w| (c + usize::from(w.starts_with(char::is_uppercase)), n + 1));
    capitals * 3 > all * 2
}

/// Without the ending of the plural, as far as spelling tells (Harman, "How effective is suffixing?", 1991).
fn singular(word: String) -> String {
    let n = word.len();
    if n > 4 && word.ends_with("ies") && !word.ends_with("eies") && !word.ends_with("aies") {
        return format!("{}y", &word[..n - 3]);
    }
    let stays = ["ss", "us", "is"].iter().any(|e| word.ends_with(e));
    if n > 3 && word.ends_with('s') && !stays { word[..n - 1].into() } else { word }
}

/// The words that the term `key` is counted for.
fn forms(key: &str) -> Vec<String> {
    let of_y = key.strip_suffix('y').map(|stem| format!("{stem}ies"));
    let all = [key.to_string(), format!("{key}s")].into_iter().chain(of_y);
    all.filter(|form| singular(form.clone()) == key && !is_function(form)).collect()
}

/// What is known of a term.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// Stories that have it.
    pub stories: u32,
    /// How often it stood as a name, less how often as none.
    pub name: i32,
}

/// All terms so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    known: HashMap<String, u32>,
    pub terms: Vec<Term>,
    pub stories: u32,
}

/// Names, and terms, that are told of a pair.
pub(super) const TOLD: usize = 5;

/// Terms by ascending number with their weights.
pub(super) type Weights = Vec<(u32, f32)>;

impl Vocabulary {
    /// Takes one more story's words, each counted so many times; tells each term's number and count.
    pub fn learn<'w>(&mut self, words: impl Iterator<Item = (&'w Word<'w>, f32)>) -> BTreeMap<u32, f32> {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for (word, times) in words {
            let next = self.terms.len() as u32;
            let id = *self.known.entry(word.key.clone()).or_insert(next);
            if id == next {
                self.terms.push(Term { stories: 0, name: 0 });
            }
            self.terms[id as usize].name += word.name;
            *counts.entry(id).or_default() += times;
        }
        counts.keys().for_each(|id| self.terms[*id as usize].stories += 1);
        self.stories += 1;
        counts
    }

    /// Takes the number of stories that have each term from `frequencies`: those of the stories that the ones so far were
    /// taken from.
    ///
    /// Words are counted there as they stand, in titles and in texts. How many stories have several forms of a word is
    /// taken as if one said nothing of the other, and what is said in a title as said again in the text.
    ///
    /// # Errors
    /// If `frequencies` cannot be read.
    pub fn set_document_frequencies(&mut self, frequencies: &dyn DocumentFrequencies) -> Result<()> {
        let all = f64::from(frequencies.stories().max(1));
        // Each term has one place, whatever the order of the map.
        #[expect(clippy::iter_over_hash_type)]
        for (key, id) in &self.known {
            let forms = forms(key);
            let in_field = |field| -> Result<u32> {
                let mut without = 1.0;
                for form in &forms {
                    if let Some(known) = frequencies.get(field, form)? {
                        without *= 1.0 - f64::from(known.stories) / all;
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

    /// The words that are known, counted.
    pub fn count<'w>(&self, words: impl Iterator<Item = (&'w Word<'w>, f32)>) -> BTreeMap<u32, f32> {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for (word, times) in words {
            if let Some(id) = self.id(word) {
                *counts.entry(id).or_default() += times;
            }
        }
        counts
    }

    /// How a story writes those of its terms that are `wanted`: as a name where it has one as such.
    pub fn spellings<'w>(
        &self,
        words: impl Iterator<Item = &'w Word<'w>>,
        wanted: impl Fn(u32) -> bool,
    ) -> BTreeMap<u32, &'w str> {
        let mut spellings: BTreeMap<u32, (&str, i32)> = BTreeMap::new();
        for word in words {
            let Some(id) = self.id(word).filter(|id| wanted(*id)) else { continue };
            let known = spellings.entry(id).or_insert((word.shown, word.name));
            if word.name > known.1 {
                *known = (word.shown, word.name);
            }
        }
        spellings.into_iter().map(|(id, (shown, _))| (id, shown)).collect()
    }

    /// Names, and other words, of terms that two stories share: the most telling first, a few of each. What is a name in
    /// other stories alone is none here; `x` and `y` tell how the two write a term.
    pub fn told<'w>(
        &self,
        mut common: Weights,
        x: impl Fn(u32) -> Option<&'w str>,
        y: impl Fn(u32) -> Option<&'w str>,
    ) -> (Vec<String>, Vec<String>) {
        common.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for (id, _) in common {
            let (Some(x), Some(y)) = (x(id), y(id)) else { continue };
            let capital = |word: &str| word.starts_with(char::is_uppercase);
            let is_name = self.terms[id as usize].name > 0 && capital(x) && capital(y);
            let shown = if is_name || !capital(x) { x } else { y };
            // The point that ends the letters of "U.S." may end a sentence too, and is no part of the word.
            let letters = shown.contains('.') && shown.split('.').all(|part| part.chars().count() == 1);
            let point = if letters { "." } else { "" };
            let told = if is_name { &mut names } else { &mut others };
            told.push(format!("{shown}{point}"));
        }
        names.truncate(TOLD);
        others.truncate(TOLD);
        (names, others)
    }

    /// The number of a word's term, if it has been met.
    pub fn id(&self, word: &Word<'_>) -> Option<u32> {
        self.known.get(&word.key).copied()
    }

    /// How informative term `id` is: inverse document frequency, smoothed so that few stories give sensible ones too.
    pub fn weight(&self, id: u32) -> f32 {
        idf(self.terms[id as usize].stories, self.stories)
    }

    /// Counts as a vector of unit length: `(1 + ln count) · weight`.
    pub fn weigh(&self, counts: &BTreeMap<u32, f32>) -> Weights {
        let mut weights: Weights =
            counts.iter().map(|(&id, &n)| (id, (1.0 + n.max(1.0).ln()) * self.weight(id))).collect();
        let norm = weights.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        weights.iter_mut().for_each(|(_, w)| *w /= norm.max(f32::MIN_POSITIVE));
        weights
    }
}

/// The terms of both, with the product of their weights.
pub(super) fn shared(a: &Weights, b: &Weights) -> Weights {
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

/// The inner product.
pub(super) fn product(a: &Weights, b: &Weights) -> f32 {
    shared(a, b).iter().map(|(_, w)| w).sum()
}

/// Adds `b` to `a`.
pub(super) fn sum(a: &Weights, b: &Weights) -> Weights {
    let mut out = Weights::with_capacity(a.len() + b.len());
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
    use crate::compare::TermStatistics;

    #[test]
    fn words_are_informative_singular_and_named() {
        let check = |text: &str, expect: &[(&str, i32)]| {
            let found: Vec<(String, i32)> = words(text).into_iter().map(|w| (w.key, w.name)).collect();
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
    fn what_is_shared_is_told_as_the_two_write_it() {
        // What both have in common of all three texts, the first two of which are compared.
        let check = |texts: [&str; 3], names: &[&str], others: &[&str]| {
            let mut vocabulary = Vocabulary::default();
            let read = texts.map(words);
            let weights: Vec<Weights> = read
                .iter()
                .map(|words| {
                    let counts = vocabulary.learn(words.iter().map(|w| (w, 1.0)));
                    vocabulary.weigh(&counts)
                })
                .collect();
            let [x, y] = [0, 1].map(|i| vocabulary.spellings(read[i].iter(), |_| true));
            let common = shared(&weights[0], &weights[1]);
            let told = vocabulary.told(common, |t| x.get(&t).copied(), |t| y.get(&t).copied());
            assert_eq!(
                told,
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
    fn a_term_is_counted_in_all_its_forms() {
        let check = |key: &str, expect: &[&str]| assert_eq!(forms(key), expect, "{key}");
        check("port", &["port", "ports"]);
        check("duty", &["duty", "dutys", "duties"]);
        check("loss", &["loss"]);
        // "los" is a term of its own, and "loss" is no plural of it.
        check("lo", &["lo"]);
        check("los", &["los"]);
        // "other" tells nothing, and is no term.
        check("other", &["others"]);
    }

    #[test]
    fn terms_are_counted_among_many_stories() {
        struct Many;
        impl DocumentFrequencies for Many {
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
        vocabulary.learn(words("the port, duties, barges").iter().map(|w| (w, 1.0)));
        vocabulary.set_document_frequencies(&Many).unwrap();
        let found: Vec<u32> = vocabulary.terms.iter().map(|t| t.stories).collect();
        assert_eq!(found, [60, 7, 1]);
        assert_eq!(vocabulary.stories, 100);
    }

    #[test]
    fn rare_terms_weigh_more() {
        let mut vocabulary = Vocabulary::default();
        for text in ["harbour opens", "harbour closes", "harbour burns"] {
            vocabulary.learn(words(text).iter().map(|w| (w, 1.0)));
        }
        let weight = |text: &str| vocabulary.weight(vocabulary.id(&words(text)[0]).unwrap());
        assert!(weight("burns") > weight("harbour"));
    }

    proptest::proptest! {
        #[test]
        fn sums_and_products_are_those_of_dense_vectors(
            a in proptest::collection::btree_map(0u32..12, 0.1f32..1.0, 0..8),
            b in proptest::collection::btree_map(0u32..12, 0.1f32..1.0, 0..8),
        ) {
            let dense = |m: &BTreeMap<u32, f32>| (0..12).map(|i| m.get(&i).copied().unwrap_or(0.0)).collect::<Vec<_>>();
            let (x, y): (Weights, Weights) = (a.clone().into_iter().collect(), b.clone().into_iter().collect());
            let expect: f32 = dense(&a).iter().zip(dense(&b)).map(|(p, q)| p * q).sum();
            proptest::prop_assert!((product(&x, &y) - expect).abs() < 1e-5);
            let added: BTreeMap<u32, f32> = sum(&x, &y).into_iter().collect();
            let expect: Vec<f32> = dense(&a).iter().zip(dense(&b)).map(|(p, q)| p + q).collect();
            proptest::prop_assert_eq!(dense(&added), expect);
        }
    }
}
