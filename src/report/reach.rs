//! How the text of each group spread, as a table, JSON lines or CSV.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::Serialize;

use super::{
    SCHEMA,
    columns::{Column, Value, write_csv},
    item::{iso, rounded},
    json_line, sanitize_line,
};
use crate::{
    group::{Appearance, OriginEvidence, Reach, TieBreak},
    story::{Corpus, Story},
};

/// Columns that a line may take.
const WIDTH: usize = 100;

/// Cuts and additions of a story in the table; JSON lines have all.
const SHOWN: usize = 3;

/// How the spread is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReachFormat {
    /// A block of text for each group.
    #[default]
    Table,
    /// One [`ReachItem`] a line.
    Jsonl,
    /// One row for each story, with a header; cells are safe to open in a spreadsheet.
    Csv,
}

/// How the text of a group spread.
#[derive(Debug, Clone, Serialize)]
pub struct ReachItem {
    /// The version of this object.
    pub schema: u32,
    /// "reach".
    pub kind: &'static str,
    /// The group's number.
    pub group: u32,
    /// The id of the story that is the likely origin of the others.
    pub origin: String,
    /// Its headline, or how its text begins.
    pub title: String,
    /// Why it is the likely origin.
    pub reason: String,
    /// The agency that most stories of other publishers credit, else that most stories credit.
    pub credit: Option<String>,
    /// The place and day that the origin's text begins with.
    pub dateline: Option<String>,
    /// When the first was published, ISO 8601 in UTC.
    pub first: Option<String>,
    /// When the last was published.
    pub last: Option<String>,
    /// Its publishers, sorted.
    pub outlets: Vec<String>,
    /// Publishers of the origin, or of a story that is mostly its own text, sorted.
    pub independent: Vec<String>,
    /// All its stories, in the order of time.
    pub stories: Vec<ReachStory>,
}

/// A story in which the text appears.
#[derive(Debug, Clone, Serialize)]
pub struct ReachStory {
    /// The story.
    pub id: String,
    /// Its publisher.
    pub source: Option<String>,
    /// When it was published, ISO 8601 in UTC.
    pub published: Option<String>,
    /// Hours after the first of the group.
    pub lag_hours: Option<f32>,
    /// Share of its informative words that are found in the origin, in [0, 1].
    pub coverage: f32,
    /// Number of passages of the origin that it has.
    pub carried: usize,
    /// How many of these it has in other words.
    pub changed: usize,
    /// Passages of the origin that it lacks.
    pub cut: Vec<String>,
    /// Passages of its own.
    pub added: Vec<String>,
}

impl ReachItem {
    /// `reach` with ids and texts.
    pub fn new(corpus: &Corpus, reach: &Reach) -> Self {
        let origin = &corpus.stories[reach.origin.index()];
        let title = match origin.title.trim() {
            "" => sanitize_line(&origin.text, 80),
            title => title.into(),
        };
        ReachItem {
            schema: SCHEMA,
            kind: "reach",
            group: reach.group,
            origin: origin.id.clone(),
            title,
            reason: reason(reach, origin),
            credit: reach.credit.clone(),
            dateline: origin.dateline.clone(),
            first: reach.span.and_then(|s| iso(s.0)),
            last: reach.span.and_then(|s| iso(s.1)),
            outlets: reach.outlets.clone(),
            independent: reach.independent.clone(),
            stories: reach.appearances.iter().map(|a| reach_story(corpus, a)).collect(),
        }
    }
}

fn reach_story(corpus: &Corpus, appearance: &Appearance) -> ReachStory {
    let story = &corpus.stories[appearance.story.index()];
    ReachStory {
        id: story.id.clone(),
        source: story.source.clone(),
        published: story.published.and_then(iso),
        lag_hours: appearance.lag.map(|ms| rounded(ms as f32 / 3_600_000.0)),
        coverage: rounded(appearance.coverage),
        carried: appearance.carried,
        changed: appearance.changed,
        cut: appearance.cut.clone(),
        added: appearance.added.clone(),
    }
}

