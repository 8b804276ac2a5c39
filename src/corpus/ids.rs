//! Ids of stories: given by the input, or generated from the file name or the text.

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{hex, story::Story};

/// Deserializes an id, a string or a number, as a string.
///
/// # Errors
/// If the value is neither.
pub fn deserialize_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(id) => Ok(id),
        Value::Number(id) => Ok(id.to_string()),
        other => Err(D::Error::custom(format!("{other} is not an id: expected a string or a number"))),
    }
}

/// The id of a story that is a file: the file name without extensions.
pub(crate) fn stem_id(path: &Path) -> String {
    let name = name(path);
    let name = strip_compression(&name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.into(),
        _ => name.into(),
    }
}

/// A file name without the ending of a compression, in any case: `a.txt` of `a.txt.gz`.
pub(crate) fn strip_compression(name: &str) -> &str {
    let stem = |ending: &&str| {
        let (stem, last) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
        last.eq_ignore_ascii_case(ending).then_some(stem)
    };
    [".gz", ".zst", ".bz2", ".xz"].iter().find_map(stem).unwrap_or(name)
}

/// The id of one of several stories of a page: `part` counts from 0.
pub(crate) fn part_id(path: &Path, part: u32) -> String {
    format!("{}#{}", stem_id(path), part + 1)
}

/// The id of a record of a file: `record` counts from 0.
pub(crate) fn record_id(path: &Path, record: u64) -> String {
    format!("{}#{}", name(path), record + 1)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned())
}

/// The id generated from the position of `story` in its file, without the number that makes it unique in its run. `None` if
/// the input gave an id, unless that has the same form.
pub fn positional_id(story: &Story) -> Option<String> {
    let at = &story.origin;
    let generated = [stem_id(&at.path), part_id(&at.path, at.part), record_id(&at.path, at.record)];
    let base = base_id(&story.id).unwrap_or(&story.id);
    generated.into_iter().find(|id| *id == story.id || id == base)
}

/// The id without the number that makes it unique: `name` of `name~2`.
pub(crate) fn base_id(id: &str) -> Option<&str> {
    id.rsplit_once('~').filter(|(_, number)| is_number(number)).map(|(base, _)| base)
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok()
}

/// Whether the id of `story` is ordinal: it numbers the records of a file, the stories of a page, or stories of one name. If
/// stories are inserted before it, another story gets that id.
pub fn has_ordinal_id(story: &Story) -> bool {
    let path = &story.origin.path;
    let of_file =
        |of: &str| story.id.strip_prefix(of).and_then(|n| n.strip_prefix('#')).is_some_and(is_number);
    // A file name may have the same form.
    let is_repeated = base_id(&story.id).is_some() && stem_id(path) != story.id;
    is_repeated || of_file(&name(path)) || of_file(&stem_id(path))
}

/// Flags the stories whose id is ordinal, or is the base of an ordinal id.
pub fn flag_ordinal_ids(stories: &[Story]) -> Vec<bool> {
    let ordinal: Vec<bool> = stories.iter().map(has_ordinal_id).collect();
    let numbered = stories.iter().zip(&ordinal).filter(|(_, ordinal)| **ordinal);
    let bases: BTreeSet<&str> = numbered.filter_map(|(s, _)| base_id(&s.id)).collect();
    stories.iter().zip(ordinal).map(|(s, ordinal)| ordinal || bases.contains(s.id.as_str())).collect()
}

/// A digest of title and text: the first 8 bytes of SHA-256, in hexadecimal.
pub fn text_digest(story: &Story) -> String {
    let mut hash = Sha256::new();
    hash.update((story.title.len() as u64).to_le_bytes());
    hash.update(&story.title);
    hash.update(&story.text);
    hex::encode(&hash.finalize()[..8])
}

/// Replaces a positional id by one that depends only on title and text: for stories of streams, where record numbers repeat
/// from one stream to the next.
pub fn assign_content_id(story: &mut Story) {
    if positional_id(story).is_some() {
        story.id = content_id(story);
    }
}

fn content_id(story: &Story) -> String {
    format!("{}#{}", name(&story.origin.path), text_digest(story))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Origin;

    #[test]
    fn recognizes_positional_ids() {
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
    fn recognizes_ordinal_ids() {
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
    fn content_ids_depend_on_title_and_text_only() {
        let id = |title: &str, text: &str, record: u64| {
            let origin = Origin { path: "-".into(), record, ..Origin::default() };
            content_id(&Story { title: title.into(), text: text.into(), origin, ..Story::default() })
        };
        assert_eq!(id("T", "One.", 0), id("T", "One.", 7));
        let all = [id("T", "One.", 0), id("T", "Two.", 0), id("TO", "ne.", 0), id("", "TOne.", 0)];
        assert!(all.iter().enumerate().all(|(i, x)| !all[..i].contains(x) && x.len() == 18), "{all:?}");
    }
}
