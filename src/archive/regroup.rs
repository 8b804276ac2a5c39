//! Groups that keep their numbers while stories are added and removed.
//!
//! Which stories are grouped depends on the verdicts and decisions alone, as in a run over all of them at once. Only the
//! numbers have a history: the number of a group goes where most of its members go.

use std::collections::{BTreeMap, BTreeSet};

use super::{decisions::constraints_on, group_numbers::GroupNumbers, matcher::Matcher, stored_verdicts};
use crate::{
    Result,
    compare::{Relation, Verdict},
    group::{self, Group, Member},
    store::{
        EventKind, GroupNumber, Reader, RunNumber, StoredMember, StoredPair, StoryNumber, WriteTransaction,
    },
    story::{Corpus, StoryId},
};

/// A change of groups, within a transaction.
pub(super) struct GroupUpdate<'a> {
    pub matcher: &'a Matcher,
    pub transaction: &'a WriteTransaction<'a>,
    pub run: RunNumber,
    /// The id of the story that is added, removed or decided on.
    pub cause: &'a str,
}

/// The members of a group before an update.
pub(super) struct FormerGroup {
    pub members: BTreeSet<StoryNumber>,
    canonical: Option<StoryNumber>,
}

/// Groups before an update.
pub(super) type FormerGroups = BTreeMap<GroupNumber, FormerGroup>;

/// Stories without their passages, and their numbers, ascending.
struct Stories {
    corpus: Corpus,
    numbers: Vec<StoryNumber>,
}

impl GroupUpdate<'_> {
    /// Groups the stories that are of one origin with `seeds`, directly or through others, and returns these. `shrunk`
    /// are groups that have just lost a story.
    pub fn regroup(&self, seeds: &[StoryNumber], shrunk: &[GroupNumber]) -> Result<Vec<StoryNumber>> {
        let reader = self.transaction.reader();
        let (component, pairs) = component(reader, seeds)?;
        let former = former_groups(reader, &component, shrunk)?;
        if component.len() < 2 && former.is_empty() {
            return Ok(component);
        }
        let stories = Stories::load(reader, &component)?;
        let groups = self.group(&stories, &pairs)?;
        let sets: Vec<BTreeSet<StoryNumber>> = groups
            .iter()
            .map(|group| group.members.iter().map(|m| stories.number(m.story)).collect())
            .collect();
        let mut numbers = GroupNumbers::assign(&former, &sets);
        for (i, group) in groups.iter().enumerate() {
            self.write_group(&stories, group, i, &former, &mut numbers)?;
        }
        let grouped: BTreeSet<StoryNumber> = sets.into_iter().flatten().collect();
        self.write_departures(&stories, &grouped, &former, &numbers)?;
        Ok(component)
    }

    /// The groups of `stories` by stored verdicts; pairs that were never compared are compared now.
    fn group(&self, stories: &Stories, pairs: &[StoredPair]) -> Result<Vec<Group>> {
        let reader = self.transaction.reader();
        let mut verdicts: Vec<Verdict> = Vec::new();
        for pair in pairs {
            if let (Some(a), Some(b)) = (stories.find(pair.a), stories.find(pair.b)) {
                verdicts.push(stored_verdicts::from_stored(pair, a, b)?);
            }
        }
        let compare = |a: StoryId, b: StoryId| {
            let found = self.matcher.compare_stored(reader, stories.number(a), stories.number(b))?;
            let ordered =
                Verdict { a: a.min(b), b: a.max(b), ..found.unwrap_or_else(|| Verdict::none(a, b)) };
            Ok(if a <= b { ordered } else { ordered.flipped() })
        };
        let constraints = constraints_on(reader, &stories.corpus)?;
        let options = group::Options { constraints, ..self.matcher.options.group.clone() };
        Ok(group::group(&stories.corpus, &verdicts, &options, &compare)?.groups)
    }

    /// Writes group `i` with its members, and logs what happened to it.
    fn write_group(
        &self,
        stories: &Stories,
        group: &Group,
        i: usize,
        former: &FormerGroups,
        numbers: &mut GroupNumbers,
    ) -> Result<()> {
        let canonical = stories.number(group.canonical);
        let number = match numbers.get(i) {
            Some(number) => number,
            None => {
                let number = self.transaction.insert_group(canonical)?;
                numbers.set(i, number);
                // If its members come from a group whose number went elsewhere, they were split off.
                match numbers.origin(i) {
                    Some(from) => self.log(EventKind::Split, from, self.cause, Some(number))?,
                    None => self.log(EventKind::Created, number, stories.id(group.canonical), None)?,
                }
                number
            }
        };
        let before = former.get(&number);
        for member in &group.members {
            let story = stories.number(member.story);
            let was = self.transaction.reader().member(story)?;
            let stored = stored_member(member, story, number, group.canonical);
            if was.as_ref() != Some(&stored) {
                self.transaction.insert_member(&stored)?;
            }
            let from = was.map(|w| w.group).filter(|from| *from != number);
            let stays = before.is_some_and(|b| b.members.contains(&story));
            // Members of groups that were merged or split are covered by these events.
            let moved = from.is_some_and(|from| numbers.is_kept(from) && before.is_some());
            let founds = before.is_none() && member.story == group.canonical;
            if !stays && !founds && (from.is_none() || moved) {
                self.log(EventKind::Joined, number, stories.id(member.story), from)?;
            }
        }
        if before.is_some_and(|b| b.canonical != Some(canonical)) {
            self.log(EventKind::Canonical, number, stories.id(group.canonical), None)?;
        }
        self.transaction.set_canonical(number, Some(canonical))
    }

    /// Removes stories that are in no group any more from their former groups, and logs the end of groups.
    fn write_departures(
        &self,
        stories: &Stories,
        grouped: &BTreeSet<StoryNumber>,
        former: &FormerGroups,
        numbers: &GroupNumbers,
    ) -> Result<()> {
        for (number, before) in former {
            for story in before.members.difference(grouped) {
                if let Some(id) = stories.find(*story) {
                    self.log(EventKind::Left, *number, stories.id(id), None)?;
                    self.transaction.remove_member(*story)?;
                }
            }
            if numbers.is_kept(*number) {
                continue;
            }
            match numbers.successor(*number) {
                Some(into) => self.log(EventKind::Merged, *number, self.cause, Some(into))?,
                None => self.log(EventKind::Dissolved, *number, self.cause, None)?,
            }
            self.transaction.set_canonical(*number, None)?;
        }
        Ok(())
    }

    fn log(
        &self,
        kind: EventKind,
        group: GroupNumber,
        story: &str,
        other: Option<GroupNumber>,
    ) -> Result<()> {
        self.transaction.insert_event(self.run, kind, group, story, other)
    }
}

