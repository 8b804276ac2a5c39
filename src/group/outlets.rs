//! What each publisher's passages are: an agency's, another outlet's, boilerplate, or its own.

use std::collections::BTreeMap;

use super::{
    Groups,
    publishers::Publishers,
    reach::{is_agency, most_credited_agency, origin},
};
use crate::{
    compare::Comparer,
    story::{Corpus, StoryId},
};

/// A passage of which the origin holds this share of the informative words is taken from it.
const TAKEN: f32 = 0.5;

/// The passages of one publisher, by what they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlet {
    /// Its name; none for stories without a source.
    pub source: Option<String>,
    /// Its stories.
    pub stories: usize,
    /// Passages from a story that credits an agency other than itself.
    pub agency: usize,
    /// Passages from another outlet's story, with no agency most_credited_agency.
    pub copied: usize,
    /// Passages that recur in its unrelated stories.
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

/// A story's group as passages see it.
struct Run {
    origin: StoryId,
    credit: Option<String>,
}

/// The publishers of `corpus` by name, those without one first.
///
/// A passage of a story in a group is taken from the likely origin of the group if that is another outlet's and holds
/// half of it: agency copy where an agency is most_credited_agency, else copied. A story by an outlet that credits an agency, with no
/// other outlet's story to compare it with, is agency copy as a whole.
pub fn outlets(corpus: &Corpus, comparer: &Comparer, groups: &Groups) -> Vec<Outlet> {
    let mut runs: BTreeMap<StoryId, usize> = BTreeMap::new();
    let run = |(i, group): (usize, &super::Group)| {
        let mut stories: Vec<StoryId> = group.members.iter().map(|m| m.story).collect();
        let of = |id: &StoryId| &corpus.stories[id.index()];
        stories.sort_by_key(|id| (of(id).published.is_none(), of(id).published, *id));
        runs.extend(stories.iter().map(|id| (*id, i)));
        let credit = most_credited_agency(stories.iter().map(of));
        Run { origin: origin(corpus, &stories, &credit).0, credit: credit.by_others.or(credit.by_any) }
    };
    let of_groups: Vec<Run> = groups.groups.iter().enumerate().map(run).collect();
    let publishers = Publishers::new(corpus.stories.iter());
    let mut outlets: BTreeMap<Option<&str>, Outlet> = BTreeMap::new();
    for (i, story) in corpus.stories.iter().enumerate() {
        let id = StoryId(i as u32);
        let source = publishers.of(story);
        let outlet = outlets
            .entry(source)
            .or_insert_with(|| Outlet { source: source.map(String::from), ..Outlet::default() });
        outlet.stories += 1;
        let run = runs.get(&id).map(|r| &of_groups[*r]);
        // Stories without a source are each by another.
        let is_own = |of: StoryId| source.is_some() && publishers.of(&corpus.stories[of.index()]) == source;
        let elsewhere = run.filter(|r| r.origin != id && !is_own(r.origin));
        let credit = story.credit.as_deref();
        let by_agency = credit.is_some() && !is_agency(source, credit);
        let found = elsewhere.map(|r| comparer.passage_coverage(id, r.origin));
        for (at, row) in corpus.story_rows(id).enumerate() {
            if comparer.boilerplate()[row.index()] {
                outlet.boilerplate += 1;
                continue;
            }
            match (elsewhere, &found) {
                (Some(run), Some(found)) if found[at] >= TAKEN => {
                    let agency = run.credit.is_some() && !is_agency(source, run.credit.as_deref());
                    *(if agency { &mut outlet.agency } else { &mut outlet.copied }) += 1;
                }
                (None, _) if by_agency => outlet.agency += 1,
                _ => outlet.original += 1,
            }
        }
    }
    outlets.into_values().collect()
}
