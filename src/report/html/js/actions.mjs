// What a reviewer does: accept, reject, split, merge, choose the story to be kept, undo.

import { describeContradiction } from './all-decisions.mjs';
import { data, heading, storyId } from './data.mjs';
import { decisionOf, decisions, removedFrom, setDecision } from './decisions.mjs';
import { announce } from './dom.mjs';
import { plural, truncate } from './format.mjs';
import { mergeStored, saveDecisions } from './storage.mjs';

/** The decision on an item as the last tab left it. */
function latestDecision(item) {
  mergeStored();
  return decisionOf(item) || {};
}

/** Lists without some stories; lists of fewer than two stories are dropped. */
const without = (lists, removed) =>
  (lists || []).map(list => list.filter(story => !removed.includes(story))).filter(list => list.length > 1);

/** Applies changes, by the key of their item, at once. Refuses what contradicts other decisions. */
export function decide(changes, message) {
  mergeStored();
  const before = {};
  for (const [key, value] of Object.entries(changes)) {
    before[key] = decisions.byItem[key] || null;
    setDecision(key, value);
  }
  const contradiction = describeContradiction();
  if (contradiction) {
    restore(before);
    announce('Not applied: ' + contradiction);
    return false;
  }
  decisions.history.push(before);
  saveDecisions(Object.keys(changes));
  announce(message);
  return true;
}

function restore(before) {
  Object.entries(before).forEach(([key, value]) => setDecision(key, value));
}

/** Takes back the last decision, in whichever tab it was made. */
export function undo() {
  mergeStored();
  const before = decisions.history.pop();
  if (!before) return announce('Nothing to undo.');
  restore(before);
  saveDecisions(Object.keys(before));
  const item = data.itemByKey.get(Object.keys(before)[0]);
  return announce('Undone' + (item ? ': ' + truncate(heading(item), 60) : '.'));
}

/** Confirms the tool: the stories left in the group are one; the two of a pair are not. */
export function accept(item) {
  if (item.link) {
    const [a, b] = item.stories;
    return decide({ [item.key]: { state: 'accepted', mustLink: [], cannotLink: [[[a], [b]]] } }, 'Accepted: two stories.');
  }
  const latest = latestDecision(item);
  // Accepting a group that was rejected whole takes the rejection back.
  const old = latest.state === 'rejected' ? { canonical: latest.canonical } : latest;
  const removed = new Set(old.removed || []);
  const remaining = item.stories.filter(story => !removed.has(story));
  const others = (old.mustLink || []).filter(list => list.some(story => removed.has(story) || !item.stories.includes(story)));
  const mustLink = [...others, remaining].filter(list => list.length > 1);
  const state = removed.size || old.state === 'merged' ? old.state : 'accepted';
  return decide({ [item.key]: { ...old, state, mustLink } }, 'Accepted.');
}

/**
 * Contradicts the tool. The marked stories do not belong to the group; without marks, or with marks on all stories that are
 * left in it, no two of its stories are one. The two of a pair are one.
 */
export function reject(item, marked) {
  if (item.link) {
    return decide({ [item.key]: { state: 'rejected', mustLink: [item.stories.slice()], cannotLink: [] } },
      'Rejected: the two are one story.');
  }
  const old = latestDecision(item);
  const gone = new Set(old.removed || []);
  const present = item.stories.filter(story => !gone.has(story));
  const isWhole = !marked.length || present.every(story => marked.includes(story));
  const leaving = marked.length ? marked : item.stories.slice();
  const removed = new Set([...gone, ...leaving]);
  const remaining = item.stories.filter(story => !removed.has(story));
  // A list against itself: no two of its stories are one.
  const added = isWhole ? [[leaving, leaving]] : leaving.map(story => [[story], remaining]);
  // Stories that were split off before stay a group of their own unless they are rejected too.
  const state = isWhole && leaving.length === item.stories.length ? 'rejected' : 'split';
  const message = isWhole ? 'Rejected: no two of them are one story.' : plural(leaving.length, 'story', 'stories') + ' taken out.';
  return decide({ [item.key]: {
    ...old, state, mustLink: without(old.mustLink, leaving), cannotLink: [...(old.cannotLink || []), ...added], removed: [...removed],
  } }, message);
}

/** Makes a group of their own of the marked stories. */
export function split(item, marked) {
  if (item.kind !== 'group') return announce('Only a group can be split.');
  const old = latestDecision(item);
  const removed = new Set([...(old.removed || []), ...marked]);
  const remaining = item.stories.filter(story => !removed.has(story));
  if (!marked.length || !remaining.length) {
    return announce('Mark the stories that are a group of their own (x), and leave at least one unmarked.');
  }
  const mustLink = without(old.mustLink, marked);
  if (marked.length > 1) mustLink.push(marked.slice());
  const cannotLink = [...(old.cannotLink || []), [marked.slice(), remaining]];
  return decide({ [item.key]: { ...old, state: 'split', mustLink, cannotLink, removed: [...removed] } },
    plural(marked.length, 'story', 'stories') + ' split off.');
}

/** Joins two groups. */
export function merge(item, other) {
  const stories = [item, other].flatMap(group => group.stories.filter(story => !removedFrom(group).has(story)));
  const [old, otherOld] = [latestDecision(item), latestDecision(other)];
  return decide({
    [item.key]: { ...old, state: 'merged', mustLink: [...(old.mustLink || []), stories], mergedWith: [...(old.mergedWith || []), other.key] },
    [other.key]: { ...otherOld, state: 'merged', mergedWith: [...(otherOld.mergedWith || []), item.key] },
  }, 'Merged with ' + truncate(heading(other), 60));
}

/** Chooses the story to be kept of a group. */
export function chooseCanonical(item, story) {
  if (item.kind !== 'group') return announce('Only a group has a kept story.');
  const old = latestDecision(item);
  return decide({ [item.key]: { ...old, state: old.state || 'canonical', canonical: story } }, 'Kept: ' + storyId(story));
}
