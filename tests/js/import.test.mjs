// The import of decision lines.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { decisionLines } from '../../src/report/html/js/all-decisions.mjs';
import { parseLine } from '../../src/report/html/js/decision-lines.mjs';
import { IMPORTED, setDecision } from '../../src/report/html/js/decisions.mjs';
import { newTally, planImport } from '../../src/report/html/js/import.mjs';
import { canonicalLine, fillPage, pairLine } from './fixture.mjs';

beforeEach(() => fillPage());

/** The changes that lines make, and the entries of the tally that are not 0. */
function plan(...lines) {
  const tally = newTally();
  const changes = planImport(lines.map(parseLine), tally);
  return { changes, tally: Object.fromEntries(Object.entries(tally).filter(([, n]) => n)) };
}

function apply(...lines) {
  const { changes } = plan(...lines);
  Object.entries(changes).forEach(([key, decision]) => setDecision(key, decision));
}

test('joining all stories of a group accepts it', () => {
  const { changes, tally } = plan(pairLine('a', 'b', 'same'), pairLine('b', 'c', 'same'));
  assert.deepEqual(changes, { g1: { state: 'accepted', mustLink: [[0, 1, 2]], cannotLink: [] } });
  assert.deepEqual(tally, { applied: 2 });
});

test('separating all stories of a group rejects it', () => {
  const { changes } = plan(pairLine('d', 'e', 'different'));
  assert.equal(changes.g2.state, 'rejected');
  assert.deepEqual(changes.g2.removed, [3, 4]);
});

test('separating a story from all others splits a group', () => {
  const { changes } = plan(pairLine('a', 'c', 'different'), pairLine('b', 'c', 'different'), pairLine('a', 'b', 'same'));
  assert.deepEqual(changes.g1, { state: 'split', mustLink: [[0, 1]], cannotLink: [[[0], [2]], [[1], [2]]], removed: [2] });
});

test('decisions on some stories leave a group open', () => {
  assert.equal(plan(pairLine('a', 'b', 'same')).changes.g1.state, undefined);
  assert.equal(plan(canonicalLine('b')).changes.g1.state, 'canonical');
});

test('the last of several kept stories is that of the group', () => {
  const { changes, tally } = plan(canonicalLine('b'), canonicalLine('c'));
  assert.equal(changes.g1.canonical, 2);
  assert.deepEqual(changes[IMPORTED], { pairs: [], canonicalReferences: ['b\0'] });
  assert.deepEqual(tally, { applied: 2 });
});

test('decisions on pairs accept or reject them', () => {
  assert.equal(plan(pairLine('g', 'f', 'different')).changes.l1.state, 'accepted');
  assert.equal(plan(pairLine('f', 'g', 'same')).changes.l1.state, 'rejected');
});

test('groups that are joined as wholes and across are merged', () => {
  const { changes, tally } = plan(pairLine('a', 'b', 'same'), pairLine('a', 'c', 'same'), pairLine('d', 'e', 'same'), pairLine('a', 'd', 'same'));
  assert.deepEqual([changes.g1.state, changes.g1.mergedWith, changes.g2.state, changes.g2.mergedWith], ['merged', ['g2'], 'merged', ['g1']]);
  assert.deepEqual(tally, { applied: 4 });
});

test('pairs across groups that are not whole are kept for the export', () => {
  const line = pairLine('a', 'd', 'same');
  const { changes, tally } = plan(line);
  assert.deepEqual([Object.keys(changes), tally], [[IMPORTED], { unrelated: 1 }]);
  apply(line);
  assert.deepEqual(decisionLines(), [line]);
});

test('lines on stories that the page lacks are kept for the export', () => {
  const lines = [pairLine('a', 'gone', 'different'), canonicalLine('lost')];
  assert.deepEqual(plan(...lines).tally, { unresolved: 2 });
  apply(...lines);
  assert.deepEqual(decisionLines(), lines);
  // The same file again changes nothing.
  assert.deepEqual(plan(...lines), { changes: {}, tally: { decidedHere: 2 } });
});

test('decisions of the page are not overridden', () => {
  setDecision('g1', { state: 'accepted', mustLink: [[0, 1, 2]] });
  const { changes, tally } = plan(pairLine('a', 'b', 'different'), pairLine('b', 'c', 'different'), canonicalLine('c'));
  assert.deepEqual([changes, tally], [{}, { decidedHere: 3 }]);
});

test('prior decisions are recognized', () => {
  fillPage({ priorDecisions: { must_link: [[0, 1]], canonical: [1] } });
  assert.deepEqual(plan(pairLine('b', 'a', 'same'), canonicalLine('b')), { changes: {}, tally: { prior: 2 } });
});

test('an export is imported as it was', () => {
  setDecision('g1', { state: 'split', mustLink: [[0, 1]], cannotLink: [[[2], [0, 1]]], removed: [2], canonical: 1 });
  setDecision('l1', { state: 'rejected', mustLink: [[5, 6]], cannotLink: [] });
  const lines = decisionLines();
  fillPage();
  apply(...lines);
  assert.deepEqual(decisionLines().sort(), lines.sort());
});
