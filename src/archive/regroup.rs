//! Groups that keep their numbers while stories come and go.
//!
//! Which stories are together follows from the judgements alone, as in a run over all of them at once; only the numbers
//! have a history. A group's number goes where most of its members go.

use std::collections::{BTreeMap, BTreeSet};

use super::{Matcher, decisions, pairs};
use crate::{
    Result,
    compare::{Relation, Verdict},
    group::{self, Constraints, Group},
    store::{Reader, StoredMember, WriteTransaction},
    story::{Corpus, StoryId},
};

/// What happened to groups, as the log has it.
mod kind {
    pub const CREATED: &str = "created";
    pub const JOINED: &str = "joined";
    pub const LEFT: &str = "left";
    pub const MERGED: &str = "merged";
    pub const SPLIT: &str = "split";
    pub const CANONICAL: &str = "canonical";
    pub const DISSOLVED: &str = "dissolved";
}

/// A group as it was before.
struct Before {
    members: BTreeSet<i64>,
    canonical: Option<i64>,
}

impl Matcher {
    /// Groups the stories anew that are of one origin with `seeds`, directly or through others, and tells which these are;
    /// `cause` is the id of the story that came or went, `gone` the groups that lost a story.
    pub(super) fn regroup(
        &self,
        transaction: &WriteTransaction<'_>,
        run: i64,
        seeds: &[i64],
        gone: &[i64],
        cause: &str,
    ) -> Result<Vec<i64>> {
        let reader = transaction.reader();
        let (region, edges) = region(reader, seeds)?;
        let mut old: BTreeMap<i64, Before> = BTreeMap::new();
        let groups = region.iter().map(|s| Ok(reader.member(*s)?.map(|m| m.group)));
        let groups: Vec<Option<i64>> = groups.collect::<Result<_>>()?;
        for group in groups.into_iter().flatten().chain(gone.iter().copied()) {
            if let std::collections::btree_map::Entry::Vacant(slot) = old.entry(group) {
                let members = reader.members(group)?.into_iter().map(|m| m.story).collect();
                slot.insert(Before { members, canonical: reader.canonical(group)? });
            }
        }
        if region.len() < 2 && old.is_empty() {
            return Ok(region);
        }
        let (corpus, numbers) = stories(reader, &region)?;
        let place = |number: &i64| numbers.binary_search(number).ok().map(|i| StoryId(i as u32));
        let mut verdicts: Vec<Verdict> = Vec::new();
        for pair in &edges {
            if let (Some(a), Some(b)) = (place(&pair.a), place(&pair.b)) {
                verdicts.push(pairs::verdict(pair, a, b)?);
            }
        }
        let compare = |a: StoryId, b: StoryId| {
            let found = self.verdict(reader, numbers[a.index()], numbers[b.index()])?;
            let ordered =
                Verdict { a: a.min(b), b: a.max(b), ..found.unwrap_or_else(|| Verdict::none(a, b)) };
            Ok(if a <= b { ordered } else { ordered.flipped() })
        };
        let options = group::Options { constraints: decided(reader, &corpus)?, ..self.options.group.clone() };
        let groups = group::group(&corpus, &verdicts, &options, &compare)?.groups;
        self.number(transaction, run, cause, &groups, &corpus, &numbers, &old)?;
        Ok(region)
    }

