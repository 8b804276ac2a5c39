//! The settings of a search.

#[cfg(feature = "graph")]
use super::graph::HnswOptions;
use super::{shingles::ShingleOptions, tensor::TensorSearch};
use crate::device::Isa;

/// How neighbouring rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IndexChoice {
    /// Exact up to [`CROSSOVER`] rows, then HNSW.
    #[default]
    Auto,
    /// Every row against every other.
    Exact,
    /// An HNSW graph.
    #[cfg(feature = "graph")]
    Hnsw,
}

impl IndexChoice {
    /// Its name: `auto`, `exact` or `hnsw`.
    pub fn name(self) -> &'static str {
        match self {
            IndexChoice::Auto => "auto",
            IndexChoice::Exact => "exact",
            #[cfg(feature = "graph")]
            IndexChoice::Hnsw => "hnsw",
        }
    }
}

/// Up to this number of rows, [`IndexChoice::Auto`] is exact.
pub const CROSSOVER: usize = 1_000_000;

/// The settings of a search.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// How neighbouring rows are found.
    pub index: IndexChoice,
    /// The CPU kernels.
    pub isa: Isa,
    /// Exact search on a GPU instead of the CPU.
    pub tensors: Option<TensorSearch>,
    /// The least cosine of a pair of rows, in [-1, 1].
    pub row_floor: f32,
    /// A row that occurs in more stories than this makes no pairs.
    pub max_occurrences: usize,
    /// The settings of the graph.
    #[cfg(feature = "graph")]
    pub hnsw: HnswOptions,
    /// The settings of the shingle channel.
    pub shingles: ShingleOptions,
    /// The least cosine of the mean vectors of two stories, in [-1, 1].
    pub story_floor: f32,
    /// How many nearest stories each story is compared with.
    pub story_neighbours: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        SearchOptions {
            index: IndexChoice::Auto,
            isa: Isa::detect(),
            tensors: None,
            row_floor: 0.75,
            max_occurrences: 100,
            #[cfg(feature = "graph")]
            hnsw: HnswOptions::default(),
            shingles: ShingleOptions::default(),
            story_floor: 0.40,
            story_neighbours: 10,
        }
    }
}
