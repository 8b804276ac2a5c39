// Words that stand in another passage of the other story.

import assert from 'node:assert/strict';
import test from 'node:test';

import { findMoved, markMoved } from '../../src/report/html/js/moved-text.mjs';

const RUN = 'the harbour was closed on';

test('runs of five words are found across passages', () => {
  const moved = findMoved([`Monday ${RUN} orders`, 'short one'], ['first passage', `then ${RUN} Tuesday`]);
  assert.deepEqual(moved, [[false, true, true, true, true, true, false], [false, false]]);
});

test('a run may span two passages of the other story', () => {
  const moved = findMoved([RUN], ['the harbour was', 'closed on']);
  assert.deepEqual(moved, [[true, true, true, true, true]]);
});

test('shorter runs are not found', () => {
  assert.deepEqual(findMoved(['the harbour was closed'], ['the harbour was closed']), [[false, false, false, false]]);
});

test('where most words were moved the new ones are marked', () => {
  const { isMostlyMoved, words } = markMoved(`${RUN} Monday`, [true, true, true, true, true, false], false);
  assert.ok(isMostlyMoved);
  assert.deepEqual(words.filter(word => word.kind === 'changed').map(word => word.text), ['Monday']);
});

test('where most words are new the moved ones are marked', () => {
  const { isMostlyMoved, words } = markMoved('one two three', [true, false, false], false);
  assert.ok(!isMostlyMoved);
  assert.deepEqual(words.map(word => word.kind), ['moved', 'common', 'common']);
});
