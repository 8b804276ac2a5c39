//! Decisions of people on the stories of a store. They precede every verdict, present and later.

use std::collections::BTreeSet;

use super::{Archive, regroup::GroupUpdate};
use crate::{
    Error, Result,
    error::StoreFault,
    group::{
        CanonicalOverride, Constraints, Decision, Decisions, PairConstraint, Resolution, StoriesByText,
        StoryRef,
    },
    store::{DATABASE, Reader, StoryNumber, WriteTransaction},
    story::Corpus,
};

/// What became of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecisionOutcome {
    /// Decisions that the store keeps.
    pub kept: u64,
    /// Stories named by them that the store does not have. The decisions hold once these are added.
    pub unknown: u64,
    /// Decisions on texts that the store has in no story, or in several. They are not kept.
    pub text_mismatches: u64,
}

impl Archive {
    /// Keeps `decisions`, and regroups the stories that they name. A decision replaces an earlier one on the same pair.
    ///
    /// # Errors
    /// [`Error::Store`] if they contradict the earlier ones on other pairs, or the store cannot be written; nothing is
    /// kept then.
    pub fn apply_decisions(&mut self, decisions: &Decisions) -> Result<DecisionOutcome> {
        let run = self.run()?;
        let Archive { store, matcher, .. } = self;
        let (decisions, text_mismatches) = &with_stored_ids(store.reader(), decisions)?;
        if let Err(conflict) = self::decisions(store.reader())?.merge(decisions) {
            return Err(Error::Store {
                path: store.folder().into(),
                fault: StoreFault::DecisionConflict,
                message: format!("with the decisions that it has, {conflict}"),
            });
        }
        let transaction = store.begin_write()?;
        write_decisions(&transaction, decisions)?;
        let pairs = decisions.pairs.iter().flat_map(|(_, d)| [d.a.as_str(), d.b.as_str()]);
        let ids: BTreeSet<&str> =
            pairs.chain(decisions.canonical.iter().map(|(_, named)| named.id.as_str())).collect();
        let mut outcome = DecisionOutcome {
            kept: (decisions.pairs.len() + decisions.canonical.len()) as u64,
            text_mismatches: *text_mismatches,
            ..DecisionOutcome::default()
        };
        let mut regrouped: BTreeSet<StoryNumber> = BTreeSet::new();
        for id in ids {
            let Some(number) = transaction.reader().story_number(id)? else {
                outcome.unknown += 1;
                continue;
            };
            // All decisions are written already: what one story regrouped is final.
            if regrouped.contains(&number) {
                continue;
            }
            let group = transaction.reader().group_of(number)?;
            let members = group.map(|g| transaction.reader().stories_in_group(g)).transpose()?;
            let mut seeds = members.unwrap_or_default();
            seeds.push(number);
            let update = GroupUpdate { matcher, transaction: &transaction, run, cause: id };
            regrouped.extend(update.regroup(&seeds, &[])?);
        }
        transaction.commit()?;
        Ok(outcome)
    }
}

fn write_decisions(transaction: &WriteTransaction<'_>, decisions: &Decisions) -> Result<()> {
    for (_, decision) in &decisions.pairs {
        let same = decision.decision == PairConstraint::MustLink;
        transaction.set_decision(&decision.a, &decision.b, same)?;
    }
    for (_, canonical) in &decisions.canonical {
        transaction.insert_canonical_override(&canonical.id)?;
    }
    Ok(())
}

/// `decisions` with the ids that the stories have in the store, the last one on each pair; and how many are on texts that
/// it does not have, or has several times under other ids.
fn with_stored_ids(reader: Reader<'_>, decisions: &Decisions) -> Result<(Decisions, u64)> {
    let mut texts = StoriesByText::new(decisions);
    if texts.is_empty() {
        return Ok((decisions.clone(), 0));
    }
    for number in reader.story_numbers(StoryNumber::FIRST)? {
        if let Some(story) = reader.story(number)? {
            texts.insert(&story, story.id.clone());
        }
    }
    let resolved = decisions.resolve_with(|StoryRef { id, text }| match text {
        None => Resolution::Story(id.to_string()),
        Some(text) => texts.get(id, text).map_or(Resolution::TextMismatch, Resolution::Story),
    });
    let pairs = resolved
        .pairs
        .iter()
        .map(|([a, b], line, constraint)| (line, Decision::new(a.clone(), b.clone(), constraint)));
    let mut pairs: Vec<(u64, Decision)> = pairs.collect();
    pairs.sort_by_key(|(line, _)| *line);
    let canonical = resolved.canonical.into_iter().map(|(line, id)| (line, CanonicalOverride::new(id)));
    let unresolved = resolved.unresolved.len() as u64;
    Ok((Decisions { pairs, canonical: canonical.collect() }, unresolved))
}

/// All decisions that a store keeps.
///
/// # Errors
/// [`Error::Store`] if the store cannot be read.
pub fn decisions(reader: Reader<'_>) -> Result<Decisions> {
    to_decisions(reader, reader.decisions()?)
}

/// The decisions that concern the stories of `corpus`.
pub(super) fn constraints_on(reader: Reader<'_>, corpus: &Corpus) -> Result<Constraints> {
    let has_decisions = reader.has_decisions()?;
    let mut pairs = Vec::new();
    for story in corpus.stories.iter().filter(|_| has_decisions) {
        let on_story = reader.decisions_on(&story.id)?.into_iter().filter(|(other, _)| story.id < *other);
        pairs.extend(on_story.map(|(other, same)| (story.id.clone(), other, same)));
    }
    to_decisions(reader, pairs)?.resolve(corpus).map_err(|conflict| Error::Store {
        path: DATABASE.into(),
        fault: StoreFault::DecisionConflict,
        message: format!("of the decisions that it has, {conflict}"),
    })
}

/// `pairs`, of two ids and whether both must be in one group, with all canonical overrides of the store.
fn to_decisions(reader: Reader<'_>, pairs: Vec<(String, String, bool)>) -> Result<Decisions> {
    let pair = |(a, b, same)| {
        let constraint = if same { PairConstraint::MustLink } else { PairConstraint::CannotLink };
        (0, Decision::new(a, b, constraint))
    };
    let canonical = reader.canonical_overrides()?.into_iter().map(|id| (0, CanonicalOverride::new(id)));
    Ok(Decisions { pairs: pairs.into_iter().map(pair).collect(), canonical: canonical.collect() })
}
