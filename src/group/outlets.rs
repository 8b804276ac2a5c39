//! The passages of each publisher by their origin: an agency, another outlet, boilerplate, or the publisher itself.

use std::collections::BTreeMap;

use super::{
    Group, Groups,
    credit::{AgencyCredit, is_agency},
    origin::likely_origin,
    publishers::Publishers,
};
use crate::{
    compare::Comparer,
    story::{Corpus, StoryId},
};

/// A passage of which the origin has this share of the informative words is taken from it.
const MIN_TAKEN: f32 = 0.5;

/// The passages of one publisher, by their origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlet {
    /// Its name; none for stories without a source.
    pub source: Option<String>,
    /// Its stories.
    pub stories: usize,
    /// Passages from a story that credits an agency other than itself.
    pub agency: usize,
    /// Passages from another outlet's story, with no agency credited.
    pub copied: usize,
    /// Boilerplate passages.
    pub boilerplate: usize,
    /// Passages that no other outlet had before it.
    pub original: usize,
}

impl Outlet {
    /// All its passages.
    pub fn passages(&self) -> usize {
        self.agency + self.copied + self.boilerplate + self.original
    }
}

/// The likely origin of a group, and the agency that its stories credit.
struct GroupOrigin {
    story: StoryId,
    agency: Option<String>,
}

/// The publishers of `corpus` by name, those without one first.
///
/// A passage of a story in a group is taken from the likely origin of the group if that is another outlet's and holds
/// half of it: agency copy where an agency is credited, else copied. A story by an outlet that credits an agency, with no
/// other outlet's story to compare it with, is agency copy as a whole.
pub fn outlets(corpus: &Corpus, comparer: &Comparer, groups: &Groups) -> Vec<Outlet> {
    let origins: Vec<GroupOrigin> = groups.groups.iter().map(|group| group_origin(corpus, group)).collect();
    let mut origin_of: BTreeMap<StoryId, &GroupOrigin> = BTreeMap::new();
    for (group, origin) in groups.groups.iter().zip(&origins) {
        origin_of.extend(group.members.iter().map(|m| (m.story, origin)));
    }
    let publishers = Publishers::new(corpus.stories.iter());
    let mut outlets: BTreeMap<Option<&str>, Outlet> = BTreeMap::new();
    for (story, id) in corpus.stories.iter().zip((0..).map(StoryId)) {
        let source = publishers.of(story);
        let outlet = outlets
            .entry(source)
            .or_insert_with(|| Outlet { source: source.map(String::from), ..Outlet::default() });
        outlet.stories += 1;
        // Stories without a source are each by another publisher.
        let is_own = |of: StoryId| source.is_some() && publishers.of(&corpus.stories[of.index()]) == source;
        let origin = origin_of.get(&id).filter(|origin| origin.story != id && !is_own(origin.story));
        let credit = story.credit.as_deref();
        let is_agency_story = credit.is_some() && !is_agency(source, credit);
        let coverage = origin.map(|origin| comparer.passage_coverage(id, origin.story));
        for (at, row) in corpus.story_rows(id).enumerate() {
            if comparer.boilerplate()[row.index()] {
                outlet.boilerplate += 1;
                continue;
            }
            match (origin, &coverage) {
                (Some(origin), Some(coverage)) if coverage[at] >= MIN_TAKEN => {
                    let by_agency = origin.agency.is_some() && !is_agency(source, origin.agency.as_deref());
                    *(if by_agency { &mut outlet.agency } else { &mut outlet.copied }) += 1;
                }
                (None, _) if is_agency_story => outlet.agency += 1,
                _ => outlet.original += 1,
            }
        }
    }
    outlets.into_values().collect()
}

fn group_origin(corpus: &Corpus, group: &Group) -> GroupOrigin {
    let stories = group.stories();
    let credit = AgencyCredit::new(stories.iter().map(|id| &corpus.stories[id.index()]));
    GroupOrigin { story: likely_origin(corpus, &stories).story, agency: credit.into_agency() }
}
