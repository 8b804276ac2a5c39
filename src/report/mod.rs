//! What a run found, as a table, JSON lines, CSV or groups.
//!
//! Every removed story names its kept story, the relation, coverage both ways, cosine, group and the reason.

mod csv;
mod graph;
mod groups;
mod hits;
mod html;
mod item;
mod json;
mod jsonl;
mod manifest;
mod outlets;
mod parquet;
mod reach;
mod related;
mod sanitize;
mod storylines;
mod table;

use std::io::{self, Write};

pub use hits::{Hit, HitFormat, hits, write_hits};
pub use html::{Evidence, Page, write_html};
pub use item::{Item, SCHEMA, items, rounded};
pub use json::{json_line, json_pretty, json_text};
pub use manifest::{Manifest, StageTime};
pub use outlets::{OutletsFormat, write_outlets};
pub use reach::{ReachFormat, ReachItem, ReachStory, write_reach};
pub use related::{LinkItem, MemberItem, Related, StoryPlacement, StorylineItem};
pub use sanitize::{escape_cell, sanitize_line};
pub use storylines::{RelatedFormat, write_related};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people: one block a group.
    #[default]
    Table,
    /// One JSON object a line, schema [`SCHEMA`].
    Jsonl,
    /// Comma-separated, with a header; cells are safe to open in a spreadsheet.
    Csv,
    /// `{"id", "group"}` for every story, also those that are alone.
    Groups,
    /// The columns of [`Item`], as a Parquet file.
    Parquet,
}

/// Writes the report of `groups` in `format`.
pub fn write(
    format: Format,
    corpus: &crate::story::Corpus,
    groups: &crate::group::Groups,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(corpus, groups, out),
        Format::Jsonl => jsonl::write(&items(corpus, groups), out),
        Format::Csv => csv::write(&items(corpus, groups), out),
        Format::Groups => groups::write(corpus, groups, out),
        Format::Parquet => parquet::write(&items(corpus, groups), out),
    }
}
