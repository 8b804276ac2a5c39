//! The agencies that the stories of a group credit.

use std::collections::BTreeMap;

use super::publishers::words;
use crate::story::Story;

/// The agencies that most of some stories credit; of equally many the first by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AgencyCredit {
    /// Of all stories.
    overall: Option<String>,
    /// Of the stories that are not by the agency itself.
    by_other_publishers: Option<String>,
}

impl AgencyCredit {
    /// The agencies that `stories` credit.
    pub fn new<'a>(stories: impl Iterator<Item = &'a Story>) -> Self {
        let (mut all, mut others): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
        for story in stories {
            let Some(name) = story.credit.as_deref() else { continue };
            *all.entry(name).or_default() += 1;
            if !is_agency(story.source.as_deref(), Some(name)) {
                *others.entry(name).or_default() += 1;
            }
        }
        let most_credited = |counts: BTreeMap<&str, usize>| {
            counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(name, _)| name.to_string())
        };
        AgencyCredit { overall: most_credited(all), by_other_publishers: most_credited(others) }
    }

    /// The agency that other publishers credit most.
    pub fn by_other_publishers(&self) -> Option<&str> {
        self.by_other_publishers.as_deref()
    }

    /// The agency that other publishers credit most, or else all.
    pub fn into_agency(self) -> Option<String> {
        self.by_other_publishers.or(self.overall)
    }
}

/// Whether `source` is the agency `credit`, or a branch of it: "Reuters" and "Reuters India".
pub(super) fn is_agency(source: Option<&str>, credit: Option<&str>) -> bool {
    source.zip(credit).is_some_and(|(s, c)| !c.trim().is_empty() && words(s).starts_with(&words(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_credited_agency_is_chosen() {
        let own = |source: &str| Story {
            source: Some(source.into()),
            credit: Some("AP".into()),
            ..Story::default()
        };
        let of_itself = AgencyCredit::new([own("ap")].iter());
        let expect = AgencyCredit { overall: Some("AP".into()), by_other_publishers: None };
        assert_eq!(of_itself, expect);
        let check = |credits: &[&str], expect: Option<&str>| {
            let stories: Vec<Story> =
                credits.iter().map(|c| Story { credit: Some((*c).into()), ..Story::default() }).collect();
            assert_eq!(AgencyCredit::new(stories.iter()).by_other_publishers(), expect);
        };
        check(&["AP", "Reuters", "Reuters"], Some("Reuters"));
        check(&["Reuters", "AP"], Some("AP"));
        check(&[], None);
    }
}
