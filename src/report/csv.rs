//! The report as CSV: a header, then one [`Item`] a row; no cell is a formula.

use std::io::{self, Write};

use super::{Item, escape_cell};

const HEADER: [&str; 15] = [
    "schema",
    "id",
    "relation",
    "removed",
    "kept",
    "group",
    "coverage",
    "coverage_of_kept",
    "cosine",
    "reason",
    "title",
    "source",
    "published",
    "path",
    "line",
];

pub(super) fn write(items: &[Item], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEADER)?;
    for item in items {
        csv.write_record([
            &*item.schema.to_string(),
            &*escape_cell(&item.id),
            &*item.relation,
            if item.removed { "true" } else { "false" },
            &*escape_cell(&item.kept),
            &*item.group.map_or(String::new(), |g| g.to_string()),
            &*item.coverage.to_string(),
            &*item.coverage_of_kept.to_string(),
            &*item.cosine.to_string(),
            &*escape_cell(&item.reason),
            &*escape_cell(&item.title),
            &*escape_cell(item.source.as_deref().unwrap_or("")),
            item.published.as_deref().unwrap_or(""),
            &*escape_cell(&item.path),
            &*item.line.to_string(),
        ])?;
    }
    csv.flush()
}
