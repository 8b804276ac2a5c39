//! The model and the encoder that a command runs with.

use std::{env, path::PathBuf};

use samestory::{
    Error, Result,
    device::{Gpu, Isa, NameError},
    embed::{EmbedStats, Embeddings, Encoder, embed_texts},
    error::{DeviceFault, Setting},
    link::Titles,
    model::Model,
    progress::Progress,
    search::{SearchOptions, TensorSearch},
    store::Store,
    story::{Corpus, Row},
    vector::Matrix,
};

use super::{
    args::Compute,
    bars::Hears,
    device::{self, Chosen},
};

/// A loaded model on its device.
pub struct Engine {
    pub model: Model,
    pub encoder: Box<dyn Encoder>,
    pub isa: Isa,
    /// The GPU that the encoder runs on.
    pub gpu: Option<Gpu>,
    /// Why `auto` took the device.
    why: Option<String>,
    pub threads: usize,
    /// Vectors that it holds are not computed again.
    pub store: Option<Store>,
}

impl Engine {
    /// Loads what the options ask for and sets the number of threads.
    pub fn new(args: &Compute) -> Result<Self> {
        let threads = set_threads(args.threads)?;
        let model = open_model(args.model.as_deref())?.with_precision(args.precision);
        let isa = isa_from_env()?;
        let Chosen { encoder, gpu, why } = device::choose(args.device, &model, isa)?;
        Ok(Engine { model, encoder, isa, gpu, why, threads, store: None })
    }

    /// The settings of a search on the same device.
    pub fn search(&self) -> SearchOptions {
        let tensors = self.gpu.as_ref().map(TensorSearch::on_gpu);
        SearchOptions { isa: self.isa, tensors, ..SearchOptions::default() }
    }

    /// What computes, and why it was taken where `auto` took it.
    pub fn device(&self) -> String {
        match &self.why {
            Some(why) => format!("{} ({why})", self.encoder.describe()),
            None => self.encoder.describe(),
        }
    }

    /// The vectors of all rows of `corpus`: those that the store has from there.
    pub fn embed(&self, corpus: &Corpus, progress: &dyn Progress) -> Result<Embeddings> {
        let Some(store) = &self.store else {
            let texts: Vec<&str> = corpus.rows.iter().map(|r| r.text.as_str()).collect();
            return self.embed_texts(&texts, progress);
        };
        let mut vectors = Matrix::zeros(corpus.rows.len(), self.encoder.dim());
        let unknown = store.vectors(corpus, &mut vectors)?;
        let texts: Vec<&str> = unknown.iter().map(|row| corpus.row_text(*row)).collect();
        let embedded = self.embed_texts(&texts, progress)?;
        for (i, row) in unknown.iter().enumerate() {
            vectors.row_mut(row.index()).copy_from_slice(embedded.vectors.row(i));
        }
        let cached_texts = (corpus.rows.len() - unknown.len()) as u64;
        Ok(Embeddings { vectors, stats: EmbedStats { cached_texts, ..embedded.stats } })
    }

    /// The vectors of titles, which are rows of a store as passages are.
    pub fn embed_titles(&self, titles: &Titles, progress: &dyn Progress) -> Result<Matrix> {
        Ok(self.embed(&title_rows(titles), progress)?.vectors)
    }

    /// As archives ask for it.
    pub fn embed_for_archive(&self, texts: &[&str]) -> Result<(Matrix, EmbedStats)> {
        self.embed_texts(texts, &Hears).map(|embedded| (embedded.vectors, embedded.stats))
    }

    /// The vectors of `texts`.
    pub fn embed_texts<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        progress: &dyn Progress,
    ) -> Result<Embeddings> {
        embed_texts(&self.model, self.encoder.as_ref(), texts, progress)
    }
}

/// Titles as rows, one each: one that normalizing leaves nothing of is none.
pub fn title_rows(titles: &Titles) -> Corpus {
    Corpus {
        rows: titles.texts.iter().filter_map(|title| Row::from_text(title)).collect(),
        ..Corpus::default()
    }
}

/// The model that `spec` names: a folder, a hub id, or the built-in one.
pub fn open_model(spec: Option<&str>) -> Result<Model> {
    match spec {
        None => built_in_model(),
        Some(spec) => match (Model::locate(spec, hub_cache().as_deref()), built_in_model()) {
            (Err(_), Ok(model)) if model.name == spec => Ok(model),
            (found, _) => found,
        },
    }
}

/// What stands for the path of the model inside the binary.
pub const BUILT_IN: &str = "(built in)";

/// The model inside the binary. An error in a build without the feature `embedded-model`.
pub fn built_in_model() -> Result<Model> {
    #[cfg(feature = "embedded-model")]
    return Model::from_static(&samestory_minilm::files());
    #[cfg(not(feature = "embedded-model"))]
    return Err(Error::ModelMissing { path: BUILT_IN.into() });
}

/// The local Hugging Face cache, where its own tools would look for it.
pub fn hub_cache() -> Option<PathBuf> {
    let var = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("HF_HUB_CACHE")
        .or_else(|| var("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| env::home_dir().map(|home| home.join(".cache/huggingface/hub")))
}

/// `SAMESTORY_CPU` forces an instruction set.
pub fn isa_from_env() -> Result<Isa> {
    match env::var("SAMESTORY_CPU") {
        Ok(name) if !name.is_empty() => parse_isa(&name),
        _ => Ok(Isa::detect()),
    }
}

/// The instruction set of that name, if this processor has it.
pub fn parse_isa(name: &str) -> Result<Isa> {
    name.parse().map_err(|error: NameError| Error::Device {
        device: name.into(),
        reason: error.to_string(),
        fault: DeviceFault::InstructionSet,
    })
}

/// Sets the number of threads, all cores if none is given; returns it.
pub fn set_threads(threads: Option<u16>) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.map_or(cores, usize::from);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| Error::Setting { setting: Setting::Threads, message: e.to_string() })?;
    Ok(threads)
}
