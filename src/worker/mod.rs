//! The stages as workers without a state: each reads one Arrow IPC stream and writes another, for engines that run many.
//!
//! ```text
//! records ─ingest─► stories ─► texts ─embed─► vectors ─► points ─candidates─► neighbours ┐
//!                      │                          └► passages ─mean─► vectors ─► points ─┤
//!                      ├► sharing ─strangers─► strangers                                │
//!                      ├► countable ─words─► words ──────────────────────────────┐       │
//!                      └─────────────────────────────────► contents ◄────────────┴─ pairs┘
//!                                                          contents ─compare─► verdicts
//!                                                          contents ─group──► items
//! ```
//!
//! What has to be known of all stories is made between the stages by whatever engine runs them, with plain joins and
//! sums: which stories carry a row, how many of them are strangers otherwise, how many stories have a word or a shingle.
//! From the same stories, in the same order, the stages then give the same verdicts, groups and reasons as one machine,
//! bit for bit.
//! A stage holds one batch, or one task where the stream has tasks.

mod contents;
mod ingest;
mod join;
mod judge;
mod schema;
mod strangers;
mod stream;
mod vectors;
mod words;

use serde::Serialize;
use serde_json::{Value, json};

pub use ingest::ingest;
pub use join::{Near, candidates};
pub use judge::{compare, group};
pub use schema::Stream;
pub use strangers::strangers;
pub use stream::write_empty;
pub use vectors::{Embed, embed, mean};
pub use words::{WordTable, words};

use crate::{boilerplate::MIN_BOILERPLATE_STORIES, search::SearchOptions};

/// Rows that a stage read and wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of the stream that was read.
    pub read: u64,
    /// Rows of the stream that was written; for `ingest`, those with a story.
    pub written: u64,
}

/// What an engine has to know to do its part: the numbers that one machine goes by, and the streams.
pub fn description(model: &str) -> Value {
    let options = SearchOptions::default();
    let streams: Vec<Value> = Stream::ALL.iter().map(|s| stream(*s)).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "text": crate::corpus::TEXT_VERSION,
        "model": model,
        "settings": {
            "row_floor": options.row_floor,
            "max_carriers": options.max_occurrences,
            "story_floor": options.story_floor,
            "story_neighbours": options.story_neighbours,
            "shingle_words": options.shingles.words,
            "shingle_max_stories": options.shingles.max_stories,
            "shingle_min_shared": options.shingles.min_shared,
            "shingle_min_share": options.shingles.min_share,
            "boilerplate_carriers": MIN_BOILERPLATE_STORIES,
        },
        "streams": streams,
    })
}

fn stream(stream: Stream) -> Value {
    let column = |f: &std::sync::Arc<arrow_schema::Field>| json!({ "name": f.name(), "type": f.data_type().to_string(), "nullable": f.is_nullable() });
    json!({ "name": stream.name(), "columns": stream.fields().iter().map(column).collect::<Vec<_>>() })
}
