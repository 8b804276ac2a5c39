//! The group of every story as JSON lines (`{"id": "…", "group": "…"}`), for evaluation and joins.

use std::io::{self, Write};

use serde::Serialize;

use super::json_line;
use crate::{group::Groups, story::Corpus};

/// A story with the name of its group.
#[derive(Serialize)]
pub(super) struct Membership<'a> {
    pub id: &'a str,
    pub group: String,
}

pub(super) fn write(corpus: &Corpus, groups: &Groups, out: &mut dyn Write) -> io::Result<()> {
    let mut group_of = vec![None; corpus.stories.len()];
    for group in &groups.groups {
        for member in &group.members {
            group_of[member.story.index()] = Some(group.id);
        }
    }
    for (i, story) in corpus.stories.iter().enumerate() {
        // A single story is a group of its own, numbered by its place in the input.
        let group = group_of[i].map_or_else(|| format!("alone-{i}"), |g: u32| format!("group-{g}"));
        json_line(&Membership { id: &story.id, group }, out)?;
    }
    Ok(())
}
