//! What the library does over its public interface, and the rules of the tree.

#![allow(clippy::unwrap_used, reason = "a test that cannot make its input fails")]

mod allocation;
mod constraints;
mod documents;
mod every_format;
mod mutations;
mod network;
mod operations;
#[path = "../readers/mod.rs"]
mod readers;
mod rewrites;
mod source_rules;
mod tidy;
mod verdicts;
