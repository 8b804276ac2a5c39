//! New stories, and which of their passages and titles have no vector in the store yet.

use std::collections::BTreeSet;

use crate::{
    Error, Result,
    store::{Reader, Store},
    story::{Corpus, Row, RowId, Story},
    vector::{Matrix, dot},
};

/// How far the square of a vector's length may be from 1.
const UNIT_TOLERANCE: f32 = 1e-2;

/// New stories with the vectors that the store has.
pub(super) struct MissingVectors {
    corpus: Corpus,
    vectors: Matrix,
    missing: Vec<RowId>,
    titles: TitleRows,
}

/// New stories with the vectors of all their rows and titles.
pub(super) struct EmbeddedStories {
    pub corpus: Corpus,
    /// One row for each row of the corpus.
    pub vectors: Matrix,
    pub titles: TitleRows,
}

/// The titles of stories that also have a body.
#[derive(Default)]
pub(super) struct TitleRows {
    /// For each story its title as a row.
    pub of_story: Vec<Option<Row>>,
    /// Those that neither the store nor the corpus has, each once.
    pub missing: Vec<Row>,
    /// One vector for each of `missing`.
    pub vectors: Matrix,
}

impl TitleRows {
    fn new(reader: Reader<'_>, corpus: &Corpus) -> Result<Self> {
        let mut titles = TitleRows::default();
        let mut seen: BTreeSet<[u8; 16]> = corpus.rows.iter().map(|row| row.hash).collect();
        for (story, passages) in corpus.stories.iter().zip(&corpus.passages) {
            let has_body = passages.iter().any(|p| !p.title);
            let row = if has_body { Row::from_text(&story.title) } else { None };
            if let Some(row) = &row
                && seen.insert(row.hash)
                && reader.row_number(&row.hash)?.is_none()
            {
                titles.missing.push(row.clone());
            }
            titles.of_story.push(row);
        }
        Ok(titles)
    }
}

impl MissingVectors {
    pub(super) fn new(store: &Store, stories: Vec<Story>, dim: usize) -> Result<Self> {
        let corpus = Corpus::new(stories);
        let mut vectors = Matrix::zeros(corpus.rows.len(), dim);
        let missing = store.vectors(&corpus, &mut vectors)?;
        let titles = TitleRows::new(store.reader(), &corpus)?;
        Ok(MissingVectors { corpus, vectors, missing, titles })
    }

    /// How many rows the store has.
    pub(super) fn stored_rows(&self) -> u64 {
        (self.corpus.rows.len() - self.missing.len()) as u64
    }

    /// The rows to embed: passages, then titles.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.missing.iter().map(|row| &self.corpus.rows[row.index()]).chain(&self.titles.missing)
    }

    /// Their texts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.rows().map(|row| row.text.as_str()).collect()
    }

    /// Checks that `embedded` holds a unit vector for each of [`MissingVectors::texts`].
    ///
    /// # Errors
    /// [`Error::Model`] if it does not.
    pub(super) fn check(&self, embedded: &Matrix) -> Result<()> {
        check_vectors(embedded, self.rows().count(), self.vectors.dim())
    }

    /// Completes the stories by the vectors of [`MissingVectors::texts`], one row each.
    ///
    /// # Errors
    /// As [`MissingVectors::check`].
    pub(super) fn complete(self, embedded: &Matrix) -> Result<EmbeddedStories> {
        self.check(embedded)?;
        let MissingVectors { corpus, mut vectors, missing, titles } = self;
        for (i, row) in missing.iter().enumerate() {
            vectors.row_mut(row.index()).copy_from_slice(embedded.row(i));
        }
        let of_titles = (0..titles.missing.len()).flat_map(|i| embedded.row(missing.len() + i)).copied();
        let titles = TitleRows { vectors: Matrix::from_vec(of_titles.collect(), vectors.dim()), ..titles };
        Ok(EmbeddedStories { corpus, vectors, titles })
    }
}

/// Checks that `vectors` holds `texts` unit vectors of `dim` values.
fn check_vectors(vectors: &Matrix, texts: usize, dim: usize) -> Result<()> {
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
    let square = |i: usize| dot(vectors.row(i), vectors.row(i));
    // Written so that NaN is refused.
    let is_unit = |i: &usize| (square(*i) - 1.0).abs() <= UNIT_TOLERANCE;
    match (0..texts).find(|i| !is_unit(i)) {
        Some(i) => refuse(format!("number {i}, the square of whose length is {}", square(i))),
        None => Ok(()),
    }
}
