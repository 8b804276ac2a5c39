// Decisions of the page: the pairs and lines that they amount to, prior decisions, contradictions.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { decidedPairs, decisionLines, describeContradiction } from '../../src/report/html/js/all-decisions.mjs';
import { data } from '../../src/report/html/js/data.mjs';
import { formatCanonical, formatPair, parseLine } from '../../src/report/html/js/decision-lines.mjs';
import { isDecision, setDecision } from '../../src/report/html/js/decisions.mjs';
import { isPrior, stateOf } from '../../src/report/html/js/prior-decisions.mjs';
import { makeReference, referenceOf, resolveReference } from '../../src/report/html/js/references.mjs';
import { canonicalLine, fillPage, pairLine } from './fixture.mjs';

beforeEach(() => fillPage());

const pairs = () => [...decidedPairs().values()].map(({ a, b, decision }) => [a, b, decision]);

test('a list of one story links its first story to the others', () => {
  setDecision('g1', { state: 'accepted', mustLink: [[0, 1, 2]] });
  assert.deepEqual(pairs(), [[0, 1, 'same'], [0, 2, 'same']]);
  assert.deepEqual(decisionLines(), [pairLine('a', 'b', 'same'), pairLine('a', 'c', 'same')]);
});

test('a list against itself separates all its stories', () => {
  setDecision('g1', { state: 'rejected', cannotLink: [[[0, 1, 2], [0, 1, 2]]] });
  assert.deepEqual(pairs(), [[0, 1, 'different'], [0, 2, 'different'], [1, 2, 'different']]);
});

test('the kept story is exported last', () => {
  setDecision('g1', { state: 'accepted', mustLink: [[0, 1]], canonical: 1 });
  assert.deepEqual(decisionLines(), [pairLine('a', 'b', 'same'), canonicalLine('b')]);
});

test('contradictions name both stories and where they come from', () => {
  setDecision('g1', { state: 'accepted', mustLink: [[0, 1, 2]] });
  assert.equal(describeContradiction(), null);
  setDecision('g2', { state: 'split', cannotLink: [[[1], [2]]] });
  assert.equal(describeContradiction(), 'b and c are one story by one decision and two by another (Title of d).');
});

test('prior decisions settle groups and pairs', () => {
  fillPage({ priorDecisions: { must_link: [[0, 1], [1, 2]], cannot_link: [[5, 6], [3, 7], [4, 7]], canonical: [4] } });
  const states = data.items.map(item => [item.key, stateOf(item), isPrior(item), item.prior.canonical]);
  assert.deepEqual(states, [['g1', 'accepted', true, null], ['g2', 'split', true, 4], ['l1', 'accepted', true, null]]);
});

test('prior decisions on some stories leave a group open', () => {
  fillPage({ priorDecisions: { must_link: [[0, 1]] } });
  const [group, other] = data.items;
  assert.deepEqual([group.prior, stateOf(group)], [{ state: null, decidedStories: 2, canonical: null }, undefined]);
  assert.equal(other.prior, null);
});

test('prior decisions are exported again, unless a store keeps them', () => {
  const priorDecisions = { cannot_link: [[0, 7]], unresolved: [pairLine('a', 'gone', 'same')] };
  fillPage({ priorDecisions });
  assert.deepEqual(decisionLines(), [pairLine('a', 'gone', 'same'), pairLine('a', 'h', 'different')]);
  fillPage({ priorDecisions, command: 'report' });
  assert.deepEqual(decisionLines(), []);
});

test('decisions of the page override prior ones', () => {
  fillPage({ priorDecisions: { cannot_link: [[1, 2]] } });
  setDecision('g1', { state: 'accepted', mustLink: [[0, 1, 2]] });
  assert.equal(describeContradiction(), null);
  assert.deepEqual(decisionLines(), [pairLine('a', 'b', 'same'), pairLine('a', 'c', 'same'), pairLine('b', 'c', 'same')]);
});

test('prior decisions on other pairs can be contradicted', () => {
  fillPage({ priorDecisions: { must_link: [[0, 7], [7, 1]] } });
  setDecision('g1', { state: 'split', cannotLink: [[[0], [1]]] });
  assert.match(describeContradiction(), /^a and b are one story/);
});

test('only decisions on stories of the page are accepted from storage', () => {
  const valid = [{}, { state: 'split', removed: [1], cannotLink: [[[1], [0, 2]]] }, { canonical: 3, mergedWith: ['g2'] },
    { pairs: [{ a: 'x\0', b: 'y\0', decision: 'same' }], canonicalReferences: ['x\0'] }];
  const invalid = [null, 7, { state: 'perhaps' }, { removed: [8] }, { mustLink: [0] }, { cannotLink: [[[0]]] }, { canonical: ['a'] },
    { mergedWith: ['g9'] }, { pairs: [['x', 'y', 'same']] }, { canonicalReferences: [1] }];
  assert.deepEqual(valid.filter(value => !isDecision(value)), []);
  assert.deepEqual(invalid.filter(isDecision), []);
});

test('lines are read as they are written', () => {
  const [a, b] = [makeReference('a', '0123456789abcdef'), makeReference('b')];
  assert.deepEqual(parseLine(formatPair(a, b, 'same')), { a, b, decision: 'same' });
  assert.deepEqual(parseLine(formatCanonical(a)), { canonical: a });
  assert.deepEqual(parseLine('{"schema":1,"a":7,"b":"x","decision":"different","by":"desk"}'), { a: makeReference('7'), b: makeReference('x'), decision: 'different' });
});

test('invalid lines are refused', () => {
  const lines = ['', '{', 'null', '7', pairLine('a', 'a', 'same'), pairLine('a', 'b', 'perhaps'), pairLine('a', 'b', 'same').replace('1', '2'),
    pairLine('a', 'b', 'same', { a_text: 'no digest' }), '{"schema":1,"decision":"canonical"}', pairLine(1e300, 'b', 'same')];
  assert.deepEqual(lines.map(parseLine).filter(Boolean), []);
});

test('a reference with a digest follows the text', () => {
  const digest = n => String(n).repeat(16);
  fillPage({ digests: { 0: digest(1), 1: digest(2), 2: digest(3), 3: digest(3) } });
  assert.equal(resolveReference(makeReference('a')), 0);
  assert.equal(resolveReference(makeReference('a', digest(2))), 1);
  assert.equal(resolveReference(referenceOf(0)), 0);
  // Several stories have this text: the id decides, if it is one of theirs.
  assert.equal(resolveReference(makeReference('c', digest(3))), 2);
  assert.equal(resolveReference(makeReference('a', digest(3))), makeReference('a', digest(3)));
  assert.equal(resolveReference(makeReference('gone')), makeReference('gone'));
});
