//! Storylines and links as a table, JSON lines, CSV, graphs or the storyline of every story.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use super::{
    columns::write_csv,
    graph,
    groups::Membership,
    json_line,
    related::{LINK_COLUMNS, LinkItem, MemberItem, Related, StoryPlacement, StorylineItem},
    sanitize_line,
};

/// Columns that a line may take.
const WIDTH: usize = 100;

/// Characters of an id. Other commands take ids as arguments, so only very long ones are cut.
const ID: usize = 200;

/// Stories of a storyline in the table; the other formats have all.
const SHOWN: usize = 12;

/// How storylines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RelatedFormat {
    /// A block of text for each storyline.
    #[default]
    Table,
    /// One object for each storyline, then one for each link.
    Jsonl,
    /// One row for each link, with a header; cells are safe to open in a spreadsheet.
    Csv,
    /// `{"id", "group"}` for every story, the group being its storyline.
    Groups,
    /// A graph in GraphML.
    Graphml,
    /// A graph in the DOT language of Graphviz.
    Dot,
}

/// Writes `related` in `format`.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_related(format: RelatedFormat, related: &Related, out: &mut dyn Write) -> io::Result<()> {
    match format {
        RelatedFormat::Table => table(related, out),
        RelatedFormat::Jsonl => {
            related.storylines.iter().try_for_each(|s| json_line(s, out))?;
            related.links.iter().try_for_each(|l| json_line(l, out))
        }
        RelatedFormat::Csv => write_csv(&LINK_COLUMNS, &related.links, b',', out),
        RelatedFormat::Groups => groups(related, out),
        RelatedFormat::Graphml => graph::graphml(related, out),
        RelatedFormat::Dot => graph::dot(related, out),
    }
}

fn table(related: &Related, out: &mut dyn Write) -> io::Result<()> {
    // The link that explains why a story is in its storyline: the one of the highest score to an earlier story, else to a
    // later one.
    let mut by: BTreeMap<&str, &LinkItem> = BTreeMap::new();
    for link in related.links.iter().filter(|l| l.storyline.is_some()) {
        for story in [&link.b, &link.a] {
            let best = by.entry(story).or_insert(link);
            if (link.b == *story, link.score) > (best.b == *story, best.score) {
                *best = link;
            }
        }
    }
    for storyline in &related.storylines {
        head(storyline, out)?;
        let mut shown: BTreeSet<&str> = BTreeSet::new();
        for member in storyline.members.iter().take(SHOWN) {
            // A link between the first story and a later one is shown with the later one.
            let by = by.get(member.id.as_str()).copied();
            let by = by.filter(|l| l.b == member.id || !shown.is_empty());
            shown.insert(&member.id);
            show(member, by, out)?;
        }
        if storyline.members.len() > SHOWN {
            let rest = storyline.members.len() - SHOWN;
            writeln!(out, "  … and {rest} more: the JSON lines have them all")?;
        }
    }
    let outside = || related.stories.iter().filter(|s| s.storyline.is_none());
    let alone: BTreeSet<u32> = outside().map(|s| s.first).collect();
    let copies = match (outside().count() - alone.len(), alone.len()) {
        (0, _) => String::new(),
        (1, 1) => " (and a copy of it)".into(),
        (n, 1) => format!(" (and {n} copies of it)"),
        (1, _) => " (and a copy of one)".into(),
        (n, _) => format!(" (and {n} copies of them)"),
    };
    let (links, alone) = (related.links.len(), alone.len());
    writeln!(
        out,
        "\n{} storylines, {links} links; {alone} stories stand alone{copies}",
        related.storylines.len()
    )
}

fn head(storyline: &StorylineItem, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nstoryline {}  {}", storyline.storyline, sanitize_line(&storyline.label, WIDTH - 20))?;
    let mut text = format!("  {} stories", storyline.stories);
    if storyline.distinct < storyline.stories {
        text += &format!(", {} of them copies", storyline.stories - storyline.distinct);
    }
    if storyline.outlets > 0 {
        let (outlets, own) = (storyline.outlets, storyline.independent);
        text += &format!("; {outlets} outlets, {own} with a text of their own");
    }
    match (&storyline.first, &storyline.last) {
        (Some(first), Some(last)) if first == last => text += &format!("; {first}"),
        (Some(first), Some(last)) => text += &format!("; {first} to {last}"),
        _ => {}
    }
    writeln!(out, "{text}")
}

fn show(member: &MemberItem, by: Option<&LinkItem>, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!("  {}  {}", sanitize_line(&member.id, ID), sanitize_line(&member.title, 60));
    if let Some(source) = &member.source {
        text += &format!("  ({})", sanitize_line(source, 24));
    }
    match member.copies.len() {
        0 => {}
        1 => text += "  +1 copy",
        n => text += &format!("  +{n} copies"),
    }
    writeln!(out, "{text}")?;
    let (score, other, reason) = match (by, &member.late_arrival) {
        (Some(link), _) => (link.score, if link.b == member.id { &link.a } else { &link.b }, &link.reason),
        (None, Some(late)) => (late.score, &late.nearest, &late.reason),
        (None, None) => return Ok(()),
    };
    writeln!(out, "      {score:.1} to {}: {}", sanitize_line(other, ID), sanitize_line(reason, WIDTH))
}

fn groups(related: &Related, out: &mut dyn Write) -> io::Result<()> {
    for StoryPlacement { id, storyline, first } in &related.stories {
        let group = storyline.map_or_else(|| format!("alone-{first}"), |s| format!("storyline-{s}"));
        json_line(&Membership { id, group }, out)?;
    }
    Ok(())
}
