//! The results of a similarity lookup as a table, JSON or JSON lines.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::{
    item::{iso, rounded},
    json_line, json_pretty, sanitize_line,
};
use crate::{
    group::Groups,
    link::SimilarStory,
    story::{Corpus, StoryId},
};

/// How hits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HitFormat {
    /// Blocks of text.
    #[default]
    Table,
    /// One array.
    Json,
    /// One object a line.
    Jsonl,
}

/// A story near a query.
#[derive(Debug, Clone, Serialize)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The story.
    pub id: String,
    /// The mean of `cosine` and `terms`, moved towards `neighbour_score`.
    pub score: f32,
    /// Cosine of the stories' vectors or of their best passages.
    pub cosine: f32,
    /// Cosine of their terms, weighed by rarity.
    pub terms: f32,
    /// Mean score of the two stories that are most similar to it.
    pub neighbour_score: f32,
    /// Its headline.
    pub title: String,
    /// Its publisher.
    pub source: Option<String>,
    /// When it was published, ISO 8601 in UTC.
    pub published: Option<String>,
    /// Other stories of its group, where they are not shown by themselves.
    pub copies: Vec<String>,
    /// Names that both have, the rarest first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the rarest first.
    pub words: Vec<String>,
    /// The passage of the query that matches best.
    pub query: String,
    /// The passage of the story that matches it.
    pub passage: String,
    /// Their cosine.
    pub passage_cosine: Option<f32>,
    /// The file it was read from.
    pub path: String,
    /// The record's first line in that file; 0 where a file is one record.
    pub line: u64,
}

/// The results of a lookup among the stories of `corpus`, with their ids and texts.
pub fn hits(corpus: &Corpus, groups: &Groups, found: &[SimilarStory]) -> Vec<Hit> {
    let mut group_of = BTreeMap::new();
    for group in &groups.groups {
        group_of.extend(group.members.iter().map(|m| (m.story, group)));
    }
    let hit = |(rank, found): (usize, &SimilarStory)| {
        let story = &corpus.stories[found.story];
        let place = StoryId(found.story as u32);
        let group = group_of.get(&place).into_iter().flat_map(|g| &g.members);
        let copies = group.filter(|m| m.story != place).map(|m| corpus.stories[m.story.index()].id.clone());
        let (query, passage) = found.best_match.as_ref().map_or(("", ""), |b| (&b.query, &b.passage));
        Hit {
            rank,
            id: story.id.clone(),
            score: rounded(found.score),
            cosine: rounded(found.cosine),
            terms: rounded(found.terms),
            neighbour_score: rounded(found.neighbour_score),
            title: story.title.clone(),
            source: story.source.clone(),
            published: story.published.and_then(iso),
            copies: copies.collect(),
            names: found.names.clone(),
            words: found.words.clone(),
            query: query.into(),
            passage: passage.into(),
            passage_cosine: found.best_match.as_ref().map(|b| rounded(b.cosine)),
            path: story.origin.path.display().to_string(),
            line: story.origin.line,
        }
    };
    (1..).zip(found).map(hit).collect()
}

/// Writes `hits` in `format`.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_hits(format: HitFormat, hits: &[Hit], out: &mut dyn Write) -> io::Result<()> {
    match format {
        HitFormat::Table => hits.iter().try_for_each(|hit| write_hit(hit, out)),
        HitFormat::Json => json_pretty(&hits, out),
        HitFormat::Jsonl => hits.iter().try_for_each(|hit| json_line(hit, out)),
    }
}

fn write_hit(hit: &Hit, out: &mut dyn Write) -> io::Result<()> {
    let title = if hit.title.is_empty() { "(no title)" } else { &hit.title };
    write!(
        out,
        "{:>3}  {:.3}  {}  {}",
        hit.rank,
        hit.score,
        sanitize_line(&hit.id, 30),
        sanitize_line(title, 60)
    )?;
    let by: Vec<String> = hit
        .source
        .iter()
        .chain(&hit.published)
        .map(|text| sanitize_line(text, 30))
        .filter(|t| !t.is_empty())
        .collect();
    if !by.is_empty() {
        write!(out, "  ({})", by.join(", "))?;
    }
    match hit.copies.len() {
        0 => writeln!(out)?,
        1 => writeln!(out, "  +1 copy")?,
        n => writeln!(out, "  +{n} copies")?,
    }
    let mut why =
        format!("cosine {:.2}, terms {:.2}, neighbours {:.2}", hit.cosine, hit.terms, hit.neighbour_score);
    if !hit.names.is_empty() {
        why += &format!("; both name {}", hit.names.join(", "));
    }
    if !hit.words.is_empty() {
        why += &format!("; share {}", hit.words.join(", "));
    }
    writeln!(out, "            {}", sanitize_line(&why, 100))?;
    if !hit.passage.is_empty() {
        writeln!(out, "            “{}”", sanitize_line(&hit.passage, 98))?;
    }
    Ok(())
}
