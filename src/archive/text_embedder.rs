//! What embeds the texts of new stories, and the vectors that were computed ahead of use.

use std::collections::HashMap;

use super::{Archive, missing_vectors::MissingVectors};
use crate::{
    Error, Result,
    embed::{EmbedStats, Embeddings},
    store::Identity,
    story::Story,
    vector::Matrix,
};

/// Turns texts into one unit vector each.
type Embed = dyn Fn(&[&str]) -> Result<Embeddings> + Send;

/// Embeds texts by one model.
pub(super) struct TextEmbedder {
    pub identity: Identity,
    pub embed: Box<Embed>,
    /// Vectors by text.
    pub prefetched: HashMap<String, Vec<f32>>,
}

impl TextEmbedder {
    /// The vectors of `texts`. If one of them was not prefetched, all are computed now, and counted.
    pub fn embed(&self, texts: &[&str]) -> Result<Embeddings> {
        self.prefetched_vectors(texts).map_or_else(
            || (self.embed)(texts),
            |vectors| Ok(Embeddings { vectors, stats: EmbedStats::default() }),
        )
    }

    fn prefetched_vectors(&self, texts: &[&str]) -> Option<Matrix> {
        if self.prefetched.is_empty() {
            return None;
        }
        let mut values = Vec::new();
        for text in texts {
            values.extend_from_slice(self.prefetched.get(*text)?);
        }
        Some(Matrix::from_vec(values, self.identity.dim))
    }
}

impl Archive {
    /// Embeds the passages and titles of `stories` at once, for calls that check or add these stories one by one. Each
    /// call replaces the vectors of the one before.
    ///
    /// # Errors
    /// [`Error::NoModel`] without an embedder, [`Error::Store`] if the store cannot be read, and the errors of embedding;
    /// nothing is prefetched then.
    pub fn prefetch(&mut self, stories: Vec<Story>) -> Result<()> {
        let Archive { store, matcher, embedder, .. } = self;
        let embedder = embedder.as_mut().ok_or(Error::NoModel)?;
        embedder.prefetched.clear();
        let missing = MissingVectors::new(store, stories, matcher.dim)?;
        let texts = missing.texts();
        let vectors = (embedder.embed)(&texts)?.vectors;
        missing.check(&vectors)?;
        let prefetched =
            texts.iter().enumerate().map(|(i, text)| (text.to_string(), vectors.row(i).to_vec()));
        embedder.prefetched = prefetched.collect();
        Ok(())
    }
}
