// The stories of a group as a table: the relation of each to the kept story, which is selected, which are marked.

import { storyId } from './data.mjs';
import { canonicalOf, decisionOf, removedFrom } from './decisions.mjs';
import { h, meter } from './dom.mjs';
import { formatProbability, plural, truncate } from './format.mjs';
import { storyFacts } from './story-facts.mjs';

/** Rows shown at first: browsers take long to lay out hundreds. */
export const MAX_ROWS = 100;

/** What the table depends on, besides the selection and the marks. */
export const tableKey = (item, rows) => [item.key, rows, JSON.stringify(decisionOf(item))].join(' ');

/** Updates the selection and the marks in place. */
export function updateSelection(nodes, item, { selected, marked }) {
  nodes.forEach(node => node.querySelectorAll('tbody tr').forEach((row, i) => {
    row.classList.toggle('selected', i === selected);
    row.querySelector('input').checked = marked.has(item.stories[i]);
    row.querySelector('.member').setAttribute('aria-pressed', String(i === selected));
  }));
}

/** The table of a group's first `rows` stories. `handlers` are `select(position)`, `toggle(story)` and `showAll()`. */
export function memberTable(item, rows, handlers) {
  // The run compared the stories with the story that it kept, whichever is kept now.
  const [runCanonical] = item.stories;
  const isAsRun = canonicalOf(item) === runCanonical;
  const base = isAsRun ? { label: 'kept', heading: 'Kept', text: 'the kept story' } : (name => ({ label: name, heading: name, text: name }))(truncate(storyId(runCanonical), 24));
  const head = ['Mark', 'Relation', 'Story', 'In ' + base.label, base.heading + ' in it', 'Probability', 'Why'];
  const body = item.group.members.slice(0, rows).map((member, i) => memberRow(item, member, i, base, handlers));
  const note = h('p', { class: 'note' }, 'Relations, scores and reasons compare with ', h('span', { class: 'id' }, base.label),
    ', which the run kept; a run with these decisions compares with the story kept now.');
  return [
    isAsRun ? null : note,
    h('div', { class: 'scroll' }, h('table', { class: 'members' },
      h('thead', {}, h('tr', {}, head.map(name => h('th', { scope: 'col', dir: 'auto' }, name)))),
      h('tbody', {}, body))),
    item.stories.length > rows
      ? h('p', {}, h('button', { type: 'button', click: handlers.showAll }, `Show all ${plural(item.stories.length, 'story', 'stories')}`)) : null,
  ].filter(Boolean);
}

function memberRow(item, member, i, base, handlers) {
  const { story, relation } = member;
  const removed = removedFrom(item).has(story), isKept = story === canonicalOf(item), isFirst = i === 0;
  const label = removed ? 'taken out' : isKept ? 'kept' : isFirst ? 'was kept' : relation;
  const stays = !isFirst && !member.removed && !removed;
  const score = (value, text, dataLabel) => h('td', { 'data-label': dataLabel }, isFirst ? '' : meter(value, text));
  return h('tr', { class: [removed && 'removed', isKept && 'kept'].filter(Boolean).join(' '), click: event => {
    if (!event.target.closest('input, button')) handlers.select(i);
  } },
  h('td', {}, h('input', { type: 'checkbox', 'data-key': 'x' + i, 'aria-label': 'Mark ' + truncate(storyId(story), 60), change: () => handlers.toggle(story) })),
  h('td', {}, h('span', { class: 'relation r-' + (isFirst ? 'kept' : relation) }, label), stays ? h('span', { class: 'stays' }, 'stays') : null),
  h('td', { dir: 'auto' },
    h('button', { type: 'button', class: 'member', 'data-key': 'm' + i, click: () => handlers.select(i) }, truncate(storyId(story), 60)),
    h('span', { class: 'facts' }, storyFacts(story))),
  score(member.coverage, 'of it is in ' + base.text, 'in ' + base.label),
  score(member.coverage_of_kept, `of ${base.text} is in it`, base.label + ' in it'),
  h('td', { 'data-label': 'probability' }, formatProbability(member.probability)),
  h('td', { class: 'reason', dir: 'auto' }, truncate(member.reason, 400)));
}
