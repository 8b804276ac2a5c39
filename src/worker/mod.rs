//! Stateless workers for engines such as Spark: each reads one Arrow IPC stream and writes another.
//!
//! ```text
//! records ─ingest─► stories ─► texts ─embed─► vectors ─► points ─candidates─► neighbours ┐
//!                      │                          └► passages ─mean─► vectors ─► points ─┤
//!                      ├► story_pairs ─boilerplate-votes─► boilerplate_votes             │
//!                      ├► documents ─words─► words ──────────────────────────────┐       │
//!                      └─────────────────────────────────► contents ◄────────────┴─ pairs┘
//!                                                          contents ─compare─► verdicts
//!                                                          contents ─group──► items
//! ```
//!
//! Between the workers the engine joins and sums over all stories: in which stories a passage occurs, how many of these
//! share nothing else, how many stories have a word or a shingle. From the same stories in the same order the workers give
//! the same verdicts, groups and reasons as one machine, bit for bit. A worker holds one batch, or one task where the
//! stream has tasks.

mod boilerplate;
mod columns;
mod compare;
mod contents;
mod ingest;
mod join;
mod rows;
mod schema;
mod stream;
mod vectors;
mod words;

use serde::Serialize;
use serde_json::{Value, json};

pub use boilerplate::boilerplate_votes;
pub use compare::{CompareContext, compare, group};
pub use ingest::ingest;
pub use join::{JoinKind, candidates};
pub use schema::Stream;
pub use stream::write_empty;
pub use vectors::{Embed, embed, mean};
pub use words::{WordTable, words};

use crate::{boilerplate::MIN_BOILERPLATE_STORIES, search::SearchOptions};

/// Rows that a worker read and wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of the input.
    pub read: u64,
    /// Rows of the output; for `ingest`, those with a story.
    pub written: u64,
}

/// What an engine needs to know: the settings that one machine uses, and the streams with their columns.
pub fn description(model: &str) -> Value {
    let options = SearchOptions::default();
    let streams: Vec<Value> = Stream::ALL.iter().map(|s| stream(*s)).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "text": crate::corpus::TEXT_VERSION,
        "model": model,
        "settings": {
            "passage_floor": options.row_floor,
            "max_occurrences": options.max_occurrences,
            "story_floor": options.story_floor,
            "story_neighbours": options.story_neighbours,
            "shingle_words": options.shingles.words,
            "shingle_max_stories": options.shingles.max_stories,
            "shingle_min_shared": options.shingles.min_shared,
            "shingle_min_share": options.shingles.min_share,
            "min_boilerplate_stories": MIN_BOILERPLATE_STORIES,
        },
        "streams": streams,
    })
}

fn stream(stream: Stream) -> Value {
    let column = |f: &std::sync::Arc<arrow_schema::Field>| json!({ "name": f.name(), "type": f.data_type().to_string(), "nullable": f.is_nullable() });
    json!({ "name": stream.name(), "columns": stream.fields().iter().map(column).collect::<Vec<_>>() })
}
