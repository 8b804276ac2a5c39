//! A story as links see it: one builder for everything that is compared, stories and queries alike.

use std::collections::{BTreeMap, HashMap};

use super::terms::{Vocabulary, Weights, Word, words};
use crate::{
    boilerplate::{BoilerplateList, detect_boilerplate},
    corpus::normalize,
    story::{Corpus, StoryId},
    vector::{Matrix, normalize as to_unit},
};

/// The first passage weighs as much as so many others of its kind; a term of the title counts as often.
const LEAD: f32 = 2.0;

/// A text with its vector.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedText<'a> {
    /// Normalized.
    pub text: &'a str,
    /// Of unit length.
    pub vector: &'a [f32],
}

/// What is read of a story: its title and its passages, without boilerplate.
#[derive(Debug, Clone, Default)]
pub struct Document<'a> {
    /// When it was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
    /// Its title, if it has a body beside it.
    pub title: Option<EmbeddedText<'a>>,
    /// Its passages, in the order of the text.
    pub body: Vec<EmbeddedText<'a>>,
    /// Earlier stories that it is never linked to, by their place among those that the linker took, ascending.
    pub template_variants: Vec<u32>,
}

/// Of so many words one that is a number makes a text one of figures: a table, a result, a price.
const FIGURES_ONE_IN: usize = 4;

/// A story's vector and its weighed terms, both of unit length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub vector: Vec<f32>,
    pub terms: Weights,
    /// Of a story of figures the most telling word of its title.
    pub subject: Option<u32>,
}

impl Profile {
    /// Whether two stories of figures, which have the words of their kind in common, are on two subjects.
    pub(super) fn is_of_another_subject(&self, other: &Profile) -> bool {
        let (Some(own), Some(theirs)) = (self.subject, other.subject) else { return false };
        let has = |of: &Profile, term: u32| of.terms.binary_search_by_key(&term, |t| t.0).is_ok();
        !has(other, own) && !has(self, theirs)
    }
}

/// The words of a story's title and passages.
pub(super) struct Words<'t> {
    title: Vec<Word<'t>>,
    body: Vec<Vec<Word<'t>>>,
}

impl<'t> Words<'t> {
    /// Each word with the times that it counts.
    fn counted(&self) -> impl Iterator<Item = (&Word<'t>, f32)> {
        let title = self.title.iter().map(|w| (w, LEAD));
        title.chain(self.body.iter().flatten().map(|w| (w, 1.0)))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Word<'t>> {
        self.title.iter().chain(self.body.iter().flatten())
    }

    /// The most telling word of the title of a story of figures: its body says what others of its kind say.
    fn subject(&self, vocabulary: &Vocabulary) -> Option<u32> {
        let body = self.body.iter().flatten();
        if body.clone().filter(|w| w.is_number()).count() * FIGURES_ONE_IN < body.count().max(1) {
            return None;
        }
        let words = self.title.iter().filter(|w| !w.is_number()).filter_map(|w| vocabulary.id(w));
        words.max_by(|x, y| vocabulary.weight(*x).total_cmp(&vocabulary.weight(*y)).then(y.cmp(x)))
    }
}

impl<'a> Document<'a> {
    pub(super) fn words(&self) -> Words<'a> {
        let title = self.title.map(|p| words(p.text)).unwrap_or_default();
        Words { title, body: self.body.iter().map(|p| words(p.text)).collect() }
    }

    /// Adds the story to the vocabulary, and weighs it by what is known by then.
    pub(super) fn learn(&self, words: &Words<'_>, vocabulary: &mut Vocabulary, dim: usize) -> Profile {
        let counts = vocabulary.learn(words.counted());
        self.weigh(words, &counts, vocabulary, dim)
    }

    /// Weighs the story by what is known; words that no story had say nothing.
    pub(super) fn profile(&self, words: &Words<'_>, vocabulary: &Vocabulary, dim: usize) -> Profile {
        self.weigh(words, &vocabulary.count(words.counted()), vocabulary, dim)
    }

    fn weigh(
        &self,
        words: &Words<'_>,
        counts: &BTreeMap<u32, f32>,
        vocabulary: &Vocabulary,
        dim: usize,
    ) -> Profile {
        // Passages are pooled by how much their words say; a passage of unknown words still says a little.
        let mut vector = vec![0.0; dim];
        for (i, (part, words)) in self.body.iter().zip(&words.body).enumerate() {
            let known = words.iter().filter_map(|w| vocabulary.id(w));
            let said = known.map(|id| vocabulary.weight(id)).sum::<f32>().max(1e-6);
            let weight = said * if i == 0 { LEAD } else { 1.0 };
            vector.iter_mut().zip(part.vector).for_each(|(sum, x)| *sum += x * weight);
        }
        to_unit(&mut vector);
        // The title weighs as much as all passages together.
        if let Some(title) = self.title {
            vector.iter_mut().zip(title.vector).for_each(|(sum, x)| *sum += x);
            to_unit(&mut vector);
        }
        Profile { vector, terms: vocabulary.weigh(counts), subject: words.subject(vocabulary) }
    }
}

