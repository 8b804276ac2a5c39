// Which items come first where the least certain are to.

import assert from 'node:assert/strict';
import test from 'node:test';

import { formatProbability } from '../../src/report/html/js/format.mjs';
import { certainty } from '../../src/report/html/js/list.mjs';

const group = (...probabilities) => ({ group: { members: probabilities.map(probability => ({ probability })) } });
const check = (item, expected) => assert.ok(Math.abs(certainty(item) - expected) < 1e-9, `${certainty(item)}, not ${expected}`);

test('the least certain member counts', () => {
  check(group(null, 0.9), 0.4);
  check(group(null, 0.99, 0.55, 0.8), 0.05);
});

test('a link is certain if it is hardly of one origin', () => {
  check({ link: { probability: 0.02 } }, 0.48);
  check({ link: { probability: 0.45 } }, 0.05);
});

test('what people decided, and storylines, come last', () => {
  check(group(null, null), 0.5);
  check({ storyline: {} }, 0.5);
});

test('only certainty is written as 0 and 1', () => {
  const check = (p, text) => assert.equal(formatProbability(p), text);
  check(1, '1.00');
  check(0.9961, '> 0.99');
  check(0.87654, '0.88');
  check(0.0049, '< 0.01');
  check(0, '0.00');
  check(null, '');
});
