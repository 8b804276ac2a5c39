//! A model on a device: texts to vectors.
//!
//! An [`Embedder`] holds a model, the encoder that runs it, and how both were chosen. It is what the façades
//! ([`Deduplicator`](crate::Deduplicator), [`Linker`](crate::Linker), `Archive`) share.

mod device_choice;
mod prefetch;

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

#[cfg(feature = "store")]
use crate::store::Store;
use crate::{
    Error, Result,
    device::Isa,
    embed::{EmbedStats, Embeddings, Encoder, embed_texts},
    error::Setting,
    model::Model,
    progress::Progress,
    search::SearchOptions,
    story::{Corpus, RowId},
    vector::Matrix,
};

pub use device_choice::DeviceChoice;
pub use prefetch::EmbeddingPrefetch;

use device_choice::Chosen;

/// Vectors that need not be computed again, such as those of a store.
pub trait VectorSource {
    /// Copies the known vectors of `corpus` into `vectors`, which has one row for each row of the corpus. Returns the
    /// rows that have no known vector, in ascending order.
    ///
    /// # Errors
    /// If the source cannot be read.
    fn copy_known(&self, corpus: &Corpus, vectors: &mut Matrix) -> Result<Vec<RowId>>;
}

#[cfg(feature = "store")]
impl VectorSource for Store {
    fn copy_known(&self, corpus: &Corpus, vectors: &mut Matrix) -> Result<Vec<RowId>> {
        self.vectors(corpus, vectors)
    }
}

/// A model with an encoder on a device.
pub struct Embedder {
    model: Model,
    encoder: Box<dyn Encoder>,
    /// The instruction set of what runs on the CPU: the encoder, unless it runs on a GPU, and the search.
    isa: Isa,
    chosen: Chosen,
    threads: Option<Arc<ThreadPool>>,
}

/// Settings of an [`Embedder`]; see [`Embedder::builder`].
#[derive(Default)]
#[must_use]
pub struct EmbedderBuilder {
    device: DeviceChoice,
    isa: Option<Isa>,
    threads: Option<usize>,
}

impl Embedder {
    /// `model` on the best device that this build and machine have, on the threads of the caller.
    ///
    /// # Errors
    /// As [`EmbedderBuilder::build`].
    pub fn new(model: Model) -> Result<Self> {
        Self::builder().build(model)
    }

    /// An embedder with settings.
    pub fn builder() -> EmbedderBuilder {
        EmbedderBuilder::default()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The encoder that runs the model.
    pub fn encoder(&self) -> &dyn Encoder {
        &*self.encoder
    }

    /// The instruction set of what runs on the CPU.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Device, instruction set and precision, with the reason where [`DeviceChoice::Auto`] chose it.
    pub fn describe_device(&self) -> String {
        match &self.chosen.reason {
            Some(reason) => format!("{} ({reason})", self.encoder.describe()),
            None => self.encoder.describe(),
        }
    }

    /// Why [`DeviceChoice::Auto`] did not take GPUs that this build has a backend for; empty if it was not asked.
    pub fn rejected_gpus(&self) -> &[Error] {
        &self.chosen.rejected
    }

    /// How many threads it computes on.
    pub fn threads(&self) -> usize {
        self.threads.as_ref().map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads())
    }

    /// The default settings of a search on the same device.
    pub fn search_options(&self) -> SearchOptions {
        SearchOptions { isa: self.isa, tensors: self.chosen.tensor_search(), ..SearchOptions::default() }
    }

    /// The vectors of `texts`: one unit vector each, in their order.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` cancels; [`Error::Compute`], [`Error::OutOfMemory`] or [`Error::Model`] if the
    /// encoder fails or gives what is not finite.
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T], progress: &dyn Progress) -> Result<Embeddings> {
        self.install(|| embed_texts(&self.model, &*self.encoder, texts, progress))
    }

    /// The vectors of the rows of `corpus`, one each, in their order. Those that `known` has are taken from there.
    ///
    /// # Errors
    /// As [`Embedder::embed`], and if `known` cannot be read.
    pub fn embed_corpus(
        &self,
        corpus: &Corpus,
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Result<Embeddings> {
        let Some(known) = known else {
            let texts: Vec<&str> = corpus.rows.iter().map(|row| row.text.as_str()).collect();
            return self.embed(&texts, progress);
        };
        let mut vectors = Matrix::zeros(corpus.rows.len(), self.encoder.dim());
        let unknown = known.copy_known(corpus, &mut vectors)?;
        let embed_stats = self.embed_rows(corpus, &unknown, &mut vectors, progress)?;
        let cached_texts = (corpus.rows.len() - unknown.len()) as u64;
        Ok(Embeddings { vectors, stats: EmbedStats { cached_texts, ..embed_stats } })
    }

    /// Writes the vectors of `rows` of `corpus` to their places in `vectors`.
    pub(crate) fn embed_rows(
        &self,
        corpus: &Corpus,
        rows: &[RowId],
        vectors: &mut Matrix,
        progress: &dyn Progress,
    ) -> Result<EmbedStats> {
        let texts: Vec<&str> = rows.iter().map(|row| corpus.row_text(*row)).collect();
        let embedded = self.embed(&texts, progress)?;
        for (i, row) in rows.iter().enumerate() {
            vectors.row_mut(row.index()).copy_from_slice(embedded.vectors.row(i));
        }
        Ok(embedded.stats)
    }

    /// Runs `compute` on the threads of this embedder.
    pub fn install<T: Send>(&self, compute: impl FnOnce() -> T + Send) -> T {
        match &self.threads {
            Some(pool) => pool.install(compute),
            None => compute(),
        }
    }
}

impl EmbedderBuilder {
    /// What computes. By default the GPU that this build and machine have, else the CPU.
    pub fn device(self, device: DeviceChoice) -> Self {
        EmbedderBuilder { device, ..self }
    }

    /// The instruction set of the CPU. By default the fastest that the processor has.
    pub fn isa(self, isa: Isa) -> Self {
        EmbedderBuilder { isa: Some(isa), ..self }
    }

    /// A number of threads of its own, at least 1. By default those of the caller: the pool that it runs in, or rayon's
    /// global one.
    pub fn threads(self, threads: usize) -> Self {
        EmbedderBuilder { threads: Some(threads), ..self }
    }

    /// Loads `model` onto the device.
    ///
    /// # Errors
    /// [`Error::Device`] if a GPU that was asked for is not available, [`Error::Setting`] if the model's precision does not
    /// suit the device or the threads cannot be started, [`Error::Model`] if the weights do not fit the configuration.
    pub fn build(self, model: Model) -> Result<Embedder> {
        let start = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(|e| Error::Setting { setting: Setting::Threads, message: e.to_string() })
        };
        let threads = self.threads.map(start).transpose()?.map(Arc::new);
        let isa = self.isa.unwrap_or_else(Isa::detect);
        let (encoder, chosen) = self.device.open(&model, isa)?;
        Ok(Embedder { model, encoder, isa, chosen, threads })
    }
}
