// The constraint solver of the page, on the test vectors that the library's solver passes too.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

import { findConflict, groupBySet, separate } from '../../src/report/html/js/constraints.mjs';
import { UnionFind } from '../../src/report/html/js/union-find.mjs';

const folder = new URL('../data/constraints/', import.meta.url);

for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  for (const { name, constraints: triples, conflict, sets } of JSON.parse(readFileSync(new URL(file, folder), 'utf8'))) {
    test(`${file}: ${name}`, () => {
      const constraints = triples.map(([a, b, decision]) => ({ a, b, decision }));
      const found = findConflict(constraints);
      assert.deepEqual(found && [found.a, found.b], conflict);
      const joined = new UnionFind();
      constraints.filter(c => c.decision === 'same').forEach(({ a, b }) => joined.union(a, b));
      const stories = [...new Set(triples.flatMap(([a, b]) => [a, b]))];
      assert.deepEqual(groupBySet(stories, joined).filter(set => set.length > 1).map(set => set.sort()), sets);
    });
  }
}

test('separate keeps stories together that are not apart', () => {
  const apart = new Set(['ac', 'bc', 'ad', 'bd']);
  const parts = separate(['a', 'b', 'c', 'd'], (x, y) => apart.has([x, y].sort().join('')));
  assert.deepEqual(parts, [['a', 'b'], ['c', 'd']]);
});

test('separate follows chains of stories that are not apart', () => {
  const parts = separate(['a', 'b', 'c'], (x, y) => [x, y].sort().join('') === 'ac');
  assert.deepEqual(parts, [['a', 'b', 'c']]);
});
