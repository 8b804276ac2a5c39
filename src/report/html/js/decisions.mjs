// The decisions that are made on this page, as they are kept: one per item.
//
// A decision has the fields
//   state         one of `STATE_NAMES`
//   mustLink      lists of stories; all stories of a list are one
//   cannotLink    pairs of lists; no story of the first is one with a story of the second
//   removed       stories that left the group
//   canonical     the story to be kept
//   mergedWith    keys of the groups that it was merged with
// The entry `IMPORTED` has instead what was imported and belongs to no item:
//   pairs                 { a, b, decision } with references
//   canonicalReferences   the stories to be kept, by reference

import { data } from './data.mjs';
import { DIFFERENT, SAME } from './constraints.mjs';

/** What was decided on an item, and how it is shown. */
export const STATE_NAMES = { accepted: 'accepted', rejected: 'rejected', split: 'split', merged: 'merged', canonical: 'another is kept' };

/** The key of what was imported and belongs to no item. */
export const IMPORTED = '+';

export const decisions = {
  /** By the key of the item. */
  byItem: {},
  /** What undo restores, the latest last: the decisions before a step, by key; null where there was none. */
  history: [],
};

export const decisionOf = item => decisions.byItem[item.key];

export const importedDecisions = () => decisions.byItem[IMPORTED] || {};

export function setDecision(key, decision) {
  if (decision === undefined || decision === null) delete decisions.byItem[key];
  else decisions.byItem[key] = decision;
}

/** Stories that a decision took out of a group. */
export const removedFrom = item => new Set((decisionOf(item) || {}).removed || []);

/** The story of a group that is kept, by the decision or by the run. */
export function canonicalOf(item) {
  const { canonical } = decisionOf(item) || {};
  return canonical === undefined ? item.stories[0] : canonical;
}

/** Whether a value has the shape of a decision. Other pages may write to the storage of this one. */
export function isDecision(value) {
  const isObject = x => x !== null && typeof x === 'object';
  const isStory = s => Number.isInteger(s) && s >= 0 && s < data.index.stories.id.length;
  const isReference = x => typeof x === 'string';
  const isList = list => Array.isArray(list) && list.every(isStory);
  const isPair = pair => isObject(pair) && isReference(pair.a) && isReference(pair.b) && [SAME, DIFFERENT].includes(pair.decision);
  const all = (list, test) => list === undefined || (Array.isArray(list) && list.every(test));
  if (!isObject(value) || (value.state !== undefined && !Object.hasOwn(STATE_NAMES, value.state))) return false;
  return all(value.mustLink, isList)
    && all(value.cannotLink, pair => Array.isArray(pair) && pair.length === 2 && pair.every(isList))
    && all(value.removed, isStory) && (value.canonical === undefined || isStory(value.canonical))
    && all(value.mergedWith, key => data.itemByKey.has(key))
    && all(value.pairs, isPair) && all(value.canonicalReferences, isReference);
}
