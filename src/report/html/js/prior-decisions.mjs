// Prior decisions: those that the run was given, or that its store keeps. The groups follow them already. The page shows
// them, and checks new decisions against them.

import { DIFFERENT, SAME } from './constraints.mjs';
import { data, pairKey } from './data.mjs';
import { parseLine } from './decision-lines.mjs';
import { decisionOf } from './decisions.mjs';

export const prior = {
  /** { a, b, decision } by `pairKey`. */
  pairs: new Map(),
  /** Stories to be kept of their groups; a later one overrides an earlier one. */
  canonical: [],
  /** Parsed lines on stories that this page does not have. */
  unresolved: [],
};

/** Reads the prior decisions of the index, and tells each item what was decided on it. */
export function readPriorDecisions() {
  const { must_link: mustLink, cannot_link: cannotLink, canonical, unresolved } = data.index.prior_decisions;
  prior.pairs = new Map();
  for (const [pairs, decision] of [[mustLink, SAME], [cannotLink, DIFFERENT]]) {
    for (const [a, b] of pairs) prior.pairs.set(pairKey(a, b), { a, b, decision });
  }
  prior.canonical = canonical;
  prior.unresolved = unresolved.map(parseLine).filter(Boolean);
  const neighbours = new Map();
  for (const { a, b, decision } of prior.pairs.values()) {
    for (const [one, other] of [[a, b], [b, a]]) {
      if (!neighbours.has(one)) neighbours.set(one, { same: [], different: [] });
      neighbours.get(one)[decision].push(other);
    }
  }
  const canonicals = new Set(canonical);
  data.items.forEach(item => {
    item.prior = item.link ? priorOfPair(item) : item.group ? priorOfGroup(item, neighbours, canonicals) : null;
  });
}

/** What was decided on a pair that the run shows as two stories. */
function priorOfPair(item) {
  const pair = prior.pairs.get(pairKey(...item.stories));
  return pair ? { state: pair.decision === DIFFERENT ? 'accepted' : 'rejected', decidedStories: 2, canonical: null } : null;
}

/**
 * What was decided on a group: its state if the decisions settle it, how many of its stories they name, and the story that
 * they keep. A group is settled where all its stories are joined, or where each of them is held apart from one story that
 * left it.
 */
function priorOfGroup(item, neighbours, canonicals) {
  const decided = item.stories.filter(story => neighbours.has(story));
  const canonical = item.stories.find(story => canonicals.has(story));
  if (!decided.length && canonical === undefined) return null;
  const members = new Set(item.stories);
  const reached = new Set([item.stories[0]]);
  // The set grows while it is read.
  for (const story of reached) {
    const joined = neighbours.has(story) ? neighbours.get(story).same : [];
    joined.filter(other => members.has(other)).forEach(other => reached.add(other));
  }
  const first = neighbours.get(item.stories[0]);
  const isApart = story => item.stories.every(member => (prior.pairs.get(pairKey(member, story)) || {}).decision === DIFFERENT);
  const hasLeft = (first ? first.different : []).some(isApart);
  const state = reached.size === members.size ? 'accepted' : hasLeft ? 'split' : canonical !== undefined ? 'canonical' : null;
  return { state, decidedStories: decided.length, canonical: canonical === undefined ? null : canonical };
}

/** The state of an item, decided on this page or before; undefined if it is open. */
export function stateOf(item) {
  const { state } = decisionOf(item) || {};
  return state || (item.prior && item.prior.state) || undefined;
}

/** Whether an item is settled by prior decisions alone. */
export const isPrior = item => Boolean(item.prior && item.prior.state && !(decisionOf(item) || {}).state);
