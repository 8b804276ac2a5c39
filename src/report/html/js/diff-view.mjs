// Two stories side by side: aligned passages in one row, changed words marked.

import { data, storyId, titleOf } from './data.mjs';
import { alignPassages, diffWords, passageRows } from './diff.mjs';
import { h } from './dom.mjs';
import { quoteShell, sanitize, truncate } from './format.mjs';
import { findMoved, markMoved } from './moved-text.mjs';

const ROW_KINDS = {
  identical: 'the same in both',
  changed: 'with changed words',
  cut: 'only in the first',
  added: 'only in the second',
  contained: 'within a longer passage of the first',
  moved: 'mostly in other passages of the other story',
  boilerplate: 'boilerplate, not scored',
};

/** The command that compares two stories. Ids are quoted, and stand after `--`: none of them is taken for an option. */
function explainCommand(a, b) {
  const ids = [a, b].map(story => quoteShell(storyId(story))).join(' ');
  return `samestory explain ${data.about.command === 'report' ? '--store FOLDER' : '--in PATHS'} -- ${ids}`;
}

/** The passages of a story; null if its text is not in this page. */
function passagesOf(story) {
  const { stories, passages, boilerplate } = data.texts;
  const ids = stories[story];
  return ids && ids.map(id => ({ id, text: passages[id], isBoilerplate: boilerplate.has(id) }));
}

/** Words as text nodes: changed ones in elements of `tag`, moved ones in elements of their own. */
function wordNodes(words, tag) {
  const nodes = [];
  let run = '', kind = 'common';
  const flush = () => {
    // The space after a marked word is not marked.
    const marked = kind === 'common' ? '' : run.trimEnd();
    if (marked) nodes.push(kind === 'changed' ? h(tag, {}, marked) : h('span', { class: 'moved-words' }, marked));
    const rest = run.slice(marked.length);
    if (rest) nodes.push(document.createTextNode(sanitize(rest)));
    run = '';
  };
  for (const word of words) {
    if (word.kind !== kind) {
      flush();
      kind = word.kind;
    }
    run += word.text;
  }
  flush();
  return nodes;
}

/** The contents of the two cells of a row, with the kind that it is shown as. */
function rowContents(row, left, right, movedLeft, movedRight) {
  if (row.kind === 'changed') {
    const [x, y] = diffWords(left[row.left].text, right[row.right].text, movedLeft[row.left], movedRight[row.right]);
    return { kind: row.kind, cells: [wordNodes(x, 'del'), wordNodes(y, 'ins')] };
  }
  if (row.left !== null && row.right !== null) {
    return { kind: row.kind, cells: [[left[row.left].text], [right[row.right].text]] };
  }
  const isRight = row.left === null;
  const [{ text }, moved, tag] = isRight ? [right[row.right], movedRight[row.right], 'ins'] : [left[row.left], movedLeft[row.left], 'del'];
  const { isMostlyMoved, words } = markMoved(text, moved, row.kind === 'contained');
  const kind = isMostlyMoved && (row.kind === 'cut' || row.kind === 'added') ? 'moved' : row.kind;
  const cell = row.kind === 'boilerplate' ? [text] : wordNodes(words, tag);
  return { kind, cells: isRight ? [[], cell] : [cell, []] };
}

function diffLegend(rows, hasMovedWords) {
  const counts = {};
  rows.forEach(row => { counts[row.kind] = (counts[row.kind] || 0) + 1; });
  const entries = Object.keys(ROW_KINDS).filter(kind => counts[kind])
    .map(kind => h('li', { class: kind }, h('span', { class: 'swatch', 'aria-hidden': 'true' }), `${counts[kind]} ${ROW_KINDS[kind]}`));
  if (hasMovedWords) entries.push(h('li', {}, h('span', { class: 'moved-words' }, 'words'), ' elsewhere in the other story'));
  return h('ul', { class: 'legend', 'aria-label': 'Passages' }, entries);
}

/**
 * The table of two stories. `aligned` and `contained` are places of passages as the run found them; without `aligned` the page
 * aligns the passages.
 */
export function diffTable(a, b, aligned, contained) {
  const [left, right] = [a, b].map(passagesOf);
  if (!left || !right) {
    return h('p', { class: 'note' }, 'The texts of these stories are not in this page, which holds those of groups, twins and quotes: ',
      h('code', {}, explainCommand(a, b)));
  }
  // Boilerplate is not searched for moved text.
  const textsOf = passages => passages.map(passage => (passage.isBoilerplate ? '' : passage.text));
  const [movedLeft, movedRight] = [findMoved(textsOf(left), textsOf(right)), findMoved(textsOf(right), textsOf(left))];
  const rows = passageRows(left, right, aligned || alignPassages(left, right), contained || [])
    .map(row => rowContents(row, left, right, movedLeft, movedRight));
  const body = rows.map(({ kind, cells }) => h('tr', { class: kind },
    h('td', { class: 'kind', title: ROW_KINDS[kind] }, h('span', { class: 'visually-hidden' }, ROW_KINDS[kind])),
    cells.map(cell => h('td', { dir: 'auto' }, cell))));
  const head = story => h('th', { scope: 'col', dir: 'auto' }, h('span', { class: 'id' }, truncate(storyId(story), 60)), ' ',
    truncate(titleOf(story), 200));
  return [
    diffLegend(rows, body.some(row => row.querySelector('.moved-words'))),
    h('table', { class: 'diff' },
      h('caption', { class: 'visually-hidden' }, `Passages of ${storyId(a)} and ${storyId(b)} side by side`),
      h('thead', {}, h('tr', {}, h('th', { class: 'kind', scope: 'col' }, h('span', { class: 'visually-hidden' }, 'Kind')), head(a), head(b))),
      h('tbody', {}, body)),
  ];
}
