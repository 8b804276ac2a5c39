//! What a command runs with: a model on its device, and a store whose vectors are reused.

use std::sync::Arc;

use samestory::{
    Embedder, Error,
    archive::{Archive, ArchiveOptions},
    compare,
    device::{Isa, NameError},
    embed::Embeddings,
    embedder::VectorSource,
    error::{DeviceFault, Setting},
    group,
    model::Model,
    progress::Progress,
    report::sanitize_line,
    store::{Identity, Store},
    story::Corpus,
};

use crate::{env, error::Result, options::ComputeArgs, progress::CancelOnly};

/// A model on its device, and the store of a command.
pub struct Runtime {
    pub embedder: Arc<Embedder>,
    /// Vectors that it holds are not computed again.
    pub store: Option<Store>,
}

impl Runtime {
    /// Loads the model that `args` name onto its device, and sets the number of threads.
    pub fn new(args: &ComputeArgs) -> Result<Self> {
        set_threads(args.threads)?;
        let model = open_model(args.model.as_deref())?.with_precision(args.precision);
        let embedder = Embedder::builder().device(args.device).isa(isa()?).build(model)?;
        for error in embedder.rejected_gpus() {
            status!("samestory: {error}; the CPU is used instead");
        }
        Ok(Runtime { embedder: Arc::new(embedder), store: None })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.embedder.model()
    }

    /// The store as a source of known vectors.
    pub fn known_vectors(&self) -> Option<&dyn VectorSource> {
        self.store.as_ref().map(|store| store as &dyn VectorSource)
    }

    /// The vectors of all rows of `corpus`; those that the store has are taken from there.
    pub fn embed(&self, corpus: &Corpus, progress: &dyn Progress) -> Result<Embeddings> {
        Ok(self.embedder.embed_corpus(corpus, self.known_vectors(), progress)?)
    }

    /// Opens `store` to compare stories with it.
    pub fn archive(&self, store: Store) -> Result<Archive> {
        self.archive_with(store, compare::Options::default(), group::Options::default())
    }

    /// As [`Runtime::archive`], with settings.
    pub fn archive_with(
        &self,
        store: Store,
        compare: compare::Options,
        group: group::Options,
    ) -> Result<Archive> {
        let embedder = Arc::clone(&self.embedder);
        let archive = Archive::builder()
            .options(ArchiveOptions { search: self.embedder.search_options(), compare, group })
            .embed_with(self.identity(), move |texts| embedder.embed(texts, &CancelOnly))
            .build(store)?;
        print_index_warnings(&archive);
        Ok(archive)
    }

    /// What the vectors of the model depend on.
    pub fn identity(&self) -> Identity {
        Identity::of(self.model())
    }
}

/// Names the index files that could not be used.
pub fn print_index_warnings(archive: &Archive) {
    for warning in archive.index_warnings() {
        status!("samestory: {}; it is rebuilt from the store", sanitize_line(warning, 400));
    }
}

/// The model that `spec` names: a folder, a hub id, or the built-in one.
pub fn open_model(spec: Option<&str>) -> Result<Model> {
    let Some(spec) = spec else { return Ok(built_in_model()?) };
    match Model::locate(spec, env::hub_cache().as_deref()) {
        // The built-in model has an id too. Opening it takes time that another model need not spend.
        Err(error @ Error::ModelNotFound { .. }) => match built_in_model() {
            Ok(model) if model.name == spec => Ok(model),
            _ => Err(error.into()),
        },
        located => Ok(located?),
    }
}

/// What stands for the path of the model inside the binary.
pub const BUILT_IN: &str = "(built in)";

/// The model inside the binary. An error in a build without the feature `embedded-model`.
pub fn built_in_model() -> samestory::Result<Model> {
    #[cfg(feature = "embedded-model")]
    return Model::from_static(&samestory_minilm::files());
    #[cfg(not(feature = "embedded-model"))]
    return Err(Error::ModelMissing { path: BUILT_IN.into() });
}

/// The instruction set that `SAMESTORY_CPU` names, else the fastest.
pub fn isa() -> Result<Isa> {
    env::cpu().map_or(Ok(Isa::detect()), |name| parse_isa(&name))
}

/// The instruction set of that name, if this processor has it.
pub fn parse_isa(name: &str) -> Result<Isa> {
    let unavailable = |error: NameError| Error::Device {
        device: name.into(),
        reason: error.to_string(),
        fault: DeviceFault::InstructionSet,
    };
    Ok(name.parse().map_err(unavailable)?)
}

/// Sets the number of threads of the process, all cores if none is given.
pub fn set_threads(threads: Option<u16>) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.map_or(cores, usize::from);
    let started = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    Ok(started.map_err(|e| Error::Setting { setting: Setting::Threads, message: e.to_string() })?)
}
