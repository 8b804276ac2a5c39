//! Related stories: which tell of one event in words of their own, and the storylines that they make.
//!
//! No threshold on a cosine: how near two stories are is told in standard deviations above unrelated stories, measured
//! on the stories themselves. The nearest of `m` unrelated ones is expected at about `√(2 ln m)`: what lies above that
//! is a link. See [`Background`].

mod background;
mod company;
mod linker;
mod lookup;
mod nodes;
mod reading;
mod storylines;
mod terms;

pub use background::{Background, PRIOR};
pub use linker::{Link, Linker, Options};
pub use lookup::{Found, Lookup, Match};
pub use nodes::{Node, nodes, twins};
pub use reading::{Part, Reading, Titles, readings};
pub use storylines::{Late, Storyline, WITNESSES};
