//! Related stories: which tell of one event in words of their own, and the storylines that they make.
//!
//! No threshold on a cosine: how near two stories are is told in standard deviations above unrelated stories, measured
//! on the stories themselves. The nearest of `m` unrelated ones is expected at about `√(2 ln m)`: what lies above that
//! is a link. See [`NullDistribution`].

mod document;
mod incremental;
mod lookup;
mod nodes;
mod null_distribution;
mod smoothing;
mod storylines;
mod terms;

pub use document::{Document, EmbeddedText, Titles, documents};
pub use incremental::{IncrementalLinker, Link, LinkOptions};
pub use lookup::{PassageMatch, SimilarStory, SimilarityIndex};
pub use nodes::{Node, nodes, template_variants};
pub use null_distribution::{NullDistribution, prior_texts};
pub use storylines::{LateArrival, SUPPORT, Storyline};
