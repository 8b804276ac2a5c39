// All decisions that hold together: those made on this page, imported ones, and prior ones.

import { DIFFERENT, SAME, findConflict } from './constraints.mjs';
import { data, heading, pairKey } from './data.mjs';
import { formatCanonical, formatPair } from './decision-lines.mjs';
import { decisionOf, importedDecisions } from './decisions.mjs';
import { truncate } from './format.mjs';
import { prior } from './prior-decisions.mjs';
import { idOf, referenceOf, referencePairKey, resolveReference } from './references.mjs';

/** Pairs of stories that were decided on this page, { a, b, decision } by `pairKey`, in the order of the items. */
export function decidedPairs() {
  const pairs = new Map();
  const add = (a, b, decision) => {
    if (a !== b && !pairs.has(pairKey(a, b))) pairs.set(pairKey(a, b), { a, b, decision });
  };
  const listOf = new Map();
  for (const item of data.items) {
    const { mustLink = [], cannotLink = [] } = decisionOf(item) || {};
    for (const list of mustLink) {
      list.slice(1).forEach(story => add(list[0], story, SAME));
      list.forEach(story => listOf.set(story, list));
    }
    for (const [left, right] of cannotLink) left.forEach(a => right.forEach(b => add(a, b, DIFFERENT)));
  }
  // What is joined on this page overrides a prior decision that held two of its stories apart.
  for (const { a, b, decision } of listOf.size ? prior.pairs.values() : []) {
    if (decision === DIFFERENT && listOf.has(a) && listOf.get(a) === listOf.get(b)) add(a, b, SAME);
  }
  return pairs;
}

/** Prior decisions on pairs that were not decided again on this page. */
const priorPairs = decided => [...prior.pairs].filter(([key]) => !decided.has(key)).map(([, pair]) => pair);

/** A pair of references by its stories where this page has them; by the references where both are the same story now. */
function resolvePair({ a, b, decision }) {
  const [x, y] = [a, b].map(resolveReference);
  return x === y ? { a, b, decision } : { a: x, b: y, decision };
}

/** Imported pairs that belong to no item and were not decided on this page. */
function importedPairs(decided) {
  const pairs = (importedDecisions().pairs || []).map(resolvePair);
  return pairs.filter(({ a, b }) => typeof a === 'string' || typeof b === 'string' || !decided.has(pairKey(a, b)));
}

/** Prior decisions on pairs of which this page lacks a story, unless an imported decision is on the same pair. */
function unresolvedPairs() {
  const imported = new Set((importedDecisions().pairs || []).map(({ a, b }) => referencePairKey(a, b)));
  const pairs = prior.unresolved.filter(line => line.canonical === undefined);
  return pairs.filter(({ a, b }) => !imported.has(referencePairKey(a, b))).map(resolvePair);
}

/** Why the decisions cannot all hold, in words; null if they can. */
export function describeContradiction() {
  const decided = decidedPairs();
  const constraints = [];
  for (const item of data.items.filter(decisionOf)) {
    const { mustLink = [], cannotLink = [] } = decisionOf(item);
    const origin = truncate(heading(item), 60);
    mustLink.forEach(list => list.forEach(b => constraints.push({ a: list[0], b, decision: SAME, origin })));
    for (const [left, right] of cannotLink) {
      left.forEach(a => right.forEach(b => a !== b && constraints.push({ a, b, decision: DIFFERENT, origin })));
    }
  }
  const others = [[[...priorPairs(decided), ...unresolvedPairs()], 'decided before'], [importedPairs(decided), 'imported']];
  others.forEach(([pairs, origin]) => pairs.forEach(pair => constraints.push({ ...pair, origin })));
  const conflict = findConflict(constraints);
  if (!conflict) return null;
  const [a, b] = [conflict.a, conflict.b].map(story => truncate(idOf(story), 60));
  return `${a} and ${b} are one story by one decision and two by another (${conflict.origin}).`;
}

/** The lines to export: one decision each. Where two stories of one group are to be kept, the later line holds. */
export function decisionLines() {
  const decided = decidedPairs();
  const toReference = story => (typeof story === 'string' ? story : referenceOf(story));
  const pair = ({ a, b, decision }) => formatPair(toReference(a), toReference(b), decision);
  const canonical = story => formatCanonical(toReference(story));
  // A store keeps its own decisions.
  const priorLines = data.about.command === 'report' ? [] : [
    ...unresolvedPairs().map(pair),
    ...prior.unresolved.filter(line => line.canonical !== undefined).map(line => canonical(line.canonical)),
    ...priorPairs(decided).map(pair),
    ...prior.canonical.map(canonical),
  ];
  return [
    ...priorLines,
    ...importedPairs(decided).map(pair),
    ...[...decided.values()].map(pair),
    ...(importedDecisions().canonicalReferences || []).map(canonical),
    ...data.items.map(decisionOf).filter(d => d && d.canonical !== undefined).map(d => canonical(d.canonical)),
  ];
}
