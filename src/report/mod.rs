//! The results of a run as a table, JSON lines, CSV, Parquet, groups, graphs or an HTML page.
//!
//! Every removed story names its kept story, the relation, coverage both ways, cosine, group and the reason.

mod columns;
mod graph;
mod groups;
mod hits;
mod html;
mod item;
mod json;
mod manifest;
mod outlets;
mod parquet;
mod reach;
mod related;
mod sanitize;
mod storylines;
mod table;

use std::io::{self, Write};

#[cfg(feature = "workers")]
pub(crate) use columns::{Column, Value};
pub use hits::{Hit, HitFormat, hits, write_hits};
pub use html::{Evidence, Page, write_html};
pub(crate) use item::COLUMNS as ITEM_COLUMNS;
pub use item::{Item, items, rounded};
pub use json::{json_line, json_pretty, json_text};
pub use manifest::{Manifest, StageTime};
pub use outlets::{OutletsFormat, write_outlets};
pub use reach::{ReachFormat, ReachItem, ReachStory, write_reach};
pub use related::{LateArrivalItem, LinkItem, MemberItem, Related, StoryPlacement, StorylineItem};
pub use sanitize::sanitize_line;
pub use storylines::{RelatedFormat, write_related};

/// The version of the JSON objects of all reports; it grows when a field is renamed or changes its meaning.
pub const SCHEMA: u32 = 2;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// A block of text for each group.
    #[default]
    Table,
    /// One JSON object a line, schema [`SCHEMA`].
    Jsonl,
    /// Comma-separated, with a header; cells are safe to open in a spreadsheet.
    Csv,
    /// `{"id", "group"}` for every story, including those that are alone.
    Groups,
    /// The columns of [`Item`], as a Parquet file.
    Parquet,
    /// One JSON array of the objects of [`Format::Jsonl`].
    Json,
    /// As [`Format::Csv`], with tabs.
    Tsv,
}

/// Writes the report of `groups` in `format`.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write(
    format: Format,
    corpus: &crate::story::Corpus,
    groups: &crate::group::Groups,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(corpus, groups, out),
        Format::Groups => groups::write(corpus, groups, out),
        Format::Jsonl | Format::Json | Format::Csv | Format::Tsv | Format::Parquet => {
            write_items(format, &items(corpus, groups), out)
        }
    }
}

/// Writes the stories that are removed, with what is kept for each; JSON lines for [`Format::Table`] and
/// [`Format::Groups`].
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_removed(
    format: Format,
    corpus: &crate::story::Corpus,
    groups: &crate::group::Groups,
    out: &mut dyn Write,
) -> io::Result<()> {
    let removed: Vec<Item> = items(corpus, groups).into_iter().filter(|item| item.removed).collect();
    write_items(format, &removed, out)
}

fn write_items(format: Format, items: &[Item], out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Csv => columns::write_csv(&ITEM_COLUMNS, items, b',', out),
        Format::Tsv => columns::write_csv(&ITEM_COLUMNS, items, b'\t', out),
        Format::Parquet => parquet::write("item", &ITEM_COLUMNS, items, out),
        Format::Json => json::json_array(items, out),
        Format::Jsonl | Format::Table | Format::Groups => {
            items.iter().try_for_each(|item| json_line(item, out))
        }
    }
}
