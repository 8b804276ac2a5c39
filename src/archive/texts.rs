//! What is to be embedded of new stories: passages and titles that the store does not have.

use std::collections::BTreeSet;

use super::Archive;
use crate::{
    Error, Result,
    store::{Reader, Store},
    story::{Corpus, Row, RowId, Story},
    vector::{Matrix, dot},
};

/// New stories, with the vectors that the store has.
pub(super) struct MissingVectors {
    corpus: Corpus,
    vectors: Matrix,
    unknown: Vec<RowId>,
    titles: TitleRows,
}

/// New stories with the vectors of their rows and titles.
pub(super) struct EmbeddedBatch {
    pub corpus: Corpus,
    pub vectors: Matrix,
    pub titles: TitleRows,
}

/// The titles of stories that have a body beside them.
#[derive(Default)]
pub(super) struct TitleRows {
    /// For each story its title as a row.
    pub of_story: Vec<Option<Row>>,
    /// Those that the store does not have, each once.
    pub unknown: Vec<Row>,
    /// A vector for each of those.
    pub vectors: Matrix,
}

fn titles(reader: Reader<'_>, corpus: &Corpus) -> Result<TitleRows> {
    let mut titles = TitleRows::default();
    let mut met: BTreeSet<[u8; 16]> = corpus.rows.iter().map(|row| row.hash).collect();
    for (story, passages) in corpus.stories.iter().zip(&corpus.passages) {
        let alone = passages.iter().all(|p| p.title);
        let row = if alone { None } else { Row::from_text(&story.title) };
        if let Some(row) = &row
            && met.insert(row.hash)
            && reader.row_number(&row.hash)?.is_none()
        {
            titles.unknown.push(row.clone());
        }
        titles.of_story.push(row);
    }
    Ok(titles)
}

impl MissingVectors {
    pub(super) fn new(store: &Store, stories: Vec<Story>, dim: usize) -> Result<Self> {
        let corpus = Corpus::new(stories);
        let mut vectors = Matrix::zeros(corpus.rows.len(), dim);
        let unknown = store.vectors(&corpus, &mut vectors)?;
        let titles = titles(store.reader(), &corpus)?;
        Ok(MissingVectors { corpus, vectors, unknown, titles })
    }

    /// How many rows the store has.
    pub(super) fn known(&self) -> u64 {
        (self.corpus.rows.len() - self.unknown.len()) as u64
    }

    /// What to embed: rows, then titles.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.unknown.iter().map(|row| &self.corpus.rows[row.index()]).chain(&self.titles.unknown)
    }

    /// Their texts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.rows().map(|row| row.text.as_str()).collect()
    }

    /// The stories with the vectors of [`MissingVectors::texts`]; an error if these are none.
    pub(super) fn embedded(self, of_texts: &Matrix) -> Result<EmbeddedBatch> {
        check(of_texts, self.rows().count(), self.vectors.dim())?;
        let MissingVectors { corpus, mut vectors, unknown, titles } = self;
        for (i, row) in unknown.iter().enumerate() {
            vectors.row_mut(row.index()).copy_from_slice(of_texts.row(i));
        }
        let of_titles = (0..titles.unknown.len()).flat_map(|i| of_texts.row(unknown.len() + i)).copied();
        let titles = TitleRows { vectors: Matrix::from_vec(of_titles.collect(), vectors.dim()), ..titles };
        Ok(EmbeddedBatch { corpus, vectors, titles })
    }
}

/// How far the square of a vector's length may be from 1.
const UNIT: f32 = 1e-2;

/// Whether `vectors` are those of so many texts.
fn check(vectors: &Matrix, texts: usize, dim: usize) -> Result<()> {
    let refuse = |found: String| {
        Err(Error::Model {
            file: "the vectors of texts".into(),
            expected: format!("{texts} of {dim} values, each finite and of unit length"),
            found,
        })
    };
    if vectors.rows() != texts || (texts > 0 && vectors.dim() != dim) {
        return refuse(format!("{} of {} values", vectors.rows(), vectors.dim()));
    }
    // Written so that NaN is refused too.
    let is_unit = |row: &[f32]| (dot(row, row) - 1.0).abs() <= UNIT;
    match (0..texts).find(|i| !is_unit(vectors.row(*i))) {
        Some(i) => refuse(format!(
            "number {i}, the square of whose length is {}",
            dot(vectors.row(i), vectors.row(i))
        )),
        None => Ok(()),
    }
}

impl Archive {
    /// What judging `stories` would embed, each once: the passages and titles that the store does not have.
    pub fn rows_to_embed(&self, stories: Vec<Story>) -> Result<Vec<Row>> {
        Ok(MissingVectors::new(&self.store, stories, self.matcher.dim)?.rows().cloned().collect())
    }
}
