//! Deduplicates new stories against those of a store and one another.

use std::collections::BTreeSet;

use super::{
    Archive,
    decisions::constraints_on,
    matcher::{Matcher, verdicts_in_store},
    prepare::{Inserted, PreparedStories},
    working_set::WorkingSet,
};
use crate::{
    Result,
    compare::Verdict,
    embed::EmbedStats,
    group::{self, Groups},
    progress::Progress,
    search,
    store::{Reader, StoryNumber},
    story::{Corpus, Story, StoryId},
};

/// New stories with the stories of the store that they were compared with.
#[must_use]
pub struct ArchiveDedup {
    /// Those of the store, then the new ones in their order.
    pub corpus: Corpus,
    /// How many are of the store.
    pub stored: usize,
    /// The verdicts on pairs of them.
    pub verdicts: Vec<Verdict>,
    /// How many pairs were compared.
    pub compared_pairs: u64,
    /// The groups and links that contain a new story. Groups of the store have their numbers there, new groups the
    /// numbers that follow.
    pub groups: Groups,
    /// What the encoder saw.
    pub embed_stats: EmbedStats,
}

impl Archive {
    /// Deduplicates new stories against those of the store and one another. The store stays as it is.
    ///
    /// # Errors
    /// [`Error::NoModel`](crate::Error::NoModel) without an embedder, [`Error::Store`](crate::Error::Store) if the store
    /// cannot be read, [`Error::Interrupted`](crate::Error::Interrupted) if `progress` was cancelled, and the errors of
    /// embedding.
    pub fn dedup(&self, stories: Vec<Story>, progress: &dyn Progress) -> Result<ArchiveDedup> {
        let prepared = self.prepare(stories)?;
        self.matcher.dedup(self.store.reader(), &prepared, progress)
    }
}

/// The stories that a deduplication compares.
struct DedupSet<'a> {
    set: WorkingSet<'a>,
    /// How many are of the store.
    stored: usize,
    /// The pairs to compare, ascending.
    pairs: Vec<(StoryId, StoryId)>,
}

impl Matcher {
    fn dedup(
        &self,
        reader: Reader<'_>,
        prepared: &PreparedStories,
        progress: &dyn Progress,
    ) -> Result<ArchiveDedup> {
        let DedupSet { set, stored, pairs } = self.dedup_set(reader, prepared, progress)?;
        let known = verdicts_in_store(reader, &set, stored)?;
        let constraints = constraints_on(reader, &set.corpus)?;
        let options = group::Options { constraints, ..self.options.group.clone() };
        let (verdicts, mut groups) = self.with_comparer(reader, &set, |comparer| {
            let mut verdicts = comparer.compare_all(&pairs, progress)?;
            verdicts.extend(known);
            verdicts.sort_by_key(|v| (v.a, v.b));
            let compare = |a, b| Ok(comparer.compare(a, b));
            let groups = group::group(&set.corpus, &verdicts, &options, &compare)?;
            Result::Ok((verdicts, groups))
        })??;
        groups.groups.retain(|g| g.members.iter().any(|m| m.story.index() >= stored));
        groups.links.retain(|v| v.b.index() >= stored);
        number_groups(reader, &mut groups, &set.numbers)?;
        Ok(ArchiveDedup {
            corpus: set.corpus,
            stored,
            verdicts,
            compared_pairs: pairs.len() as u64,
            groups,
            embed_stats: prepared.embed_stats,
        })
    }

    /// Loads the candidates of all new stories, and the canonical stories of their groups.
    fn dedup_set<'a>(
        &'a self,
        reader: Reader<'a>,
        prepared: &PreparedStories,
        progress: &dyn Progress,
    ) -> Result<DedupSet<'a>> {
        let ids = || (0..prepared.corpus.stories.len()).map(|i| StoryId(i as u32));
        let mut candidates = Vec::new();
        let mut numbers = BTreeSet::new();
        for id in ids() {
            let found = self.candidates(reader, prepared, id, &Inserted::default())?;
            numbers.extend(&found);
            candidates.push(found);
        }
        // A group is represented by its canonical story, whichever member is near.
        for number in numbers.clone() {
            let group = reader.group_of(number)?;
            numbers.extend(group.map(|group| reader.canonical(group)).transpose()?.flatten());
        }
        let mut set = self.working_set(reader);
        for number in &numbers {
            set.load(*number)?;
        }
        let stored = set.corpus.stories.len();
        let new: Vec<StoryId> =
            ids().map(|id| set.add_new(&prepared.corpus, id, &prepared.vectors)).collect::<Result<_>>()?;
        let near = search::candidates(&prepared.corpus, &prepared.vectors, &self.options.search, progress)?;
        let mut pairs: Vec<(StoryId, StoryId)> =
            near.pairs.iter().map(|p| (new[p.a.index()], new[p.b.index()])).collect();
        for (candidates, new) in candidates.iter().zip(&new) {
            for number in candidates {
                pairs.extend(set.load(*number)?.map(|stored| (stored, *new)));
            }
        }
        pairs.sort_unstable();
        Ok(DedupSet { set, stored, pairs })
    }
}

/// Gives groups the numbers that they have in the store, and new ones the numbers that follow.
fn number_groups(reader: Reader<'_>, groups: &mut Groups, numbers: &[Option<StoryNumber>]) -> Result<()> {
    let mut last = reader.groups()?.last().map_or(0, |(group, _)| group.0);
    for group in &mut groups.groups {
        let stored = group.members.iter().find_map(|m| numbers[m.story.index()]);
        let number = stored.map(|story| reader.group_of(story)).transpose()?.flatten();
        let number = number.map_or_else(
            || {
                last += 1;
                last
            },
            |number| number.0,
        );
        group.id = number as u32;
    }
    Ok(())
}
