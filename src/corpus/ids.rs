//! Ids of stories that bring none: by the name of their file, or by their text.

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{hex, story::Story};

/// An id in a line of JSON: a text or a number, as it may be in a record.
pub fn deserialize_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(id) => Ok(id),
        Value::Number(id) => Ok(id.to_string()),
        other => Err(D::Error::custom(format!("{other} is no id: a text or a number is"))),
    }
}

/// The file's name without endings, for stories that are files.
pub(crate) fn stem_id(path: &Path) -> String {
    let name = name(path);
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.into(),
        _ => name.into(),
    }
}

/// For a story of a page that holds several.
pub(crate) fn part_id(path: &Path, part: u32) -> String {
    format!("{}#{}", stem_id(path), part + 1)
}

/// For a record of a file of many, counted from 0.
pub(crate) fn record_id(path: &Path, record: u64) -> String {
    format!("{}#{}", name(path), record + 1)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned())
}

/// The id that `story` was given by the place where it was read, without the number that sets it off from others of
/// that run; none if it brought its own, unless that reads the same.
pub fn positional_id(story: &Story) -> Option<String> {
    let at = &story.origin;
    let made = [stem_id(&at.path), part_id(&at.path, at.part), record_id(&at.path, at.record)];
    let plain = first_of_name(&story.id).unwrap_or(&story.id);
    made.into_iter().find(|id| *id == story.id || id == plain)
}

/// The id of the first story of a name, for those that are set off from it by a number.
fn first_of_name(id: &str) -> Option<&str> {
    id.rsplit_once('~').filter(|(_, number)| is_number(number)).map(|(first, _)| first)
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok()
}

/// Whether the id of `story` counts: records of a file, stories of a page, or stories of one name. Where others come before
/// it, another story has that id.
pub fn has_ordinal_id(story: &Story) -> bool {
    let path = &story.origin.path;
    let of_file =
        |of: &str| story.id.strip_prefix(of).and_then(|n| n.strip_prefix('#')).is_some_and(is_number);
    // A file may be named so.
    let is_repeated = first_of_name(&story.id).is_some() && stem_id(path) != story.id;
    is_repeated || of_file(&name(path)) || of_file(&stem_id(path))
}

/// For each story whether its id counts, or is the first of those that do.
pub fn flag_ordinal_ids(stories: &[Story]) -> Vec<bool> {
    let counted: Vec<bool> = stories.iter().map(has_ordinal_id).collect();
    let later = stories.iter().zip(&counted).filter(|(_, counted)| **counted);
    let first: BTreeSet<&str> = later.filter_map(|(s, _)| first_of_name(&s.id)).collect();
    stories.iter().zip(counted).map(|(s, counted)| counted || first.contains(s.id.as_str())).collect()
}

/// A digest of a story's title and text, in hexadecimal: the first 8 bytes of SHA-256.
pub fn text_digest(story: &Story) -> String {
    let mut hash = Sha256::new();
    hash.update((story.title.len() as u64).to_le_bytes());
    hash.update(&story.title);
    hash.update(&story.text);
    hex::encode(&hash.finalize()[..8])
}

/// Gives a story of a stream that brought no id one that follows from its title and text alone: another stream has records
/// of the same numbers.
pub fn assign_content_id(story: &mut Story) {
    if positional_id(story).is_some() {
        story.id = by_text(story);
    }
}

fn by_text(story: &Story) -> String {
    format!("{}#{}", name(&story.origin.path), text_digest(story))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Origin;

    #[test]
    fn an_id_that_was_made_is_told_from_one_that_was_given() {
        let check = |id: &str, path: &str, record: u64, part: u32, expect: Option<&str>| {
            let origin = Origin { path: path.into(), record, part, ..Origin::default() };
            let story = Story { id: id.into(), origin, ..Story::default() };
            assert_eq!(positional_id(&story).as_deref(), expect, "{id} of {path}");
        };
        check("news.jsonl.gz#3", "d/news.jsonl.gz", 2, 0, Some("news.jsonl.gz#3"));
        check("news.jsonl#3~12", "d/news.jsonl", 2, 0, Some("news.jsonl#3"));
        check("news.jsonl#4", "d/news.jsonl", 2, 0, None);
        check("page", "d/page.txt.gz", 0, 0, Some("page"));
        check("page#2", "d/page.txt", 0, 1, Some("page#2"));
        check("a~b", "d/a~b.txt", 0, 0, Some("a~b"));
        check("a~2", "d/a~2.txt", 0, 0, Some("a~2"));
        check("a~2", "d/b.txt", 0, 0, None);
        check("-#1", "-", 0, 0, Some("-#1"));
        check("wx-1", "-", 0, 0, None);
    }

    #[test]
    fn an_id_that_counts_is_told_from_one_that_names() {
        let check = |ids: &[(&str, &str)], expect: &[bool]| {
            let story = |(id, path): &(&str, &str)| Story {
                id: (*id).into(),
                origin: Origin { path: path.into(), ..Origin::default() },
                ..Story::default()
            };
            let stories: Vec<Story> = ids.iter().map(story).collect();
            assert_eq!(flag_ordinal_ids(&stories), expect, "{ids:?}");
        };
        check(&[("news.jsonl#3", "d/news.jsonl"), ("hw-1", "d/news.jsonl")], &[true, false]);
        check(&[("page#2", "d/page.txt"), ("page", "d/page.txt")], &[true, false]);
        check(
            &[("index", "a/index.txt"), ("index~2", "b/index.txt"), ("own", "own.txt")],
            &[true, true, false],
        );
        check(&[("x", "in.jsonl"), ("x~2", "in.jsonl")], &[true, true]);
        check(&[("a~2", "d/a~2.txt"), ("a", "d/a.txt")], &[false, false]);
    }

    #[test]
    fn an_id_by_text_is_that_of_the_text() {
        let id = |title: &str, text: &str, record: u64| {
            let origin = Origin { path: "-".into(), record, ..Origin::default() };
            by_text(&Story { title: title.into(), text: text.into(), origin, ..Story::default() })
        };
        assert_eq!(id("T", "One.", 0), id("T", "One.", 7));
        let all = [id("T", "One.", 0), id("T", "Two.", 0), id("TO", "ne.", 0), id("", "TOne.", 0)];
        assert!(all.iter().enumerate().all(|(i, x)| !all[..i].contains(x) && x.len() == 18), "{all:?}");
    }
}
