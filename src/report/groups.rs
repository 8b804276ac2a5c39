//! Every story with its group, as JSON lines: `{"id": "…", "group": "…"}`; for scoring and joining.

use std::io::{self, Write};

use serde::Serialize;

use super::json_line;
use crate::{group::Groups, story::Corpus};

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    group: String,
}

pub(super) fn write(corpus: &Corpus, groups: &Groups, out: &mut dyn Write) -> io::Result<()> {
    let mut of = vec![None; corpus.stories.len()];
    for group in &groups.groups {
        for member in &group.members {
            of[member.story.index()] = Some(group.id);
        }
    }
    for (i, story) in corpus.stories.iter().enumerate() {
        // A story alone is a group of its own, told from the others by its place in the input.
        let group = of[i].map_or_else(|| format!("alone-{i}"), |g: u32| format!("group-{g}"));
        json_line(&Line { id: &story.id, group }, out)?;
    }
    Ok(())
}