/// Why a story is the likely origin.
fn reason(reach: &Reach, origin: &Story) -> String {
    let [credit, own, dateline] =
        [&reach.credit, &origin.credit, &origin.dateline].map(|text| text.as_deref().unwrap_or(""));
    let evidence = match reach.evidence {
        OriginEvidence::Agency => Some(format!("by {credit}, which the others credit")),
        OriginEvidence::CreditAndDateline => Some(format!("credits {own} and has the dateline {dateline}")),
        OriginEvidence::Credit => Some(format!("credits {own}")),
        OriginEvidence::Dateline => Some(format!("has the dateline {dateline}")),
        OriginEvidence::None => None,
    };
    let is_earliest = match &reach.appearances[..] {
        [first, next, ..] => first.story == reach.origin && first.lag.is_some() && first.lag != next.lag,
        _ => false,
    };
    let tie_break = match reach.tie_break {
        TieBreak::Unneeded if reach.evidence == OriginEvidence::Agency => None,
        TieBreak::Unneeded | TieBreak::Time if is_earliest => Some("the earliest"),
        TieBreak::Unneeded => None,
        TieBreak::Time => Some("the earliest of these"),
        TieBreak::Version => Some("the latest version of its publisher"),
        TieBreak::Text => Some("the cleanest and fullest text"),
        TieBreak::Order => Some("read first"),
    };
    evidence.into_iter().chain(tie_break.map(String::from)).collect::<Vec<_>>().join("; ")
}

/// Writes `items` in `format`.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_reach(format: ReachFormat, items: &[ReachItem], out: &mut dyn Write) -> io::Result<()> {
    match format {
        ReachFormat::Table => items.iter().try_for_each(|item| write_block(item, out)),
        ReachFormat::Jsonl => items.iter().try_for_each(|item| json_line(item, out)),
        ReachFormat::Csv => csv(items, out),
    }
}

fn write_block(item: &ReachItem, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\ngroup {}  {}", item.group, sanitize_line(&item.title, WIDTH - 20))?;
    let mut text = format!("  {} stories", item.stories.len());
    if !item.outlets.is_empty() {
        let outlets = if item.outlets.len() == 1 { "outlet" } else { "outlets" };
        text += &format!("; {} {outlets}, {} independent", item.outlets.len(), item.independent.len());
    }
    match (&item.first, &item.last) {
        (Some(first), Some(last)) if first != last => text += &format!("; {first} to {last}"),
        (Some(first), _) => text += &format!("; {first}"),
        _ => {}
    }
    writeln!(out, "{text}")?;
    writeln!(
        out,
        "  likely origin  {}: {}",
        sanitize_line(&item.origin, 40),
        sanitize_line(&item.reason, WIDTH)
    )?;
    for story in &item.stories {
        let origin = story.id == item.origin;
        let lag = story.lag_hours.map_or("?".into(), format_lag);
        write!(out, "  {lag:>9}  {}", sanitize_line(&story.id, 40))?;
        if let Some(source) = &story.source {
            write!(out, "  ({})", sanitize_line(source, 30))?;
        }
        if origin {
            writeln!(out, "  {} passages", story.carried)?;
            continue;
        }
        let all = story.carried + story.cut.len();
        write!(out, "  {} of {all} passages", story.carried)?;
        if story.changed > 0 {
            write!(out, ", {} changed", story.changed)?;
        }
        writeln!(out, "; {:.0} % of it is from the origin", story.coverage * 100.0)?;
        write_passages("cut", &story.cut, out)?;
        write_passages("added", &story.added, out)?;
    }
    Ok(())
}

fn write_passages(what: &str, texts: &[String], out: &mut dyn Write) -> io::Result<()> {
    for text in texts.iter().take(SHOWN) {
        writeln!(out, "             {what:<5}  “{}”", sanitize_line(text, WIDTH - 24))?;
    }
    match texts.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        n => writeln!(out, "             {what:<5}  … and {n} more: the JSON lines have them all"),
    }
}

