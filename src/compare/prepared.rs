//! What comparing needs of a corpus, prepared once: tokens, their weights, and a vector for each story.

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use super::{
    CorpusStatistics, CosineBaseline, MeaningScale,
    align::bigrams,
    quotation::presents,
    row_tokens::RowTokens,
    titles::{TitleWords, Titles},
    tokens::{Token, TokenKind, is_function, tokens},
    word_counts::WordCounts,
};
use crate::{
    Result,
    boilerplate::{BoilerplateList, detect_boilerplate},
    corpus::Language,
    story::{Corpus, RowId, StoryId},
    vector::{Matrix, normalize},
};

/// Stories that have a name, from which it is no misspelling: a copy, its twin and one story more …
const KNOWN_NAME_STORIES: u32 = 3;

/// … and the letters up to which another letter makes another name ("Iran", "Iraq"). Longer ones are spelled in several
/// ways ("Zelensky", "Zelenskiy").
const SHORT_NAME: usize = 6;

/// Letters that two forms of a word begin with, at least.
const MIN_STEM: usize = 4;

/// A corpus prepared for comparing. It depends on the stories, their vectors and the known boilerplate, and on no threshold.
pub struct PreparedCorpus {
    pub(super) vocabulary: Vec<Token>,
    pub(super) weights: Vec<f32>,
    /// Whether a token is a short name that several stories have.
    pub(super) is_known_name: Vec<bool>,
    pub(super) boilerplate: Vec<bool>,
    pub(super) stories: Vec<PreparedStory>,
    /// For each token, the number of stories that have it.
    pub(super) stories_with: Vec<u32>,
    /// The number of stories that the tokens were counted in.
    pub(super) story_count: u32,
    pub(super) titles: Titles,
    /// One unit vector a row.
    pub(super) vectors: Arc<Matrix>,
}

/// A story prepared for comparing.
pub(super) struct PreparedStory {
    /// Its tokens without boilerplate.
    pub ids: Vec<u32>,
    /// For each token the passage that it is in.
    pub passage: Vec<u32>,
    /// For each token, whether it is quoted: see [`super::quotation`].
    pub quoted: Vec<bool>,
    /// Its rows without boilerplate, each with the weight of its tokens.
    pub rows: Vec<(RowId, f32)>,
    /// See [`bigrams`].
    pub bigrams: Vec<(u32, u32, u32)>,
    /// Distinct tokens, sorted.
    pub distinct: Vec<u32>,
    /// Distinct tokens of the title, sorted.
    pub title: Vec<u32>,
    /// The share of the title's informative words that the text has.
    pub title_coverage: Option<f32>,
    /// The weight of all its tokens.
    pub weight: f32,
    /// Its language, if it can be told: detected when it is asked for, as most stories are never asked.
    language: OnceLock<Option<Language>>,
    /// The mean of its rows' vectors by the weight of their tokens, of unit length.
    pub vector: Vec<f32>,
}

impl PreparedCorpus {
    /// Prepares the stories of `corpus`; `vectors` holds one unit vector for each of its rows, `known` what is known to be
    /// boilerplate or not to be.
    pub fn new(corpus: &Corpus, vectors: impl Into<Arc<Matrix>>, known: &BoilerplateList) -> Self {
        let boilerplate = detect_boilerplate(corpus, known);
        let rows: Vec<RowTokens> = corpus.rows.par_iter().map(|row| RowTokens::new(&row.text)).collect();
        let titles = title_tokens(corpus);
        let words = WordCounts::new(corpus, &rows, &titles, &boilerplate);
        let titles = TitleWords::new(&titles);
        Self::prepare(corpus, vectors.into(), words, &rows, titles, boilerplate)
    }

    /// As [`PreparedCorpus::new`], for a few stories out of many, with what is known of the many.
    ///
    /// # Errors
    /// If the document frequencies cannot be read.
    pub fn with_statistics(
        corpus: &Corpus,
        vectors: impl Into<Arc<Matrix>>,
        statistics: CorpusStatistics<'_>,
    ) -> Result<Self> {
        let CorpusStatistics { boilerplate, frequencies, tokens: cache } = statistics;
        let rows: Vec<_> =
            corpus.rows.iter().map(|row| cache.get(&row.hash, || RowTokens::new(&row.text))).collect();
        let titles = title_tokens(corpus);
        let mut words = WordCounts::new(corpus, &rows, &titles, &boilerplate);
        words.replace(frequencies)?;
        let mut titles = TitleWords::new(&titles);
        titles.replace(frequencies)?;
        Ok(Self::prepare(corpus, vectors.into(), words, &rows, titles, boilerplate))
    }

