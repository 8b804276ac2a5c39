//! Finds the same story told twice: near-duplicate wire copies, excerpts, updates and related stories.
//!
//! One direction: `ingest → embed → search → compare → group → report`; each stage takes the previous
//! stage's value and returns its own. The library never prints, exits or reads the environment: that is
//! the binary's part. See ARCHITECTURE.md.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

pub mod archive;
pub mod bench;
pub mod compare;
pub mod device;
pub mod embed;
pub mod error;
pub mod group;
pub mod ingest;
pub mod link;
pub mod model;
pub mod progress;
pub mod random;
pub mod report;
pub mod search;
pub mod stage;
pub mod store;
pub mod story;
pub mod vector;
mod words;

pub use error::{Error, Result};
