// The constraint solver of the page, on the test vectors that the library's solver passes too.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

import { findConflict, groupBySet, separate } from '../../src/report/html/js/constraints.mjs';
import { pairKey } from '../../src/report/html/js/data.mjs';
import { parseLine } from '../../src/report/html/js/decision-lines.mjs';
import { referencePairKey, resolveReference } from '../../src/report/html/js/references.mjs';
import { UnionFind } from '../../src/report/html/js/union-find.mjs';
import { fillStories } from './fixture.mjs';

const folder = new URL('../data/constraints/', import.meta.url);
const vectors = path => JSON.parse(readFileSync(new URL(path, folder), 'utf8'));

for (const { name, constraints: triples, conflict, sets } of vectors('conflicts.json')) {
  test(`conflicts.json: ${name}`, () => {
    const constraints = triples.map(([a, b, decision]) => ({ a, b, decision }));
    const found = findConflict(constraints);
    assert.deepEqual(found && [found.a, found.b], conflict);
    const joined = new UnionFind();
    constraints.filter(c => c.decision === 'same').forEach(({ a, b }) => joined.union(a, b));
    const stories = [...new Set(triples.flatMap(([a, b]) => [a, b]))];
    assert.deepEqual(groupBySet(stories, joined).filter(set => set.length > 1).map(set => set.sort()), sets);
  });
}

/** The lines of a case as constraints on stories; lines of `earlier` are replaced by later ones on their pair. */
function resolve({ stories, earlier = [], lines }) {
  const digests = Object.fromEntries(stories.map((story, i) => [i, story.digest]));
  fillStories(stories.map(story => story.id), digests);
  const pairs = new Map(), canonical = [], unresolved = [];
  const parse = line => parseLine(JSON.stringify(line));
  const later = new Set(lines.map(parse).filter(line => line.canonical === undefined).map(({ a, b }) => referencePairKey(a, b)));
  const all = [...earlier.map(line => ({ line: parse(line), number: 0 })), ...lines.map((line, i) => ({ line: parse(line), number: i + 1 }))];
  for (const { line, number } of all) {
    if (line.canonical !== undefined) {
      const story = resolveReference(line.canonical);
      if (typeof story === 'string') unresolved.push(number);
      else canonical.push(story);
      continue;
    }
    if (number === 0 && later.has(referencePairKey(line.a, line.b))) continue;
    const [a, b] = [line.a, line.b].map(resolveReference);
    if (typeof a === 'string' || typeof b === 'string' || a === b) unresolved.push(number);
    else pairs.set(pairKey(a, b), { a: Math.min(a, b), b: Math.max(a, b), decision: line.decision });
  }
  return { constraints: [...pairs].sort(([x], [y]) => x - y).map(([, pair]) => pair), canonical, unresolved };
}

for (const file of readdirSync(new URL('resolution/', folder))) {
  for (const example of vectors('resolution/' + file)) {
    test(`resolution/${file}: ${example.name}`, () => {
      const { constraints, canonical, unresolved } = resolve(example);
      const { expect, conflict } = example;
      const id = story => example.stories[story].id;
      const pairs = decision => constraints.filter(c => c.decision === decision).map(({ a, b }) => [id(a), id(b)]);
      if (conflict) {
        assert.ok(findConflict(constraints));
        return;
      }
      assert.equal(findConflict(constraints), null);
      assert.deepEqual([pairs('same'), pairs('different')], [expect.must_link, expect.cannot_link]);
      assert.deepEqual([canonical.map(id), unresolved.sort((x, y) => x - y)], [expect.canonical, expect.unresolved]);
    });
  }
}

test('separate keeps stories together that are not different', () => {
  const different = new Set(['ac', 'bc', 'ad', 'bd']);
  const parts = separate(['a', 'b', 'c', 'd'], (x, y) => different.has([x, y].sort().join('')));
  assert.deepEqual(parts, [['a', 'b'], ['c', 'd']]);
});

test('separate follows chains of stories that are not different', () => {
  const parts = separate(['a', 'b', 'c'], (x, y) => [x, y].sort().join('') === 'ac');
  assert.deepEqual(parts, [['a', 'b', 'c']]);
});
