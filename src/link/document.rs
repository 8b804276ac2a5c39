//! Documents: the text and vectors of a story or a query, and the features that links and lookups compare.

use std::collections::{BTreeMap, HashMap};

use super::terms::{TermToken, TermWeights, Vocabulary, inner_product, term_tokens};
use crate::{
    boilerplate::{BoilerplateList, detect_boilerplate},
    corpus::normalize,
    story::{Corpus, StoryId},
    vector::{Matrix, dot, normalize as to_unit},
};

/// The weight of the first passage relative to the others, and of a term of the title relative to one of the body.
const LEAD_WEIGHT: f32 = 2.0;

/// A text and its embedding.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedText<'a> {
    /// Normalized text.
    pub text: &'a str,
    /// Unit vector.
    pub vector: &'a [f32],
}

/// The title and the passages of a story, without boilerplate.
#[derive(Debug, Clone, Default)]
pub struct Document<'a> {
    /// When it was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
    /// Its title; `None` if it has no body.
    pub title: Option<EmbeddedText<'a>>,
    /// Its passages, in the order of the text.
    pub body: Vec<EmbeddedText<'a>>,
    /// Earlier documents of the same template with other facts, by their position in the linker, ascending: never linked.
    pub template_variants: Vec<u32>,
}

/// A body is numeric (a table, a result, a price list) if at least one word in this many is a number.
const NUMERIC_ONE_IN: usize = 4;

/// The features of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DocumentFeatures {
    /// Its embedding, a unit vector.
    pub vector: Vec<f32>,
    /// Its weighted terms, a unit vector.
    pub terms: TermWeights,
    /// Of a numeric document, the rarest word of its title.
    pub subject: Option<u32>,
}

impl DocumentFeatures {
    /// The cosine of the vectors plus the cosine of the terms, in [-1, 2].
    pub(super) fn similarity(&self, other: &DocumentFeatures) -> f32 {
        dot(&self.vector, &other.vector) + inner_product(&self.terms, &other.terms)
    }

    /// Whether two numeric documents, which share the words of their kind, have different subjects.
    pub(super) fn differs_in_subject(&self, other: &DocumentFeatures) -> bool {
        let (Some(own_subject), Some(other_subject)) = (self.subject, other.subject) else { return false };
        let has = |of: &DocumentFeatures, term: u32| of.terms.binary_search_by_key(&term, |t| t.0).is_ok();
        !has(other, own_subject) && !has(self, other_subject)
    }
}

/// The term tokens of the title and the passages of a document.
pub(super) struct DocumentTokens<'t> {
    title: Vec<TermToken<'t>>,
    body: Vec<Vec<TermToken<'t>>>,
}

impl<'t> DocumentTokens<'t> {
    /// Each token with its weight.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (&TermToken<'t>, f32)> {
        let title = self.title.iter().map(|w| (w, LEAD_WEIGHT));
        title.chain(self.body.iter().flatten().map(|w| (w, 1.0)))
    }

    /// All tokens.
    pub(super) fn all(&self) -> impl Iterator<Item = &TermToken<'t>> {
        self.title.iter().chain(self.body.iter().flatten())
    }

    /// The rarest word of the title if the body is numeric: such a body shares most words with others of its kind.
    fn subject(&self, vocabulary: &Vocabulary) -> Option<u32> {
        let body = self.body.iter().flatten();
        if body.clone().filter(|w| w.is_number()).count() * NUMERIC_ONE_IN < body.count().max(1) {
            return None;
        }
        let words = self.title.iter().filter(|w| !w.is_number()).filter_map(|w| vocabulary.id(w));
        words.max_by(|x, y| vocabulary.idf(*x).total_cmp(&vocabulary.idf(*y)).then(y.cmp(x)))
    }
}

impl<'a> Document<'a> {
    pub(super) fn tokens(&self) -> DocumentTokens<'a> {
        let title = self.title.map(|p| term_tokens(p.text)).unwrap_or_default();
        DocumentTokens { title, body: self.body.iter().map(|p| term_tokens(p.text)).collect() }
    }

    /// Adds the document to the vocabulary, and computes its features by the vocabulary so far.
    pub(super) fn add_to(
        &self,
        vocabulary: &mut Vocabulary,
        tokens: &DocumentTokens<'_>,
        dim: usize,
    ) -> DocumentFeatures {
        let counts = vocabulary.add(tokens.weighted());
        self.weigh(tokens, &counts, vocabulary, dim)
    }

    /// The features of the document by a vocabulary that it is not added to. Unknown words are ignored.
    pub(super) fn features(
        &self,
        tokens: &DocumentTokens<'_>,
        vocabulary: &Vocabulary,
        dim: usize,
    ) -> DocumentFeatures {
        self.weigh(tokens, &vocabulary.count(tokens.weighted()), vocabulary, dim)
    }

    fn weigh(
        &self,
        tokens: &DocumentTokens<'_>,
        counts: &BTreeMap<u32, f32>,
        vocabulary: &Vocabulary,
        dim: usize,
    ) -> DocumentFeatures {
        // The mean of the passages, weighted by the sum of the idf of their words; a passage without known words has a small
        // weight.
        let mut vector = vec![0.0; dim];
        for (i, (part, tokens)) in self.body.iter().zip(&tokens.body).enumerate() {
            let known = tokens.iter().filter_map(|token| vocabulary.id(token));
            let idf = known.map(|id| vocabulary.idf(id)).sum::<f32>().max(1e-6);
            let weight = idf * if i == 0 { LEAD_WEIGHT } else { 1.0 };
            vector.iter_mut().zip(part.vector).for_each(|(sum, x)| *sum += x * weight);
        }
        to_unit(&mut vector);
        // The title has the same weight as all passages together.
        if let Some(title) = self.title {
            vector.iter_mut().zip(title.vector).for_each(|(sum, x)| *sum += x);
            to_unit(&mut vector);
        }
        DocumentFeatures { vector, terms: vocabulary.weigh(counts), subject: tokens.subject(vocabulary) }
    }
}

