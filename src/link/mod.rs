//! Links: stories on the same event in different words, and the storylines that they form.
//!
//! There is no fixed threshold on a similarity. It is measured in standard deviations above the similarity of unrelated
//! stories, which is estimated on the stories themselves. The most similar of `m` unrelated stories is expected at about
//! `√(2 ln m)`; only a pair that scores higher is a link. See [`NullDistribution`].

mod document;
mod incremental;
mod nodes;
mod null_distribution;
mod similarity_index;
mod smoothing;
mod storylines;
mod terms;

pub use document::{Document, EmbeddedText, Titles, documents};
pub use incremental::{IncrementalLinker, Link, LinkOptions};
pub use nodes::{Node, nodes, template_variants};
pub use null_distribution::{NullDistribution, prior_texts};
pub use similarity_index::{PassageMatch, SimilarStory, SimilarityIndex};
pub use storylines::{LateArrival, SUPPORT, Storyline};
