// A small page: two groups, a twin, and a story that stands alone.

import { setIndex } from '../../src/report/html/js/data.mjs';
import { decisions } from '../../src/report/html/js/decisions.mjs';
import { readPriorDecisions } from '../../src/report/html/js/prior-decisions.mjs';

const member = (story, relation, probability = relation === 'identical' ? null : 0.9) => ({ story, relation, probability, coverage: 1, coverage_of_kept: 1, cosine: 1, removed: false, reason: '', aligned: [], contained: [] });

/** Fills the page with stories of these ids, and with these parts of the index. */
export function fillStories(ids, digests, parts = {}) {
  const none = ids.map(() => null);
  decisions.byItem = {};
  decisions.history = [];
  setIndex({ command: parts.command || 'dedup', run: 'test' }, {
    stories: { id: ids, title: ids.map(name => `Title of ${name}`), published: none, source: none, credit: none, names: [], digests },
    groups: parts.groups || [],
    links: parts.links || [],
    relations: ['identical', 'copy', 'twin'],
    storylines: null,
    prior_decisions: { must_link: [], cannot_link: [], canonical: [], unresolved: [], ...parts.priorDecisions },
  });
  readPriorDecisions();
}

/** Fills the page: g1 has the stories a, b, c (0 to 2), g2 has d, e (3, 4), l1 has f, g (5, 6); h (7) stands alone. */
export function fillPage({ priorDecisions, digests = {}, command } = {}) {
  const groups = [
    { members: [member(0, 'identical'), member(1, 'copy'), member(2, 'copy')] },
    { members: [member(3, 'identical'), member(4, 'copy')] },
  ];
  const links = [{ a: 5, b: 6, relation: 'twin' }];
  fillStories(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], digests, { groups, links, priorDecisions, command });
}

/** The line of a decision on a pair. */
export const pairLine = (a, b, decision, more = {}) => JSON.stringify({ schema: 1, a, b, decision, ...more });

export const canonicalLine = (id, more = {}) => JSON.stringify({ schema: 1, id, decision: 'canonical', ...more });
