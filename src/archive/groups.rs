//! All stories of a store with its groups and links.

use std::collections::BTreeMap;

use super::{Archive, stored_verdicts, working_set::WorkingSet};
use crate::{
    Result,
    compare::{Comparer, Relation, Verdict},
    group::{Group, Groups, Member, edges, health, membership_evidence},
    store::{GroupNumber, Reader, StoryNumber},
    story::{Corpus, StoryId},
};

/// The stories of a store with their groups.
pub struct ArchiveGroups {
    /// The stories, in the order in which they were added.
    pub corpus: Corpus,
    /// The verdicts on pairs of them.
    pub verdicts: Vec<Verdict>,
    /// Groups under their numbers, and links.
    pub groups: Groups,
}

/// Stories with their groups, and what compares them.
pub struct GroupedCorpus<'a> {
    /// The stories, in the order in which they were added.
    pub corpus: &'a Corpus,
    /// The verdicts on pairs of them.
    pub verdicts: &'a [Verdict],
    /// Groups under their numbers, and links.
    pub groups: &'a Groups,
    /// Compares any two of them.
    pub comparer: &'a Comparer<'a>,
}

/// The places of stories in a corpus, by their numbers.
type Places = BTreeMap<StoryNumber, StoryId>;

impl Archive {
    /// Reads all stories with their groups.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn groups(&self) -> Result<ArchiveGroups> {
        let (set, verdicts, groups) = self.read_all()?;
        Ok(ArchiveGroups { corpus: set.corpus, verdicts, groups })
    }

    /// Reads all stories with their groups, and gives them to `use_groups` with a comparer.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn with_groups<T>(&self, use_groups: impl FnOnce(&GroupedCorpus<'_>) -> T) -> Result<T> {
        let (set, verdicts, groups) = self.read_all()?;
        let (corpus, verdicts, groups) = (&set.corpus, &verdicts[..], &groups);
        self.matcher.with_comparer(self.store.reader(), &set, |comparer| {
            use_groups(&GroupedCorpus { corpus, verdicts, groups, comparer })
        })
    }

    fn read_all(&self) -> Result<(WorkingSet<'_>, Vec<Verdict>, Groups)> {
        let reader = self.store.reader();
        let mut set = self.matcher.working_set(reader);
        let mut places = Places::new();
        for number in reader.story_numbers(StoryNumber::FIRST)? {
            places.extend(set.load(number)?.map(|id| (number, id)));
        }
        let mut verdicts = Vec::new();
        for pair in reader.pairs()? {
            if let (Some(a), Some(b)) = (places.get(&pair.a), places.get(&pair.b)) {
                verdicts.push(stored_verdicts::from_stored(&pair, *a, *b)?);
            }
        }
        let groups = read_groups(reader, &places, &verdicts)?;
        let is_link = |v: &&Verdict| v.relation.is_link();
        let links = verdicts.iter().filter(is_link).cloned().collect();
        Ok((set, verdicts, Groups { groups, links }))
    }
}

fn read_groups(reader: Reader<'_>, places: &Places, verdicts: &[Verdict]) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    let edges = edges(verdicts.iter());
    for (number, canonical) in reader.groups()? {
        let Some(canonical) = places.get(&canonical).copied() else { continue };
        let mut members = read_members(reader, number, places)?;
        let mut stories: Vec<StoryId> = members.iter().map(|m| m.story).collect();
        stories.sort_unstable();
        for member in members.iter_mut().filter(|m| m.story != canonical) {
            let evidence = membership_evidence(&edges, member.story, canonical, &stories);
            member.probability = evidence.map(|verdict| verdict.probability());
        }
        members.sort_by_key(|m| (m.story != canonical, m.story));
        groups.push(Group { id: number.0 as u32, canonical, members, health: health(&stories, &edges) });
    }
    Ok(groups)
}

fn read_members(reader: Reader<'_>, group: GroupNumber, places: &Places) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for stored in reader.members(group)? {
        let Some(story) = places.get(&stored.story).copied() else { continue };
        members.push(Member {
            story,
            relation: Relation::from_name(&stored.relation).unwrap_or(Relation::Identical),
            coverage: stored.coverage,
            coverage_of_canonical: stored.coverage_of_canonical,
            cosine: stored.cosine,
            probability: None,
            removed: stored.removed,
            reason: stored.reason,
        });
    }
    Ok(members)
}
