// Alignment of passages and words.

import assert from 'node:assert/strict';
import test from 'node:test';

import { alignPassages, diffWords, passageRows } from '../../src/report/html/js/diff.mjs';

const passage = (id, text = `Passage number ${id}`, isBoilerplate = false) => ({ id, text, isBoilerplate });
const marked = words => words.filter(word => word.kind !== 'common').map(word => word.text.trim());

test('changed words are marked', () => {
  const [left, right] = diffWords('The dam will be raised by 4 metres.', 'The dam will be raised by 5 metres.', [], []);
  assert.deepEqual([marked(left), marked(right)], [['4'], ['5']]);
  assert.equal(left.map(word => word.text).join(''), 'The dam will be raised by 4 metres.');
});

test('inserted words are marked on their side', () => {
  const [left, right] = diffWords('Rain fell.', 'Heavy rain fell. Rain fell.', [], []);
  assert.deepEqual([marked(left), marked(right)], [[], ['Heavy', 'rain', 'fell.']]);
});

test('moved words are told from changed ones', () => {
  const [left] = diffWords('one two', 'three', [true, false], [false]);
  assert.deepEqual(left.map(word => word.kind), ['moved', 'changed']);
});

test('changed words are found in scripts without spaces', () => {
  const text = '市政府周二宣布，旧港大桥将关闭维修，必须更换300多根钢梁。';
  const [left, right] = diffWords(text, text.replace('300', '400'), [], []);
  assert.deepEqual([marked(left), marked(right)], [['300'], ['400']]);
});

test('a text too long for the table is wholly changed', () => {
  const long = 'word '.repeat(3000);
  const [left, right] = diffWords(long, long, [], []);
  assert.ok([...left, ...right].every(word => word.kind === 'changed'));
});

test('equal passages are aligned before similar ones', () => {
  const left = [passage(1, 'The harbour reopened after repairs'), passage(2, 'Ferries leave from Velsk')];
  const right = [passage(3, 'The harbour reopened after long repairs'), passage(1, 'The harbour reopened after repairs')];
  assert.deepEqual(alignPassages(left, right), [[0, 1]]);
});

test('similar passages are aligned, boilerplate is not', () => {
  const left = [passage(1, 'The harbour reopened after repairs'), passage(2, 'Subscribe to our newsletter', true)];
  const right = [passage(2, 'Subscribe to our newsletter', true), passage(3, 'After repairs the harbour reopened yesterday')];
  assert.deepEqual(alignPassages(left, right), [[0, 1]]);
});

test('rows keep the order of the left story and place what the right one adds', () => {
  const left = [passage(1), passage(2), passage(3), passage(9, 'Note', true)];
  const right = [passage(4), passage(1), passage(5), passage(6)];
  const rows = passageRows(left, right, [[0, 1], [2, 2]], [3]);
  assert.deepEqual(rows, [
    { kind: 'added', left: null, right: 0 },
    { kind: 'identical', left: 0, right: 1 },
    { kind: 'cut', left: 1, right: null },
    { kind: 'changed', left: 2, right: 2 },
    { kind: 'boilerplate', left: 3, right: null },
    { kind: 'contained', left: null, right: 3 },
  ]);
});

test('crossing alignments lose no passage', () => {
  const passages = [passage(1), passage(2)];
  const rows = passageRows(passages, [passage(2), passage(1)], [[0, 1], [1, 0]], []);
  assert.deepEqual(rows.map(row => [row.left, row.right]), [[0, 1], [1, 0]]);
});
