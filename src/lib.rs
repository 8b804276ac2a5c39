//! Finds the same story told twice: near-duplicate wire copies, excerpts, updates and related stories.
//!
//! One direction: `ingest → embed → search → compare → group → report`; each stage takes the previous
//! stage's value and returns its own. The library never prints, exits or reads the environment: that is
//! the binary's part. See ARCHITECTURE.md.
//!
//! # Stories in memory, to groups
//!
//! A [`story::Corpus`] has stories, and each distinct passage of them as a row; a vector a row makes neighbours, and
//! comparing decides.
//!
//! ```
//! use samestory::{
//!     compare::{self, Comparer},
//!     device::Isa,
//!     embed::{cpu_encoder, embed_texts},
//!     group, ingest,
//!     model::Model,
//!     progress::NoProgress,
//!     search::{self, SearchOptions},
//!     story::Story,
//! };
//!
//! let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
//! let corpus = Corpus::new(vec![
//!     story("a", "The dam at Ostrel will be raised by four metres, the river board said on Monday after a long debate."),
//!     story("b", "OSTREL - The dam at Ostrel will be raised by 4 metres, the river board said Monday after long debate."),
//!     story("c", "Irena Holt won the chess championship for a third time, in thirty-one moves, before a full hall."),
//! ]);
//!
//! // One unit vector of 384 values a row.
//! let model = Model::from_static(&samestory_minilm::files())?;
//! let encoder = cpu_encoder(&model, Isa::detect())?;
//! let texts: Vec<&str> = corpus.rows.iter().map(|row| row.text.as_str()).collect();
//! let vectors = embed_texts(&model, &*encoder, &texts, &NoProgress)?.vectors;
//!
//! // Pairs that are worth comparing, what each is, and who belongs together.
//! let found = search::candidates(&corpus, &vectors, &SearchOptions::default(), &NoProgress)?;
//! let pairs: Vec<_> = found.pairs.iter().map(|pair| (pair.a, pair.b)).collect();
//! let options = compare::Options::default();
//! let comparer = Comparer::new(&corpus, &vectors, &options);
//! let verdicts = comparer.compare_all(&pairs, &NoProgress)?;
//! let compare = |a, b| Ok(comparer.compare(a, b));
//! let groups = group::group(&corpus, &verdicts, &group::Options::default(), &compare)?.groups;
//!
//! let ids: Vec<&str> = groups[0].members.iter().map(|m| corpus.stories[m.story.index()].id.as_str()).collect();
//! assert_eq!((groups.len(), ids), (1, vec!["a", "b"]));
//! println!("{}", groups[0].members[1].reason);
//! # Ok::<(), samestory::Error>(())
//! ```
//!
//! # A store that stories come to
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