/// Hours after the first story, as text.
fn format_lag(hours: f32) -> String {
    match hours {
        h if h <= 0.0 => "first".into(),
        h if h < 1.0 => format!("+{:.0} min", (h * 60.0).max(1.0)),
        h if h < 48.0 => format!("+{h:.1} h"),
        h => format!("+{:.1} days", h / 24.0),
    }
}

/// A story of a group, as a row of CSV.
struct Row<'a> {
    item: &'a ReachItem,
    story: &'a ReachStory,
}

fn columns<'a>() -> [Column<Row<'a>>; 11] {
    [
        Column::required("group", Value::Int64(|r| Some(r.item.group.into()))),
        Column::required("id", Value::Text(|r| Some(r.story.id.as_str().into()))),
        Column::nullable("source", Value::Text(|r| r.story.source.as_deref().map(Cow::Borrowed))),
        Column::nullable("published", Value::Text(|r| r.story.published.as_deref().map(Cow::Borrowed))),
        Column::nullable("lag_hours", Value::Float(|r| r.story.lag_hours)),
        Column::required("origin", Value::Text(|r| Some(r.item.origin.as_str().into()))),
        Column::required("coverage", Value::Float(|r| Some(r.story.coverage))),
        Column::required("carried", Value::Int64(|r| Some(r.story.carried as i64))),
        Column::required("changed", Value::Int64(|r| Some(r.story.changed as i64))),
        // Their numbers: the texts are in JSON lines.
        Column::required("cut", Value::Int64(|r| Some(r.story.cut.len() as i64))),
        Column::required("added", Value::Int64(|r| Some(r.story.added.len() as i64))),
    ]
}

fn csv(items: &[ReachItem], out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Row> =
        items.iter().flat_map(|item| item.stories.iter().map(move |story| Row { item, story })).collect();
    write_csv(&columns(), &rows, b',', out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::StoryId;

    #[test]
    fn formats_lags_in_suitable_units() {
        let check = |hours: f32, expect: &str| assert_eq!(format_lag(hours), expect);
        check(0.0, "first");
        check(0.001, "+1 min");
        check(0.5, "+30 min");
        check(5.25, "+5.2 h");
        check(60.0, "+2.5 days");
    }

    #[test]
    fn reasons_name_the_evidence() {
        let check = |evidence, tie_break, lags: &[Option<i64>], origin: u32, expect: &str| {
            let appearance = |(i, lag): (usize, &Option<i64>)| Appearance {
                story: StoryId(i as u32),
                lag: *lag,
                coverage: 1.0,
                carried: 1,
                changed: 0,
                cut: vec![],
                added: vec![],
            };
            let reach = Reach {
                group: 1,
                origin: StoryId(origin),
                evidence,
                tie_break,
                credit: Some("AP".into()),
                outlets: vec![],
                independent: vec![],
                span: Option::None,
                appearances: lags.iter().enumerate().map(appearance).collect(),
            };
            let story = Story {
                credit: Some("Tass".into()),
                dateline: Some("OSLO, May 2".into()),
                ..Story::default()
            };
            assert_eq!(reason(&reach, &story), expect);
        };
        use OriginEvidence::{Agency, Credit, CreditAndDateline, None};
        let timed = [Some(0), Some(5)];
        check(Agency, TieBreak::Unneeded, &timed, 0, "by AP, which the others credit");
        check(Agency, TieBreak::Time, &timed, 1, "by AP, which the others credit; the earliest of these");
        let both = "credits Tass and has the dateline OSLO, May 2";
        check(CreditAndDateline, TieBreak::Unneeded, &timed, 0, &format!("{both}; the earliest"));
        check(CreditAndDateline, TieBreak::Unneeded, &timed, 1, both);
        check(Credit, TieBreak::Time, &timed, 1, "credits Tass; the earliest of these");
        check(None, TieBreak::Time, &timed, 0, "the earliest");
        check(None, TieBreak::Version, &timed, 1, "the latest version of its publisher");
        check(None, TieBreak::Text, &[Some(0), Some(0)], 0, "the cleanest and fullest text");
        check(None, TieBreak::Order, &[Option::None, Option::None], 0, "read first");
    }
}
