//! Which story of a group is kept.

use std::str::FromStr;

use crate::{
    Error,
    error::Setting,
    story::{Corpus, StoryId},
};

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keep {
    /// The one published first; one without a date comes after those with one.
    #[default]
    Earliest,
    /// The one with the longest text.
    Longest,
    /// The one read first.
    First,
    /// The one of the source that stands first in the list; then the earliest.
    Source(Vec<String>),
}

impl Keep {
    /// The story of `members` that is kept; the one read first where the policy sees no difference.
    pub fn choose(&self, corpus: &Corpus, members: &[StoryId]) -> StoryId {
        let story = |s: &StoryId| &corpus.stories[s.index()];
        let date = |s: &StoryId| (story(s).published.is_none(), story(s).published, *s);
        let chosen = match self {
            Keep::Earliest => members.iter().min_by_key(|s| date(s)),
            Keep::Longest => members.iter().min_by_key(|s| (std::cmp::Reverse(story(s).text.len()), **s)),
            Keep::First => members.iter().min(),
            Keep::Source(list) => members.iter().min_by_key(|s| {
                let source = story(s).source.as_deref().unwrap_or("");
                let rank = list.iter().position(|l| l.eq_ignore_ascii_case(source)).unwrap_or(list.len());
                (rank, date(s))
            }),
        };
        *chosen.unwrap_or(&members[0])
    }
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sources =
            |list: &str| list.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect();
        match text {
            "earliest" => Ok(Keep::Earliest),
            "longest" => Ok(Keep::Longest),
            "first" => Ok(Keep::First),
            _ => match text.strip_prefix("source:").map(sources) {
                Some(list) if !Vec::is_empty(&list) => Ok(Keep::Source(list)),
                _ => {
                    Err(Error::Setting { setting: Setting::Keep, message: format!("{text:?} is no policy") })
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    #[test]
    fn policies_choose() {
        let story = |published, source: &str, text: &str| Story {
            published,
            source: Some(source.into()),
            text: text.into(),
            ..Story::default()
        };
        let corpus = Corpus {
            stories: vec![story(None, "A", "xx"), story(Some(5), "B", "x"), story(Some(3), "C", "xxx")],
            ..Corpus::default()
        };
        let members = [StoryId(0), StoryId(1), StoryId(2)];
        let check = |policy: &str, expect: u32| {
            assert_eq!(
                policy.parse::<Keep>().unwrap().choose(&corpus, &members),
                StoryId(expect),
                "{policy}"
            );
        };
        check("earliest", 2);
        check("longest", 2);
        check("first", 0);
        check("source:b,a", 1);
        check("source:Z", 2);
        assert!("newest".parse::<Keep>().is_err());
    }
}
