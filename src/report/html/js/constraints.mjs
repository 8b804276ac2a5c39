// Must-link and cannot-link constraints on pairs of stories.
//
// The same rules as `src/group/constraints.rs`; tests/data/constraints holds test vectors for both.

import { UnionFind } from './union-find.mjs';

export const SAME = 'same';
export const DIFFERENT = 'different';

/**
 * The first constraint that cannot hold: its two stories are to be different, but the constraints that say "same" join
 * them, directly or by way of others. Null if all constraints can hold together.
 *
 * `constraints` are `{ a, b, decision }` with the decision "same" or "different".
 */
export function findConflict(constraints) {
  const sets = new UnionFind();
  for (const { a, b, decision } of constraints) {
    if (decision === SAME) sets.union(a, b);
  }
  return constraints.find(({ a, b, decision }) => decision === DIFFERENT && sets.find(a) === sets.find(b)) || null;
}

/** `stories` by the sets of a `UnionFind`, in the order of their first stories. */
export function groupBySet(stories, sets) {
  const members = new Map();
  for (const story of stories) {
    const root = sets.find(story);
    if (!members.has(root)) members.set(root, []);
    members.get(root).push(story);
  }
  return [...members.values()];
}

/** Stories in parts, such that each two of different parts are in `isApart`: the components of the complement graph. */
export function separate(stories, isApart) {
  const unplaced = new Set(stories), parts = [];
  for (const first of stories) {
    if (!unplaced.delete(first)) continue;
    const part = [first];
    // The part grows while it is read.
    for (const story of part) {
      for (const other of [...unplaced]) {
        if (isApart(story, other)) continue;
        unplaced.delete(other);
        part.push(other);
      }
    }
    parts.push(part);
  }
  return parts;
}