    /// Gives the groups their numbers, and notes what happened to each.
    #[expect(clippy::too_many_arguments, reason = "what was, what is, and under which names")]
    fn number(
        &self,
        transaction: &WriteTransaction<'_>,
        run: i64,
        cause: &str,
        groups: &[Group],
        corpus: &Corpus,
        numbers: &[i64],
        old: &BTreeMap<i64, Before>,
    ) -> Result<()> {
        let sets: Vec<BTreeSet<i64>> =
            groups.iter().map(|g| g.members.iter().map(|m| numbers[m.story.index()]).collect()).collect();
        // Where most of a group's members go; of equal claims the older number, then the earlier set, comes first.
        let mut claims: Vec<(usize, i64, usize)> = Vec::new();
        for (at, set) in sets.iter().enumerate() {
            for (number, before) in old {
                let common = before.members.intersection(set).count();
                if common > 0 {
                    claims.push((common, *number, at));
                }
            }
        }
        claims.sort_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
        let mut number_of: BTreeMap<usize, i64> = BTreeMap::new();
        let mut taken: BTreeSet<i64> = BTreeSet::new();
        for (_, number, at) in &claims {
            if !taken.contains(number) && !number_of.contains_key(at) {
                number_of.insert(*at, *number);
                taken.insert(*number);
            }
        }
        let event = |kind: &str, group: i64, story: &str, other: Option<i64>| {
            transaction.insert_event(run, kind, group, story, other)
        };
        let mut placed: BTreeSet<i64> = BTreeSet::new();
        for (at, group) in groups.iter().enumerate() {
            let canonical = numbers[group.canonical.index()];
            let id = |story: StoryId| corpus.stories[story.index()].id.as_str();
            let number = match number_of.get(&at) {
                Some(number) => *number,
                None => {
                    let number = transaction.insert_group(canonical)?;
                    number_of.insert(at, number);
                    // Members of a group whose number went elsewhere were split off.
                    match claims.iter().find(|c| c.2 == at) {
                        Some((_, from, _)) => event(kind::SPLIT, *from, cause, Some(number))?,
                        None => event(kind::CREATED, number, id(group.canonical), None)?,
                    }
                    number
                }
            };
            let known = old.get(&number);
            for member in &group.members {
                let story = numbers[member.story.index()];
                let was = transaction.reader().member(story)?;
                let stored = stored_member(member, story, number, group.canonical);
                if was.as_ref() != Some(&stored) {
                    transaction.set_member(&stored)?;
                }
                let from = was.map(|w| w.group).filter(|from| *from != number);
                let here = known.is_some_and(|b| b.members.contains(&story));
                // Members of a merged or a split group are told of by that.
                let moved = from.is_some_and(|from| taken.contains(&from) && known.is_some());
                let first = known.is_none() && member.story == group.canonical;
                if !here && !first && (from.is_none() || moved) {
                    event(kind::JOINED, number, id(member.story), from)?;
                }
                placed.insert(story);
            }
            if known.is_some_and(|b| b.canonical != Some(canonical)) {
                event(kind::CANONICAL, number, id(group.canonical), None)?;
            }
            transaction.set_canonical(number, Some(canonical))?;
        }
        for (number, before) in old {
            for story in before.members.difference(&placed) {
                if let Ok(at) = numbers.binary_search(story) {
                    event(kind::LEFT, *number, &corpus.stories[at].id, None)?;
                    transaction.remove_member(*story)?;
                }
            }
            if taken.contains(number) {
                continue;
            }
            match claims.iter().find(|c| c.1 == *number) {
                Some((_, _, at)) => event(kind::MERGED, *number, cause, number_of.get(at).copied())?,
                None => event(kind::DISSOLVED, *number, cause, None)?,
            }
            transaction.set_canonical(*number, None)?;
        }
        Ok(())
    }
}

fn stored_member(member: &group::Member, story: i64, group: i64, canonical: StoryId) -> StoredMember {
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

/// The stories of one origin with `seeds`, directly or through others, ascending, and the judgements that say so.
fn region(reader: Reader<'_>, seeds: &[i64]) -> Result<(Vec<i64>, Vec<crate::store::StoredPair>)> {
    let mut region: BTreeSet<i64> = seeds.iter().copied().collect();
    let mut edges = BTreeMap::new();
    let mut rest: Vec<i64> = seeds.to_vec();
    let is_decided = reader.has_decisions()?;
    while let Some(story) = rest.pop() {
        let is_origin = |relation: &str| Relation::from_name(relation).is_some_and(Relation::is_origin);
        // Each judgement is read with the earlier of its two stories, which both come up.
        for pair in reader.pairs_with_later(story)?.into_iter().filter(|pair| is_origin(&pair.relation)) {
            if region.insert(pair.b) {
                rest.push(pair.b);
            }
            edges.insert((pair.a, pair.b), pair);
        }
        for (other, _) in
            reader.earlier_relations(story)?.into_iter().filter(|(_, relation)| is_origin(relation))
        {
            if region.insert(other) {
                rest.push(other);
            }
        }
        let Some(id) = is_decided.then(|| reader.story_id(story)).transpose()?.flatten() else { continue };
        for (other, same) in reader.decisions_of(&id)? {
            if let Some(other) = reader.story_number(&other)?.filter(|_| same)
                && region.insert(other)
            {
                rest.push(other);
            }
        }
    }
    Ok((region.into_iter().collect(), edges.into_values().collect()))
}

/// What people decided of the stories of `corpus`.
pub(super) fn decided(reader: Reader<'_>, corpus: &Corpus) -> Result<Constraints> {
    let is_decided = reader.has_decisions()?;
    let mut pairs = Vec::new();
    for story in corpus.stories.iter().filter(|_| is_decided) {
        let of_story = reader.decisions_of(&story.id)?.into_iter().filter(|(other, _)| story.id < *other);
        pairs.extend(of_story.map(|(other, same)| (story.id.clone(), other, same)));
    }
    Ok(decisions::among(reader, pairs)?.resolve(corpus))
}

/// The stories of `region` as a corpus without passages, and their numbers.
fn stories(reader: Reader<'_>, region: &[i64]) -> Result<(Corpus, Vec<i64>)> {
    let mut corpus = Corpus::default();
    let mut numbers = Vec::new();
    for number in region {
        if let Some(story) = reader.story(*number)? {
            corpus.stories.push(story);
            numbers.push(*number);
        }
    }
    Ok((corpus, numbers))
}
