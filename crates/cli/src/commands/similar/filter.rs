//! Restrictions of a lookup by date and publisher.

use samestory::{corpus, story::Corpus};

use super::SimilarArgs;
use crate::error::{CliError, Result};

/// Which stories may be found: by date and publisher.
pub struct Filter<'a> {
    since: Option<i64>,
    until: Option<i64>,
    sources: &'a [String],
}

impl<'a> Filter<'a> {
    pub fn new(args: &'a SimilarArgs) -> Result<Self> {
        let date = |option: &str, text: &Option<String>, end: bool| match text {
            None => Ok(None),
            Some(text) => corpus::parse_date(text, end).map(Some).ok_or_else(|| CliError::Usage {
                option: option.into(),
                message: format!("{text:?} is no date"),
                hint: format!(
                    "give a day or a time, as in {option} 2024-07-04 or {option} 2024-07-04T20:36Z"
                ),
            }),
        };
        Ok(Filter {
            since: date("--since", &args.since, false)?,
            until: date("--until", &args.until, true)?,
            sources: &args.sources,
        })
    }

    /// Whether all stories may be found.
    pub fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.sources.is_empty()
    }

    /// For each story whether it may be found, and how many may not because they have no date.
    pub fn allowed(&self, corpus: &Corpus) -> (Vec<bool>, usize) {
        let dated = self.since.is_some() || self.until.is_some();
        let mut undated = 0;
        let mut allowed: Vec<bool> = Vec::new();
        for story in &corpus.stories {
            let named = story.source.as_deref().unwrap_or("");
            let source =
                self.sources.is_empty() || self.sources.iter().any(|s| s.eq_ignore_ascii_case(named));
            let time = match story.published {
                Some(at) => self.since.is_none_or(|s| at >= s) && self.until.is_none_or(|u| at <= u),
                None => {
                    undated += usize::from(dated && source);
                    !dated
                }
            };
            allowed.push(source && time);
        }
        (allowed, undated)
    }
}
