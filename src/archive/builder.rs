//! Settings of an archive, and the ways to open it.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{Archive, ArchiveOptions, matcher::Matcher, text_embedder::TextEmbedder};
use crate::{
    Error, Result,
    compare::MeaningScale,
    embed::Embeddings,
    embedder::Embedder,
    progress::NoProgress,
    store::{Identity, Store},
};

/// Settings of an [`Archive`]; see [`Archive::builder`].
#[derive(Default)]
#[must_use]
pub struct ArchiveBuilder {
    options: ArchiveOptions,
    embedder: Option<TextEmbedder>,
}

impl ArchiveBuilder {
    /// How stories are compared and grouped.
    pub fn options(self, options: ArchiveOptions) -> Self {
        ArchiveBuilder { options, ..self }
    }

    /// The model on its device that embeds new stories, and searches on the same device.
    pub fn embedder(mut self, embedder: Arc<Embedder>) -> Self {
        self.options.search = embedder.search_options();
        let identity = Identity::of(embedder.model());
        self.embed_with(identity, move |texts| embedder.embed(texts, &NoProgress))
    }

    /// A function that embeds new stories, in place of [`ArchiveBuilder::embedder`]: one vector for each text, in their
    /// order, of [`Identity::dim`] finite values and of unit length. Others are refused, and nothing is changed then.
    pub fn embed_with(
        self,
        identity: Identity,
        embed: impl Fn(&[&str]) -> Result<Embeddings> + Send + 'static,
    ) -> Self {
        let embedder = TextEmbedder { identity, embed: Box::new(embed), prefetched: HashMap::new() };
        ArchiveBuilder { embedder: Some(embedder), ..self }
    }

    /// Opens the archive in `folder` for reading.
    ///
    /// # Errors
    /// [`Error::Store`] if there is none, it cannot be read, or its vectors are of another model.
    pub fn open(self, folder: &Path) -> Result<Archive> {
        self.build(Store::open(folder)?)
    }

    /// Opens the archive in `folder` for writing.
    ///
    /// # Errors
    /// As [`ArchiveBuilder::open`], and [`Error::StoreBusy`] if another process has it open for writing.
    pub fn open_to_write(self, folder: &Path) -> Result<Archive> {
        self.build(Store::open_to_write(folder)?)
    }

    /// Opens the archive in `folder` for writing; creates one if there is none.
    ///
    /// # Errors
    /// As [`ArchiveBuilder::open_to_write`], and [`Error::NoModel`] without an embedder.
    pub fn open_or_create(self, folder: &Path) -> Result<Archive> {
        let identity = &self.embedder.as_ref().ok_or(Error::NoModel)?.identity;
        let store = Store::open_or_create(folder, identity)?;
        self.build(store)
    }

    /// An archive of a store that is open already.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read, or its vectors are of another model.
    pub fn build(mut self, store: Store) -> Result<Archive> {
        if let Some(embedder) = &self.embedder {
            store.check_identity(&embedder.identity)?;
        }
        // Of another model the few stories of a comparison do not show what its cosines mean: no rewrites then.
        let scale = MeaningScale::of_model(&store.identity().model);
        self.options.compare.scale = scale.unwrap_or(MeaningScale::UNKNOWN);
        let matcher = Matcher::open(&store, self.options)?;
        Ok(Archive { store, matcher, embedder: self.embedder, run: None })
    }
}