    fn prepare<R: Borrow<RowTokens> + Sync>(
        corpus: &Corpus,
        vectors: Arc<Matrix>,
        mut words: WordCounts,
        rows: &[R],
        titles: TitleWords<'_>,
        boilerplate: Vec<bool>,
    ) -> Self {
        words.settle_kinds();
        let weights = words.weights();
        let is_known_name = |(token, stories): (&Token, &u32)| {
            token.kind == TokenKind::Name
                && *stories >= KNOWN_NAME_STORIES
                && token.text.chars().count() <= SHORT_NAME
        };
        let is_known_name = words.vocabulary.iter().zip(&words.stories_with).map(is_known_name).collect();
        let stories = (0..corpus.stories.len()).into_par_iter().map(|i| {
            let of_story =
                corpus.story_rows(StoryId(i as u32)).enumerate().filter(|(_, r)| !boilerplate[r.index()]);
            // A passage behind a colon is what somebody says.
            let mut is_presented = false;
            let passages = of_story.map(|(at, row)| PreparedPassage {
                at: at as u32,
                row,
                tokens: &words.rows[row.index()],
                quoted: &rows[row.index()].borrow().quoted,
                is_presented: std::mem::replace(&mut is_presented, presents(corpus.row_text(row))),
                vector: vectors.row(row.index()),
            });
            let mut story = PreparedStory::new(passages, &weights, vectors.dim());
            story.title.clone_from(&words.titles[i]);
            story.title_coverage = title_coverage(&story, &words.vocabulary);
            story
        });
        PreparedCorpus {
            stories: stories.collect(),
            weights,
            is_known_name,
            boilerplate,
            stories_with: words.stories_with,
            story_count: words.stories,
            titles: titles.weigh(),
            vectors,
            vocabulary: words.vocabulary,
        }
    }

    /// The similarities of unrelated passages of `corpus`, which it was made from.
    pub fn meaning_scale(&self, corpus: &Corpus) -> MeaningScale {
        MeaningScale::measure(corpus, &self.vectors)
    }

    /// How many stories of `corpus`, which it was made from, are in languages that a model of this scale does not read, by
    /// language.
    pub fn unread_languages(&self, corpus: &Corpus, scale: &MeaningScale) -> BTreeMap<Language, usize> {
        if scale.languages.is_empty() {
            return BTreeMap::new();
        }
        let stories = self.stories.par_iter().zip(&corpus.stories);
        let languages: Vec<Option<Language>> =
            stories.map(|(prepared, story)| prepared.language(&story.text)).collect();
        let mut unread = BTreeMap::new();
        for language in languages.into_iter().filter(|l| !scale.reads(*l)).flatten() {
            *unread.entry(language).or_default() += 1;
        }
        unread
    }

    /// The cosines of stories that are not related.
    pub fn cosine_baseline(&self) -> CosineBaseline {
        let dim = self.stories.first().map_or(1, |s| s.vector.len().max(1));
        let vectors = self.stories.iter().flat_map(|s| s.vector.iter().copied()).collect();
        CosineBaseline::measure(&Matrix::from_vec(vectors, dim))
    }
}

/// A passage of a story that is being prepared.
struct PreparedPassage<'r> {
    /// Its place in the story.
    at: u32,
    row: RowId,
    tokens: &'r [u32],
    quoted: &'r [bool],
    /// Whether the passage before it presents it as a statement.
    is_presented: bool,
    vector: &'r [f32],
}

impl PreparedStory {
    /// Its language, of which `text` is the text.
    pub fn language(&self, text: &str) -> Option<Language> {
        *self.language.get_or_init(|| Language::detect(text))
    }

    /// A story without a title, of its passages but for boilerplate.
    fn new<'r>(passages: impl Iterator<Item = PreparedPassage<'r>>, weights: &[f32], dim: usize) -> Self {
        let (mut ids, mut passage, mut quoted) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = Vec::new();
        let mut vector = vec![0.0; dim];
        for p in passages {
            ids.extend_from_slice(p.tokens);
            passage.extend(std::iter::repeat_n(p.at, p.tokens.len()));
            quoted.extend(p.quoted.iter().map(|is_quoted| *is_quoted || p.is_presented));
            let informative: f32 = p.tokens.iter().map(|id| weights[*id as usize]).sum();
            rows.push((p.row, informative));
            vector.iter_mut().zip(p.vector).for_each(|(sum, x)| *sum += x * informative);
        }
        normalize(&mut vector);
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        PreparedStory {
            weight: ids.iter().map(|id| weights[*id as usize]).sum(),
            bigrams: bigrams(&ids),
            ids,
            passage,
            quoted,
            rows,
            distinct,
            title: Vec::new(),
            title_coverage: None,
            language: OnceLock::new(),
            vector,
        }
    }
}

/// The tokens of each story's title.
fn title_tokens(corpus: &Corpus) -> Vec<Vec<Token>> {
    corpus.stories.iter().map(|story| tokens(&story.title)).collect()
}

/// The share of the informative words of a story's title that its text has, in some form; `None` without such words.
fn title_coverage(story: &PreparedStory, vocabulary: &[Token]) -> Option<f32> {
    let text = |id: &u32| vocabulary[*id as usize].text.as_str();
    let informative: Vec<&u32> = story.title.iter().filter(|id| !is_function(text(id))).collect();
    let is_covered = |id: &&&u32| {
        let is_same = story.distinct.binary_search(id).is_ok();
        let is_number = vocabulary[***id as usize].kind == TokenKind::Number;
        is_same || (!is_number && story.distinct.iter().any(|own| are_forms(text(id), text(own))))
    };
    let covered = informative.iter().filter(is_covered).count() as f32 / informative.len() as f32;
    (!informative.is_empty()).then_some(covered)
}

/// Whether one of two words begins with all of the other.
pub(super) fn are_forms(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.chars().nth(MIN_STEM - 1).is_some() && long.starts_with(short)
}
