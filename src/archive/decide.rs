//! What people decided of the stories of a store: it goes before every judgement, then and later.

use std::collections::BTreeSet;

use super::Archive;
use crate::{
    Error, Result,
    group::{Choice, DECISION_SCHEMA, Decision, Decisions, Named},
    ingest::text_digest,
    store::View,
};

/// What became of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decided {
    /// Those that are kept.
    pub kept: u64,
    /// Those that name a story that the store does not have: they are kept too, and count when it comes.
    pub unknown: u64,
    /// Those on a text that no story of this id has in the store: they are not kept.
    pub other_texts: u64,
}

impl Archive {
    /// Keeps `decisions`, and groups the stories anew that they name. A decision takes the place of an earlier one on the
    /// same pair.
    ///
    /// # Errors
    /// [`Error::Store`] if nobody could honour them beside the earlier ones on other pairs; nothing is kept then.
    pub fn decide(&mut self, run: i64, decisions: &Decisions) -> Result<Decided> {
        let Archive { store, judge } = self;
        let (decisions, other_texts) = &on_texts_of(store.view(), decisions)?;
        if let Err(Error::Line { message, .. }) = decisions.beside(self::decisions(store.view())?) {
            return Err(Error::Store {
                path: store.folder().into(),
                message: format!("with the decisions that it has, {message}"),
                hint: "decide one of the pairs that join them anew, as \"different\", in the same file"
                    .into(),
            });
        }
        let change = store.change()?;
        let mut decided = Decided { other_texts: *other_texts, ..Decided::default() };
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for (_, decision) in &decisions.pairs {
            change.put_decision(&decision.a, &decision.b, decision.decision == Choice::Same)?;
            named.extend([decision.a.as_str(), decision.b.as_str()]);
            decided.kept += 1;
        }
        for (_, chosen) in &decisions.canonical {
            change.put_chosen(&chosen.id)?;
            named.insert(&chosen.id);
            decided.kept += 1;
        }
        let mut seeds = Vec::new();
        for id in &named {
            match change.view().number(id)? {
                Some(number) => seeds.push((*id, number)),
                None => decided.unknown += 1,
            }
        }
        for (id, number) in seeds {
            let group = change.view().member(number)?.map(|m| m.group);
            let rest = group.map(|g| change.view().members(g)).transpose()?.unwrap_or_default();
            let mut near: Vec<i64> = rest.iter().map(|m| m.story).collect();
            near.push(number);
            judge.regroup(&change, run, &near, &[], id)?;
        }
        change.commit()?;
        Ok(decided)
    }
}

/// Those of `decisions` that are on stories by their ids, or on texts that the stories of the store still have; and how
/// many are not.
fn on_texts_of(view: View<'_>, decisions: &Decisions) -> Result<(Decisions, u64)> {
    let holds = |id: &str, text: &Option<String>| -> Result<bool> {
        let Some(text) = text else { return Ok(true) };
        let story = view.number(id)?.map(|number| view.story(number)).transpose()?.flatten();
        Ok(story.is_some_and(|story| text_digest(&story) == *text))
    };
    let mut held = Decisions::default();
    let mut others = 0;
    for (line, d) in &decisions.pairs {
        match holds(&d.a, &d.a_text)? && holds(&d.b, &d.b_text)? {
            true => held.pairs.push((*line, d.clone())),
            false => others += 1,
        }
    }
    for (line, named) in &decisions.canonical {
        match holds(&named.id, &named.text)? {
            true => held.canonical.push((*line, named.clone())),
            false => others += 1,
        }
    }
    Ok((held, others))
}

/// All that people decided of the stories of a store.
pub fn decisions(view: View<'_>) -> Result<Decisions> {
    among(view, view.decisions()?)
}

/// `pairs`, two ids each and whether they are of one origin, with the stories that people chose to be kept.
pub(super) fn among(view: View<'_>, pairs: Vec<(String, String, bool)>) -> Result<Decisions> {
    let pair = |(a, b, same)| {
        let decision = if same { Choice::Same } else { Choice::Different };
        (0, Decision { schema: DECISION_SCHEMA, a, b, decision, a_text: None, b_text: None })
    };
    let named = |id| (0, Named { schema: DECISION_SCHEMA, id, decision: "canonical".into(), text: None });
    Ok(Decisions {
        pairs: pairs.into_iter().map(pair).collect(),
        canonical: view.chosen()?.into_iter().map(named).collect(),
    })
}
