//! What people decided of the stories of a store: it goes before every judgement, then and later.

use std::collections::{BTreeMap, BTreeSet};

use super::Archive;
use crate::{
    Error, Result,
    error::StoreFault,
    group::{
        CanonicalOverride, DECISION_SCHEMA, Decision, Decisions, PairConstraint, StoriesByText, StoryRef,
    },
    store::Reader,
};

/// What became of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecisionOutcome {
    /// Those that are kept.
    pub kept: u64,
    /// Those that name a story that the store does not have: they are kept too, and count when it comes.
    pub unknown: u64,
    /// Those on a text that no story of the store has, or several: they are not kept.
    pub text_mismatches: u64,
}

impl Archive {
    /// Keeps `decisions`, and groups the stories anew that they name. A decision takes the place of an earlier one on the
    /// same pair.
    ///
    /// # Errors
    /// [`Error::Store`] if nobody could honour them beside the earlier ones on other pairs; nothing is kept then.
    pub fn apply_decisions(&mut self, run: i64, decisions: &Decisions) -> Result<DecisionOutcome> {
        let Archive { store, matcher } = self;
        let (decisions, text_mismatches) = &by_ids_of(store.reader(), decisions)?;
        if let Err(Error::DecisionConflict { a, b, .. }) = decisions.beside(self::decisions(store.reader())?)
        {
            return Err(Error::Store {
                path: store.folder().into(),
                fault: StoreFault::DecisionConflict,
                message: format!(
                    "with the decisions that it has, {a:?} and {b:?} are different here, but other lines join them by \"same\""
                ),
            });
        }
        let transaction = store.begin_write()?;
        let mut decided = DecisionOutcome { text_mismatches: *text_mismatches, ..DecisionOutcome::default() };
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for (_, decision) in &decisions.pairs {
            transaction.set_decision(
                &decision.a,
                &decision.b,
                decision.decision == PairConstraint::MustLink,
            )?;
            named.extend([decision.a.as_str(), decision.b.as_str()]);
            decided.kept += 1;
        }
        for (_, chosen) in &decisions.canonical {
            transaction.set_canonical_override(&chosen.id)?;
            named.insert(&chosen.id);
            decided.kept += 1;
        }
        let mut seeds = Vec::new();
        for id in &named {
            match transaction.reader().story_number(id)? {
                Some(number) => seeds.push((*id, number)),
                None => decided.unknown += 1,
            }
        }
        let mut regrouped: BTreeSet<i64> = BTreeSet::new();
        for (id, number) in seeds {
            // All that was decided is in already: what one story brought up needs no other to.
            if regrouped.contains(&number) {
                continue;
            }
            let group = transaction.reader().member(number)?.map(|m| m.group);
            let rest = group.map(|g| transaction.reader().members(g)).transpose()?.unwrap_or_default();
            let mut near: Vec<i64> = rest.iter().map(|m| m.story).collect();
            near.push(number);
            regrouped.extend(matcher.regroup(&transaction, run, &near, &[], id)?);
        }
        transaction.commit()?;
        Ok(decided)
    }
}

/// `decisions` by the ids that the stories have in the store, of several lines on a pair the last; and how many are on texts
/// that it does not have, or has more than once under other ids.
fn by_ids_of(reader: Reader<'_>, decisions: &Decisions) -> Result<(Decisions, u64)> {
    let mut texts = StoriesByText::new(decisions);
    if texts.is_empty() {
        return Ok((decisions.clone(), 0));
    }
    for number in reader.story_numbers(0)? {
        if let Some(story) = reader.story(number)? {
            texts.take(&story, story.id.clone());
        }
    }
    let find = |(id, text): StoryRef<'_>| text.map_or_else(|| Some(id.into()), |text| texts.find(id, text));
    let mut pairs: BTreeMap<[String; 2], (u64, Decision)> = BTreeMap::new();
    let mut found = Decisions::default();
    let mut others = 0;
    for (line, d) in &decisions.pairs {
        match d.names().map(find) {
            [Some(a), Some(b)] if a != b => {
                let mut pair = [a, b];
                pair.sort_unstable();
                let [a, b] = pair.clone();
                pairs.insert(pair, (*line, Decision { a, b, a_text: None, b_text: None, ..d.clone() }));
            }
            _ => others += 1,
        }
    }
    found.pairs.extend(pairs.into_values());
    found.pairs.sort_by_key(|(line, _)| *line);
    for (line, named) in &decisions.canonical {
        match find(named.name()) {
            Some(id) => found.canonical.push((*line, CanonicalOverride { id, text: None, ..named.clone() })),
            None => others += 1,
        }
    }
    Ok((found, others))
}

/// All that people decided of the stories of a store.
pub fn decisions(reader: Reader<'_>) -> Result<Decisions> {
    among(reader, reader.decisions()?)
}

/// `pairs`, two ids each and whether they are of one origin, with the stories that people chose to be kept.
pub(super) fn among(reader: Reader<'_>, pairs: Vec<(String, String, bool)>) -> Result<Decisions> {
    let pair = |(a, b, same)| {
        let decision = if same { PairConstraint::MustLink } else { PairConstraint::CannotLink };
        (0, Decision { schema: DECISION_SCHEMA, a, b, decision, a_text: None, b_text: None })
    };
    let named =
        |id| (0, CanonicalOverride { schema: DECISION_SCHEMA, id, decision: "canonical".into(), text: None });
    Ok(Decisions {
        pairs: pairs.into_iter().map(pair).collect(),
        canonical: reader.canonical_overrides()?.into_iter().map(named).collect(),
    })
}