impl Vocabulary {
    /// Takes one more story's words.
    pub(super) fn add(&mut self, words: &Words<'_>) {
        self.learn(words.counted());
    }
}

/// The titles of stories with a body: they have no row, so they are embedded beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Titles {
    /// Distinct and normalized, in the order of their first use.
    pub texts: Vec<String>,
    of_story: Vec<Option<u32>>,
}

impl Titles {
    /// Those of `corpus`.
    pub fn new(corpus: &Corpus) -> Self {
        let mut titles = Titles::default();
        let mut known: HashMap<String, u32> = HashMap::new();
        for (story, passages) in corpus.stories.iter().zip(&corpus.passages) {
            let text = normalize(&story.title);
            let alone = passages.iter().all(|p| p.title);
            titles.of_story.push((!alone && !text.is_empty()).then(|| {
                *known.entry(text).or_insert_with_key(|text| {
                    titles.texts.push(text.clone());
                    titles.texts.len() as u32 - 1
                })
            }));
        }
        titles
    }
}

/// The documents of all stories of `corpus`. `rows` has one vector a row, `title_vectors` one a text of `titles`.
pub fn documents<'a>(
    corpus: &'a Corpus,
    rows: &'a Matrix,
    titles: &'a Titles,
    title_vectors: &'a Matrix,
    known: &BoilerplateList,
) -> Vec<Document<'a>> {
    let boilerplate = detect_boilerplate(corpus, known);
    let reading = |i: usize| {
        let told = corpus.story_rows(StoryId(i as u32)).filter(|r| !boilerplate[r.index()]);
        let body = told.map(|r| EmbeddedText { text: corpus.row_text(r), vector: rows.row(r.index()) });
        let title = titles.of_story[i]
            .map(|t| EmbeddedText { text: &titles.texts[t as usize], vector: title_vectors.row(t as usize) });
        Document {
            published: corpus.stories[i].published,
            title,
            body: body.collect(),
            template_variants: Vec::new(),
        }
    };
    (0..corpus.stories.len()).map(reading).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    #[test]
    fn stories_of_figures_are_on_the_subject_of_their_title() {
        let check = |x: (&str, &str), y: (&str, &str), expect: bool| {
            let mut vocabulary = Vocabulary::default();
            let read = |(title, text)| {
                let part = |text| EmbeddedText { text, vector: &[1.0] };
                Document { title: Some(part(title)), body: vec![part(text)], ..Document::default() }
            };
            let [x, y, _] = [x, y, ("Net for the quarter", "Net 1 for the quarter")].map(|story| {
                let reading = read(story);
                reading.learn(&reading.words(), &mut vocabulary, 1)
            });
            assert_eq!((x.is_of_another_subject(&y), y.is_of_another_subject(&x)), (expect, expect));
        };
        const OF: &str = "Shr 34 cts vs 1.19, net 807,000 vs 2,858,000, revs 5.1 vs 4.7.";
        check(("Ostrel net", OF), ("Norrin net", OF), true);
        check(("Ostrel net", OF), ("Ostrel profit falls", OF), false);
        // One of them says what the figures are of.
        check(
            ("Ostrel net", OF),
            ("Norrin net", "Norrin beat Ostrel, 51 to 49, with 12 of 14 votes."),
            false,
        );
        check(("Ostrel net", OF), ("Norrin net", "The bank said that its profit rose to 5 million."), false);
    }

    #[test]
    fn a_title_alone_is_a_passage_and_one_beside_a_body_is_not() {
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
    fn the_title_weighs_as_much_as_the_body_and_the_lead_more_than_the_rest() {
        let axis = |i: usize| (0..3).map(|k| f32::from(u8::from(k == i))).collect::<Vec<f32>>();
        let (x, y, z) = (axis(0), axis(1), axis(2));
        let part = |text, vector| EmbeddedText { text, vector };
        let reading = Document {
            title: Some(part("harbour", &x)),
            body: vec![part("berth", &y), part("crane", &z)],
            ..Document::default()
        };
        let Profile { vector, terms, .. } = reading.learn(&reading.words(), &mut Vocabulary::default(), 3);
        assert!((vector[0] - (vector[1].powi(2) + vector[2].powi(2)).sqrt()).abs() < 1e-6, "{vector:?}");
        assert!(vector[1] > vector[2], "{vector:?}");
        assert!(terms[0].1 > terms[1].1, "{terms:?}");
    }
}
