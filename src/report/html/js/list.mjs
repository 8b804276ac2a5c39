// The list of groups, pairs and storylines: searched, filtered, sorted, a page at a time.

import { data, firstTime, heading, searchText, sourceOf, titleOf } from './data.mjs';
import { STATE_NAMES } from './decisions.mjs';
import { $, h } from './dom.mjs';
import { formatNumber, plural, truncate } from './format.mjs';
import { isPrior, stateOf } from './prior-decisions.mjs';

const PAGE_SIZE = 50;

/** Items that match the filters, the page shown, and the open item with its place among the matches (-1: none). */
export const list = { matches: [], page: 0, position: -1, open: null };

/** How the second story of a pair is introduced, by what the pair is. */
const LINK_TO = { twin: 'twin of', quote: 'shares a statement with' };

const FILTERS = { kind: 'filter-kind', relation: 'filter-relation', source: 'filter-source', state: 'filter-state' };

const byRelation = (a, b) => data.index.relations.indexOf(a) - data.index.relations.indexOf(b);

export function setUpFilters() {
  const kinds = new Map([['all', 'everything']]);
  const names = { group: 'groups', twin: 'twins', quote: 'shared statements', storyline: 'storylines' };
  for (const [kind, name] of Object.entries(names)) {
    const n = data.items.filter(item => item.kind === kind).length;
    if (n) kinds.set(kind, `${name} (${formatNumber(n)})`);
  }
  setOptions(FILTERS.kind, [...kinds]);
  if (kinds.has('group')) $(FILTERS.kind).value = 'group';
  if (data.about.command === 'link' && kinds.has('storyline')) $(FILTERS.kind).value = 'storyline';
  const relations = [...new Set(data.items.flatMap(item => [...item.relations]))].sort(byRelation);
  setOptions(FILTERS.relation, [['', 'any'], ...relations.map(relation => [relation, relation])]);
  const { source, names: sourceNames } = data.index.stories;
  const sources = [...new Set(source)].filter(n => n !== null).map(n => sourceNames[n]).sort();
  setOptions(FILTERS.source, [['', 'any'], ...sources.map(name => [name, truncate(name, 40)])]);
  const priorState = data.items.some(item => item.prior) ? [['prior', 'before this page']] : [];
  setOptions(FILTERS.state, [['', 'either'], ['open', 'not yet'], ['done', 'decided'], ...Object.entries(STATE_NAMES), ...priorState]);
  setOptions('order', [['input', 'as read'], ['size', 'largest first'], ['certainty', 'least certain first'], ['time', 'earliest first'],
    ['title', 'by title']]);
  $('filters').addEventListener('input', () => refreshList(0));
  $('filters').addEventListener('submit', event => event.preventDefault());
}

function setOptions(id, options) {
  $(id).replaceChildren(...options.map(([value, name]) => h('option', { value }, name)));
}

/** Sets the kind and the relation to be listed, and lists them. */
export function filterByRelation(relation) {
  $(FILTERS.kind).value = Object.hasOwn(LINK_TO, relation) ? relation : 'group';
  $(FILTERS.relation).value = relation;
  refreshList(0);
}

/** Lists everything. */
export function clearFilters() {
  [FILTERS.relation, FILTERS.source, FILTERS.state, 'search'].forEach(id => { $(id).value = ''; });
  $(FILTERS.kind).value = 'all';
  refreshList(0);
}

/** How certain the tool is: how far the probability of one origin is from one half, of a group that of its least certain member. */
export function certainty({ group, link }) {
  const probabilities = link ? [link.probability] : group ? group.members.map(member => member.probability) : [];
  // What was decided, and storylines, have none.
  return Math.min(...probabilities.filter(p => p !== null).map(p => Math.abs(p - 0.5)), 0.5);
}

const ORDERS = {
  input: () => 0,
  size: (x, y) => y.stories.length - x.stories.length,
  certainty: (x, y) => certainty(x) - certainty(y),
  time: (x, y) => firstTime(x) - firstTime(y),
  title: (x, y) => heading(x).localeCompare(heading(y)),
};

