//! Finds the same story told twice: near-duplicate wire copies, excerpts, updates and related stories.
//!
//! ```
//! # use samestory::story::Story;
//! # let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
//! # let stories = vec![
//! #     story("a", "The dam at Ostrel will be raised by four metres, the river board said on Monday after a long debate."),
//! #     story("b", "OSTREL - The dam at Ostrel will be raised by 4 metres, the river board said Monday after long debate."),
//! #     story("c", "Irena Holt won the chess championship for a third time, in thirty-one moves, before a full hall."),
//! # ];
//! use samestory::{Deduplicator, Linker, Lookup, StoryPool, model::Model, progress::NoProgress};
//!
//! let model = Model::from_static(&samestory_minilm::files())?;
//! let outcome = Deduplicator::builder().model(model).min_coverage(0.7).build()?.run(stories)?;
//! for group in outcome.groups() {
//!     let ids: Vec<&str> = group.duplicates().map(|duplicate| duplicate.story.id.as_str()).collect();
//!     println!("{} is kept for {ids:?}", group.canonical().id);
//! }
//! let stricter = outcome.rethreshold(0.9)?; // nothing is embedded or searched again
//! let links = Linker::builder().build()?.run(&outcome)?;
//! let pool = StoryPool::from_outcome(&outcome)?;
//! let nearest = Lookup::builder(&pool).build(&NoProgress)?.similar("a chess champion")?;
//! # assert_eq!((outcome.groups().count(), stricter.groups().count(), links.nodes().len()), (1, 1, 2));
//! # assert_eq!(pool.corpus().stories[nearest[0].story].id, "c");
//! # Ok::<(), samestory::Error>(())
//! ```
//!
//! The façades [`Deduplicator`], [`Linker`], [`Lookup`] and [`archive::Archive`] go the whole way. Beneath them is one
//! room for each step, and data go in one direction: `ingest → embed → search → compare → group → report`. The library
//! never prints, exits or reads the environment; the command line does. ARCHITECTURE.md lists the modules and defines the terms.
//!
//! # A store that stories are added to
//!
//! An [`archive::Archive`] compares each story with all that were added before it, and keeps it with its vectors and
//! groups. One process writes; others read meanwhile.
//!
//! ```
//! use samestory::{Embedder, archive::Archive, model::Model, story::Story};
//! use std::sync::Arc;
//!
//! let folder = tempfile::tempdir().unwrap();
//! let embedder = Arc::new(Embedder::new(Model::from_static(&samestory_minilm::files())?)?);
//! let mut archive = Archive::builder().embedder(embedder).open_or_create(folder.path())?;
//!
//! let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
//! let text = "The dam at Ostrel will be raised by four metres, the river board said on Monday after a long debate.";
//! archive.add(vec![story("first", text)])?;
//!
//! let result = archive.check(&story("later", &format!("{text} Work begins in May.")))?;
//! assert_eq!(result.related[0].id, "first");
//! println!("{}: {}", result.related[0].relation.name(), result.related[0].reason);
//! # Ok::<(), samestory::Error>(())
//! ```

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

#[cfg(feature = "store")]
pub mod archive;
pub mod bench;
pub mod boilerplate;
pub mod compare;
pub mod corpus;
pub mod dedup;
pub mod device;
pub mod embed;
pub mod embedder;
pub mod error;
pub mod group;
pub mod hex;
#[cfg(feature = "readers")]
pub mod ingest;
pub mod link;
pub mod linker;
pub mod lookup;
pub mod model;
pub mod panics;
pub mod progress;
pub mod random;
#[cfg(feature = "reports")]
pub mod report;
pub mod search;
#[cfg(feature = "store")]
pub mod store;
pub mod story;
mod union_find;
pub mod vector;
mod word_lists;
pub mod words;
#[cfg(feature = "workers")]
pub mod worker;

pub use dedup::{DedupOutcome, Deduplicator};
pub use embedder::{DeviceChoice, Embedder};
pub use error::{Error, Result};
pub use linker::{LinkOutcome, Linker};
pub use lookup::{Lookup, StoryPool};

/// The examples of the guide are tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryGuide;
