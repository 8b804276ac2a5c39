//! Texts that are embedded together before they are needed one by one.

use std::collections::HashMap;

use super::{Embedder, VectorSource};
use crate::{
    Result,
    embed::{EmbedStats, Embeddings},
    progress::Progress,
    story::{Corpus, Row},
    vector::Matrix,
};

/// The vectors of texts that were embedded ahead of use, each once.
#[derive(Default)]
pub struct EmbeddingPrefetch {
    places: HashMap<String, usize>,
    vectors: Matrix,
}

impl EmbeddingPrefetch {
    /// Embeds the texts of `rows` in one batch, but for those whose vectors `known` has.
    ///
    /// # Errors
    /// As [`Embedder::embed_corpus`].
    pub fn new(
        embedder: &Embedder,
        rows: impl IntoIterator<Item = Row>,
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let (mut corpus, mut places) = (Corpus::default(), HashMap::new());
        for row in rows {
            places.entry(row.text.clone()).or_insert_with(|| {
                corpus.rows.push(row);
                corpus.rows.len() - 1
            });
        }
        Ok(EmbeddingPrefetch { places, vectors: embedder.embed_corpus(&corpus, known, progress)?.vectors })
    }

    /// The vectors of `texts`, one each; `None` if one of them was not prefetched, or nothing was.
    pub fn vectors<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Option<Matrix> {
        if self.places.is_empty() {
            return None;
        }
        let mut values = Vec::new();
        for text in texts {
            values.extend_from_slice(self.vectors.row(*self.places.get(text)?));
        }
        Some(Matrix::from_vec(values, self.vectors.dim()))
    }

    /// The vectors of `texts`; where one was not prefetched, all are embedded now and counted.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed(&self, embedder: &Embedder, texts: &[&str], progress: &dyn Progress) -> Result<Embeddings> {
        match self.vectors(texts.iter().copied()) {
            Some(vectors) => Ok(Embeddings { vectors, stats: EmbedStats::default() }),
            None => embedder.embed(texts, progress),
        }
    }
}