impl Stories {
    fn load(reader: Reader<'_>, numbers: &[StoryNumber]) -> Result<Self> {
        let mut stories = Stories { corpus: Corpus::default(), numbers: Vec::new() };
        for number in numbers {
            if let Some(story) = reader.story(*number)? {
                stories.corpus.stories.push(story);
                stories.numbers.push(*number);
            }
        }
        Ok(stories)
    }

    fn find(&self, number: StoryNumber) -> Option<StoryId> {
        self.numbers.binary_search(&number).ok().map(|i| StoryId(i as u32))
    }

    fn number(&self, story: StoryId) -> StoryNumber {
        self.numbers[story.index()]
    }

    fn id(&self, story: StoryId) -> &str {
        &self.corpus.stories[story.index()].id
    }
}

fn stored_member(
    member: &Member,
    story: StoryNumber,
    group: GroupNumber,
    canonical: StoryId,
) -> StoredMember {
    let relation = if member.story == canonical { "kept" } else { member.relation.name() };
    StoredMember {
        story,
        group,
        relation: relation.into(),
        coverage: member.coverage,
        coverage_of_canonical: member.coverage_of_canonical,
        cosine: member.cosine,
        removed: member.removed,
        reason: member.reason.clone(),
    }
}

/// The present groups of `stories`, and `shrunk`.
fn former_groups(
    reader: Reader<'_>,
    stories: &[StoryNumber],
    shrunk: &[GroupNumber],
) -> Result<FormerGroups> {
    let mut numbers: BTreeSet<GroupNumber> = shrunk.iter().copied().collect();
    for story in stories {
        numbers.extend(reader.group_of(*story)?);
    }
    let mut former = FormerGroups::new();
    for number in numbers {
        let members = reader.stories_in_group(number)?.into_iter().collect();
        former.insert(number, FormerGroup { members, canonical: reader.canonical(number)? });
    }
    Ok(former)
}

/// The connected component of `seeds`: the stories of one origin with them or decided to be so, directly or through
/// others, ascending; and the verdicts that connect them.
fn component(reader: Reader<'_>, seeds: &[StoryNumber]) -> Result<(Vec<StoryNumber>, Vec<StoredPair>)> {
    let is_origin = |relation: &str| Relation::from_name(relation).is_some_and(Relation::is_origin);
    let has_decisions = reader.has_decisions()?;
    let mut found: BTreeSet<StoryNumber> = seeds.iter().copied().collect();
    let mut pairs = BTreeMap::new();
    let mut open: Vec<StoryNumber> = seeds.to_vec();
    while let Some(story) = open.pop() {
        let mut neighbours = Vec::new();
        // Each verdict is read with the earlier of its two stories; both are in the component.
        for pair in reader.pairs_with_later(story)?.into_iter().filter(|pair| is_origin(&pair.relation)) {
            neighbours.push(pair.b);
            pairs.insert((pair.a, pair.b), pair);
        }
        let earlier = reader.relations_to_earlier(story)?.into_iter();
        neighbours.extend(earlier.filter(|(_, relation)| is_origin(relation)).map(|(other, _)| other));
        if has_decisions && let Some(id) = reader.story_id(story)? {
            for (other, _) in reader.decisions_on(&id)?.into_iter().filter(|(_, same)| *same) {
                neighbours.extend(reader.story_number(&other)?);
            }
        }
        for other in neighbours {
            if found.insert(other) {
                open.push(other);
            }
        }
    }
    Ok((found.into_iter().collect(), pairs.into_values().collect()))
}