/// The titles of stories with a body. They are no rows, so they are embedded in addition to the rows.
#[derive(Debug, Clone, Default)]
pub struct Titles {
    /// Distinct and normalized, in the order of their first use.
    pub texts: Vec<String>,
    of_story: Vec<Option<u32>>,
}

impl Titles {
    /// The titles of `corpus`.
    pub fn new(corpus: &Corpus) -> Self {
        let mut titles = Titles::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (story, passages) in corpus.stories.iter().zip(&corpus.passages) {
            let text = normalize(&story.title);
            let title_only = passages.iter().all(|p| p.title);
            titles.of_story.push((!title_only && !text.is_empty()).then(|| {
                *numbers.entry(text).or_insert_with_key(|text| {
                    titles.texts.push(text.clone());
                    titles.texts.len() as u32 - 1
                })
            }));
        }
        titles
    }
}

/// The documents of all stories of `corpus`, in their order. `rows` holds one unit vector per row, `title_vectors` one per
/// text of `titles`. Boilerplate is detected in the corpus, corrected by `list`, and left out.
pub fn documents<'a>(
    corpus: &'a Corpus,
    rows: &'a Matrix,
    titles: &'a Titles,
    title_vectors: &'a Matrix,
    list: &BoilerplateList,
) -> Vec<Document<'a>> {
    let boilerplate = detect_boilerplate(corpus, list);
    let document = |i: usize| {
        let content = corpus.story_rows(StoryId(i as u32)).filter(|r| !boilerplate[r.index()]);
        let body = content.map(|r| EmbeddedText { text: corpus.row_text(r), vector: rows.row(r.index()) });
        let title = titles.of_story[i]
            .map(|t| EmbeddedText { text: &titles.texts[t as usize], vector: title_vectors.row(t as usize) });
        Document {
            published: corpus.stories[i].published,
            title,
            body: body.collect(),
            template_variants: Vec::new(),
        }
    };
    (0..corpus.stories.len()).map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    #[test]
    fn numeric_documents_differ_by_the_subject_of_their_title() {
        let check = |x: (&str, &str), y: (&str, &str), expect: bool| {
            let mut vocabulary = Vocabulary::default();
            let document = |(title, text)| {
                let part = |text| EmbeddedText { text, vector: &[1.0] };
                Document { title: Some(part(title)), body: vec![part(text)], ..Document::default() }
            };
            let [x, y, _] = [x, y, ("Net for the quarter", "Net 1 for the quarter")].map(|story| {
                let document = document(story);
                document.add_to(&mut vocabulary, &document.tokens(), 1)
            });
            assert_eq!((x.differs_in_subject(&y), y.differs_in_subject(&x)), (expect, expect));
        };
        const OF: &str = "Shr 34 cts vs 1.19, net 807,000 vs 2,858,000, revs 5.1 vs 4.7.";
        check(("Ostrel net", OF), ("Norrin net", OF), true);
        check(("Ostrel net", OF), ("Ostrel profit falls", OF), false);
        // One of them names the subject of the other in its body.
        check(
            ("Ostrel net", OF),
            ("Norrin net", "Norrin beat Ostrel, 51 to 49, with 12 of 14 votes."),
            false,
        );
        check(("Ostrel net", OF), ("Norrin net", "The bank said that its profit rose to 5 million."), false);
    }

    #[test]
    fn titles_of_stories_with_a_body_are_embedded_separately() {
        let story =
            |title: &str, text: &str| Story { title: title.into(), text: text.into(), ..Story::default() };
        let corpus = Corpus::new(vec![
            story("One title", "A body."),
            story("Another", ""),
            story("One title", "More."),
        ]);
        let titles = Titles::new(&corpus);
        assert_eq!(titles.texts, ["One title"]);
        assert_eq!(titles.of_story, [Some(0), None, Some(0)]);
    }

    #[test]
    fn title_and_lead_have_more_weight() {
        let axis = |i: usize| (0..3).map(|k| f32::from(u8::from(k == i))).collect::<Vec<f32>>();
        let (x, y, z) = (axis(0), axis(1), axis(2));
        let part = |text, vector| EmbeddedText { text, vector };
        let document = Document {
            title: Some(part("harbour", &x)),
            body: vec![part("berth", &y), part("crane", &z)],
            ..Document::default()
        };
        let DocumentFeatures { vector, terms, .. } =
            document.add_to(&mut Vocabulary::default(), &document.tokens(), 3);
        assert!((vector[0] - (vector[1].powi(2) + vector[2].powi(2)).sqrt()).abs() < 1e-6, "{vector:?}");
        assert!(vector[1] > vector[2], "{vector:?}");
        assert!(terms[0].1 > terms[1].1, "{terms:?}");
    }
}
