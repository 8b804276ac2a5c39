//! All stories of a store with their groups and links as the store has them.

use std::collections::BTreeMap;

use super::{Archive, pairs, working_set::WorkingSet};
use crate::{
    Result,
    compare::{Comparer, Relation, Verdict},
    group::{Group, Groups, Member, healths},
    story::{Corpus, StoryId},
};

/// A store as a report shows it.
pub struct GroupedCorpus<'a> {
    /// Its stories, in the order in which they came.
    pub corpus: &'a Corpus,
    /// What they are to one another, as far as anything.
    pub verdicts: &'a [Verdict],
    /// Groups under their numbers, and links.
    pub groups: &'a Groups,
    /// Compares two of them.
    pub comparer: &'a Comparer<'a>,
}

impl Archive {
    /// Reads all stories, and gives them to `show` with what the store knows of them.
    pub fn with_groups<T>(&self, show: impl FnOnce(&GroupedCorpus<'_>) -> T) -> Result<T> {
        let reader = self.store.reader();
        let mut working = WorkingSet::new(reader, &self.matcher.boilerplate, self.matcher.dim);
        let mut place: BTreeMap<i64, StoryId> = BTreeMap::new();
        for number in reader.story_numbers(0)? {
            place.extend(working.take(number)?.map(|id| (number, id)));
        }
        let mut verdicts = Vec::new();
        for pair in reader.pairs()? {
            if let (Some(a), Some(b)) = (place.get(&pair.a), place.get(&pair.b)) {
                verdicts.push(pairs::verdict(&pair, *a, *b)?);
            }
        }
        let mut groups = Vec::new();
        let mut sets = Vec::new();
        for (number, canonical) in reader.groups()? {
            let Some(canonical) = place.get(&canonical).copied() else { continue };
            let mut members: Vec<Member> = Vec::new();
            for stored in reader.members(number)? {
                let Some(story) = place.get(&stored.story).copied() else { continue };
                members.push(Member {
                    story,
                    relation: Relation::from_name(&stored.relation).unwrap_or(Relation::Identical),
                    coverage: stored.coverage,
                    coverage_of_canonical: stored.coverage_of_canonical,
                    cosine: stored.cosine,
                    removed: stored.removed,
                    reason: stored.reason,
                });
            }
            sets.push(members.iter().map(|m| m.story).collect::<Vec<StoryId>>());
            members.sort_by_key(|m| (m.story != canonical, m.story));
            groups.push((number, canonical, members));
        }
        let groups = groups.into_iter().zip(healths(&sets, &verdicts));
        let groups = groups
            .map(|((number, canonical, members), health)| Group {
                id: number as u32,
                canonical,
                members,
                health,
            })
            .collect();
        let linked = |v: &&Verdict| matches!(v.relation, Relation::Twin | Relation::Related);
        let links = verdicts.iter().filter(linked).cloned().collect();
        let groups = Groups { groups, links };
        self.matcher.compare(reader, &working, |comparer| {
            show(&GroupedCorpus { corpus: &working.corpus, verdicts: &verdicts, groups: &groups, comparer })
        })
    }
}
