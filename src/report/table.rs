//! The report as text: a block for each group, its kept story first, then links.

use std::io::{self, Write};

use super::{
    Item,
    item::{iso, items},
    sanitize_line,
};
use crate::{group::Groups, story::Corpus};

/// Columns of a line. Ids and titles are cut, numbers never.
const WIDTH: usize = 100;
/// Columns of a reason. It is longer because it ends with the shared words and whether the story stays.
const REASON: usize = 300;

/// Links in the table; the other formats have all.
const LINKS: usize = 40;

pub(super) fn write(corpus: &Corpus, groups: &Groups, out: &mut dyn Write) -> io::Result<()> {
    let items = items(corpus, groups);
    let (grouped, links): (Vec<_>, Vec<_>) = items.iter().partition(|i| i.group.is_some());
    for item in grouped {
        match item.relation.as_str() {
            "kept" => write_kept(item, out)?,
            _ => write_member(item, out)?,
        }
    }
    if !links.is_empty() {
        writeln!(out, "\nLinks between stories: nothing is removed for these")?;
    }
    for item in links.iter().take(LINKS) {
        writeln!(
            out,
            "  {:<9} {}  ~  {}",
            item.relation,
            sanitize_line(&item.id, 40),
            sanitize_line(&item.kept, 40)
        )?;
        writeln!(out, "            {}", sanitize_line(&item.reason, REASON))?;
    }
    if links.len() > LINKS {
        let rest = links.len() - LINKS;
        writeln!(out, "  … and {rest} more links: JSON lines and CSV have them all")?;
    }
    Ok(())
}

fn write_kept(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    let by = match (&item.source, item.published.and_then(iso)) {
        (Some(s), Some(p)) => format!("  ({}, {})", sanitize_line(s, 30), sanitize_line(&p, 24)),
        (Some(s), None) => format!("  ({})", sanitize_line(s, 30)),
        (None, Some(p)) => format!("  ({})", sanitize_line(&p, 24)),
        (None, None) => String::new(),
    };
    writeln!(out, "\ngroup {}  {}", item.group.unwrap_or(0), sanitize_line(&item.title, WIDTH - 20))?;
    writeln!(out, "  kept      {}{by}", sanitize_line(&item.id, 50))?;
    let Some(health) = &item.health else { return Ok(()) };
    let mut text = format!(
        "{} of {} pairs are of one origin; it would split above {:.2}",
        health.pairs_of_one_origin, health.pairs, health.splits_at
    );
    if let [a, b] = &health.weakest[..] {
        text += &format!(" ({a} – {b})");
    }
    if !health.bridges.is_empty() {
        text += &format!("; held together by {}", health.bridges.join(", "));
    }
    writeln!(out, "            {}", sanitize_line(&text, WIDTH))
}

fn write_member(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "  {:<9} {}  {:.0} % in kept, {:.0} % of kept in it{}",
        item.relation,
        sanitize_line(&item.id, 50),
        item.coverage * 100.0,
        item.coverage_of_kept * 100.0,
        item.probability.map_or(String::new(), |p| format!(", probability {p:.2}"))
    )?;
    writeln!(out, "            {}", sanitize_line(&item.reason, REASON))
}