function matchesState(item, filter) {
  const state = stateOf(item);
  switch (filter) {
    case '': return true;
    case 'prior': return Boolean(item.prior);
    case 'open': return !state;
    case 'done': return Boolean(state);
    default: return state === filter;
  }
}

/** Applies the filters, and shows the page `page` of what matches, or the same page as before. */
export function refreshList(page) {
  const terms = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const [kind, relation, source, state] = Object.values(FILTERS).map(id => $(id).value);
  const order = ORDERS[$('order').value];
  list.matches = data.items.filter(item => (kind === 'all' || item.kind === kind)
    && (relation === '' || item.relations.has(relation))
    && (source === '' || item.stories.some(story => sourceOf(story) === source))
    && matchesState(item, state)
    && terms.every(term => searchText(item).includes(term)))
    .sort((x, y) => order(x, y) || x.position - y.position);
  list.position = list.matches.indexOf(list.open);
  showPage(page === undefined ? list.page : page);
}

/** Makes an item the open one, and shows the page of the list that it is on. */
export function markOpen(item) {
  list.open = item;
  list.position = list.matches.indexOf(item);
  // The item was opened by a link, and the filters hide it.
  if (list.position < 0) clearFilters();
  showPage(list.position < 0 ? list.page : Math.floor(list.position / PAGE_SIZE));
  const current = $('list').querySelector('[aria-current]');
  if (current) current.scrollIntoView({ block: 'nearest' });
}

function showPage(page) {
  const pages = Math.max(1, Math.ceil(list.matches.length / PAGE_SIZE));
  list.page = Math.min(Math.max(0, page), pages - 1);
  const start = list.page * PAGE_SIZE;
  const shown = list.matches.slice(start, start + PAGE_SIZE);
  $('match-count').textContent = list.matches.length
    ? `${formatNumber(start + 1)}–${formatNumber(start + shown.length)} of ${formatNumber(list.matches.length)}` : 'Nothing matches.';
  $('list').replaceChildren(...shown.map(listEntry));
  const button = (name, to, label) => h('button', { type: 'button', disabled: to < 0 || to >= pages || to === list.page, 'aria-label': label,
    click: () => showPage(to) }, name);
  $('pager').replaceChildren(button('«', 0, 'First page'), button('‹', list.page - 1, 'Previous page'),
    h('span', {}, ` ${list.page + 1} / ${pages} `), button('›', list.page + 1, 'Next page'), button('»', pages - 1, 'Last page'));
}

function listEntry(item) {
  const state = stateOf(item), prior = isPrior(item);
  const stories = plural(item.stories.length, 'story', 'stories');
  const what = item.kind === 'group' ? stories : item.kind === 'storyline' ? `storyline, ${stories}`
    : `${LINK_TO[item.kind]} ${truncate(titleOf(item.stories[1]), 80)}`;
  const relations = item.kind === 'group' ? [...item.relations].sort(byRelation).join(', ') : '';
  const sources = [...new Set(item.stories.map(sourceOf).filter(Boolean))];
  const sourceText = truncate(sources.slice(0, 3).join(', '), 50) + (sources.length > 3 ? ' …' : '');
  return h('li', {},
    h('a', { href: '#' + item.key, class: [state, prior && 'prior'].filter(Boolean).join(' ') || null, 'aria-current': item === list.open ? 'true' : null },
      h('span', { class: 'title', dir: 'auto' }, truncate(heading(item), 120)),
      h('span', { class: 'facts' }, [what, relations, sourceText].filter(Boolean).join(' · ')),
      state ? h('span', { class: 'state' }, STATE_NAMES[state] + (prior ? ' before' : '')) : null));
}

/** Opens the item `distance` places further in the list. */
export function step(distance) {
  if (!list.matches.length) return;
  const last = list.matches.length - 1;
  const to = list.position < 0 ? (distance > 0 ? 0 : last) : Math.min(Math.max(0, list.position + distance), last);
  location.hash = list.matches[to].key;
}
