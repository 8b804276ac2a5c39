//! Search: candidate pairs of stories, exact and approximate nearest neighbours.
//!
//! [`candidates`] collects pairs of stories from three channels: neighbouring rows, shared rare shingles, and near story
//! vectors. Seconds for all three channels on rows of real news, at a floor of 0.75, on two cores with AMX. The graph (`m`
//! 24, `ef_construction` 200) inserts rows in their order, so that the same rows give the same graph:
//!
//! | rows | exact | HNSW | recall of HNSW |
//! |---|---|---|---|
//! | 9,596 | 0.07 | 14.0 | 1.0000 |
//! | 29,819 | 0.32 | 93.5 | 1.0000 |
//! | 104,007 | 2.28 | – | – |
//!
//! The join of the rows alone, at a time of lower load: 0.11 s for 30,000, 1.0 s for 100,000, 3.9 s for 200,000 rows.
//!
//! On machines without bf16 multiplication the exact search first compares projections (`projection.rs`): on two cores with
//! AVX2 30,000 rows take 0.6 s and 100,000 rows 5.8 s (without projections 2.0 s and 21 s).
//!
//! Up to the largest number of rows measured, exact search is faster. Its time grows with the square of the rows, so `auto`
//! changes to the graph at [`CROSSOVER`], where exact search begins to take minutes.

mod bit_set;
mod candidates;
mod exact;
#[cfg(feature = "graph")]
mod graph;
#[cfg(feature = "graph")]
mod hnsw;
mod index_file;
mod options;
mod pairs;
mod postings;
mod projection;
mod quantized;
mod quantized_search;
mod score_bounds;
mod shingles;
mod stories;
#[cfg(feature = "candle")]
mod tensor;
#[cfg(not(feature = "candle"))]
#[path = "tensor_disabled.rs"]
mod tensor;
#[cfg(test)]
mod tests;

pub use bit_set::BitSet;
pub use candidates::{Candidates, SearchReport, candidates};
pub use exact::{cross_join, self_join, top_k};
#[cfg(feature = "graph")]
pub use graph::{Graph, GraphAudit, GraphBuilder, GraphOptions, GraphScratch, HnswOptions};
#[cfg(feature = "graph")]
pub use hnsw::{GraphJoin, HnswIndex};
pub use index_file::CorruptFile;
#[doc(hidden)]
pub use index_file::rewrite_checksum;
pub use options::{CROSSOVER, IndexChoice, SearchOptions};
pub use pairs::{RowPair, StoryPair};
pub use postings::Postings;
pub use quantized::{QuantizedFile, QuantizedQuery, QuantizedRows, QuantizedView};
pub use score_bounds::{Limit, ScoreBounds, rank, rescore};
pub use shingles::{ShingleOptions, shingles};
pub use stories::{nearest_stories, write_mean};
pub use tensor::TensorSearch;
