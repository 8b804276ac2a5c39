//! Which story of a group is kept.

use std::{cmp::Reverse, str::FromStr};

use super::{
    origin::likely_origin,
    publishers::{Publishers, words},
};
use crate::{
    Error,
    error::Setting,
    story::{Corpus, StoryId},
};

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keep {
    /// The likely origin: the latest version of a growing story, then the agency that is credited, then the first, then the
    /// cleanest and fullest.
    #[default]
    Origin,
    /// The one published first; one without a date comes after those with one.
    Earliest,
    /// The one published last; one without a date comes after those with one.
    Latest,
    /// The one with the longest text.
    Longest,
    /// The one read first.
    First,
    /// The one of the source that stands first in the list; of several, the likely origin.
    Source(Vec<String>),
}

/// A source of [`Keep::Source`] that is no publisher of the stories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSource {
    /// Its name.
    pub name: String,
    /// Publishers of similar names, the most similar first.
    pub similar: Vec<String>,
}

impl Keep {
    /// The story of `members`, which are in the order of the input, that is kept; the one read first where the policy sees no
    /// difference.
    pub fn choose(&self, corpus: &Corpus, members: &[StoryId]) -> StoryId {
        let story = |s: &StoryId| &corpus.stories[s.index()];
        let chosen = match self {
            Keep::Origin => Some(likely_origin(corpus, members).story),
            Keep::Earliest => {
                members.iter().copied().min_by_key(|s| (story(s).published.is_none(), story(s).published, *s))
            }
            Keep::Latest => members.iter().copied().min_by_key(|s| (Reverse(story(s).published), *s)),
            Keep::Longest => members.iter().copied().min_by_key(|s| (Reverse(story(s).text.len()), *s)),
            Keep::First => members.iter().copied().min(),
            Keep::Source(list) => {
                let list: Vec<_> = list.iter().map(|name| words(name)).collect();
                let rank = |s: &StoryId| {
                    let source = words(story(s).source.as_deref().unwrap_or_default());
                    list.iter().position(|name| *name == source).unwrap_or(list.len())
                };
                let best = members.iter().map(rank).min();
                let trusted: Vec<StoryId> =
                    members.iter().copied().filter(|s| Some(rank(s)) == best).collect();
                Some(likely_origin(corpus, &trusted).story)
            }
        };
        chosen.unwrap_or(members[0])
    }

    /// Whether it goes by the names of publishers.
    pub fn names_sources(&self) -> bool {
        matches!(self, Keep::Source(_))
    }

    /// The sources of the policy that are none of `publishers`.
    pub fn unknown_sources(&self, publishers: &Publishers<'_>) -> Vec<UnknownSource> {
        let Keep::Source(list) = self else { return Vec::new() };
        let unknown = list.iter().filter(|name| !publishers.has(name));
        unknown.map(|name| UnknownSource { name: name.clone(), similar: publishers.similar(name) }).collect()
    }
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sources =
            |list: &str| list.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect();
        match text {
            "origin" => Ok(Keep::Origin),
            "earliest" => Ok(Keep::Earliest),
            "latest" => Ok(Keep::Latest),
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

    fn corpus() -> Corpus {
        const HOUR: i64 = 3_600_000;
        let story = |published: Option<i64>, source: &str, text: &str| Story {
            published: published.map(|hours| hours * HOUR),
            source: Some(source.into()),
            text: text.into(),
            ..Story::default()
        };
        let stories = vec![
            story(None, "Ayle Post", "Rain fell."),
            story(Some(5), "Bask Wire", "Rain."),
            story(Some(3), "Corr Daily", "Rain fell on Skell."),
            story(Some(9), "bask  wire", "Rain in Skell, and more of it."),
        ];
        Corpus { stories, ..Corpus::default() }
    }

    #[test]
    fn policies_choose() {
        let (corpus, members) = (corpus(), [StoryId(0), StoryId(1), StoryId(2), StoryId(3)]);
        let check = |policy: &str, expect: u32| {
            let chosen = policy.parse::<Keep>().unwrap().choose(&corpus, &members);
            assert_eq!(chosen, StoryId(expect), "{policy}");
        };
        check("origin", 2);
        check("earliest", 2);
        check("latest", 3);
        check("longest", 3);
        check("first", 0);
        check("source:bask wire,ayle post", 1);
        check("source:Zett,ayle  post", 0);
        check("source:Zett", 2);
        assert!("newest".parse::<Keep>().is_err());
    }

    #[test]
    fn unknown_sources_are_named_with_similar_ones() {
        let corpus = corpus();
        let check = |policy: &str, expect: &[(&str, &[&str])]| {
            let found =
                policy.parse::<Keep>().unwrap().unknown_sources(&Publishers::new(corpus.stories.iter()));
            let found: Vec<(&str, Vec<&str>)> = found
                .iter()
                .map(|u| (u.name.as_str(), u.similar.iter().map(String::as_str).collect()))
                .collect();
            let expect: Vec<(&str, Vec<&str>)> = expect.iter().map(|(n, s)| (*n, s.to_vec())).collect();
            assert_eq!(found, expect, "{policy}");
        };
        check("earliest", &[]);
        check("source:BASK WIRE,Ayle Post", &[]);
        check("source:Bask,Ayle Post", &[("Bask", &["Bask Wire"])]);
        check("source:Ayl Post,Core Daily", &[("Ayl Post", &["Ayle Post"]), ("Core Daily", &["Corr Daily"])]);
        check("source:Reuters", &[("Reuters", &[])]);
    }
}
