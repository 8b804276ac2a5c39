// One group, pair or storyline: its stories, their comparison, and what can be decided.

import { accept, chooseCanonical, merge, reject, split, undo } from './actions.mjs';
import { data, heading, loadTexts, storyId, titleOf } from './data.mjs';
import { STATE_NAMES, canonicalOf, decisionOf } from './decisions.mjs';
import { diffTable } from './diff-view.mjs';
import { $, announce, h, meter, setChildren } from './dom.mjs';
import { formatProbability, percent, plural, sanitize, truncate } from './format.mjs';
import { lanes } from './lanes.mjs';
import { markOpen, refreshList } from './list.mjs';
import { MAX_ROWS, memberTable, tableKey, updateSelection } from './members.mjs';
import { showProgress } from './progress.mjs';
import { storyFacts } from './story-facts.mjs';

export const view = {
  item: null,
  /** The place of the selected story in its group. */
  selected: 0,
  /** Marked stories. */
  marked: new Set(),
  /** Whether all rows of a large group are shown. */
  showAll: false,
  /** The group that another one is to be merged with. */
  merging: null,
  /** Nodes by name, with the key that they were made for. */
  cache: {},
};

/** Opens an item. Its texts may have to be unpacked first. */
export async function openItem(item) {
  markOpen(item);
  Object.assign(view, { item, selected: item.kind === 'group' ? 1 : 0, marked: new Set(), showAll: false });
  await loadTexts();
  if (view.item !== item) return;
  announce('');
  document.body.classList.add('item-open');
  showItem();
  scrollTo(0, 0);
  document.title = truncate(sanitize(heading(item)), 60) + ' – samestory report';
}

export function showItem() {
  const { item } = view;
  // Before the texts are unpacked there is nothing to show; openItem shows it afterwards.
  if (!item || !data.texts) return;
  const focused = document.activeElement && document.activeElement.dataset.key;
  const parts = item.kind === 'group' ? groupParts(item) : item.kind === 'storyline' ? storylineParts(item) : pairParts(item);
  setChildren($('detail'), [h('p', { class: 'back' }, h('a', { href: '#review' }, '‹ List')), ...parts.flat().filter(Boolean)]);
  // The element that replaces the focused one gets the focus.
  const isLost = focused && document.activeElement.dataset.key !== focused;
  const again = isLost && [...$('detail').querySelectorAll('[data-key]')].find(element => element.dataset.key === focused);
  if (again) again.focus({ preventScroll: true });
}

/** Shows the effect of a decision on the item, the list and the count. */
export function refreshViews() {
  refreshList();
  showItem();
  showProgress();
}

/** What the toolbar and the keys do with the open item, by key. */
export const ACTIONS = {
  a: () => accept(view.item),
  r: () => withMarked(reject),
  s: () => withMarked(split),
  m: () => mergeStep(view.item),
  c: () => chooseCanonical(view.item, view.item.stories[view.selected]),
  u: undo,
};

/** Applies an action to the marked stories, and removes the marks. */
function withMarked(action) {
  const marked = [...view.marked];
  view.marked.clear();
  action(view.item, marked);
}

export const select = position => {
  view.selected = Math.min(Math.max(0, position), view.item.stories.length - 1);
  showItem();
};

export function toggleMark(story) {
  if (!view.marked.delete(story)) view.marked.add(story);
  showItem();
}

export function showAllMembers() {
  if (!view.item || view.showAll) return;
  view.showAll = true;
  showItem();
}

function toolbar(...buttons) {
  const button = ([name, key, hint]) => h('button', { type: 'button', title: hint, 'data-key': key, click: () => {
    ACTIONS[key]();
    refreshViews();
  } }, name, ' ', h('kbd', {}, key));
  return h('div', { class: 'actions', role: 'toolbar', 'aria-label': 'Decide' }, buttons.map(button));
}

function stateLine(item) {
  const decision = decisionOf(item);
  if (!decision) return priorLine(item);
  const { state, mergedWith, canonical } = decision;
  let text = state ? 'Decided: ' + STATE_NAMES[state] : 'Decided in part: not on all of its stories';
  if (mergedWith) text += ' with ' + mergedWith.map(key => truncate(heading(data.itemByKey.get(key)), 40)).join(', ');
  if (canonical !== undefined) text += '; kept: ' + truncate(storyId(canonical), 60);
  return h('p', { class: 'decided ' + (state || '') }, text);
}

function priorLine(item) {
  if (!item.prior) return null;
  const { state, decidedStories, canonical } = item.prior;
  const text = (state ? 'Decided before: ' + STATE_NAMES[state]
    : `Decided before in part: ${decidedStories} of ${plural(item.stories.length, 'story', 'stories')}`)
    + (canonical === null ? '' : '; kept: ' + truncate(storyId(canonical), 60));
  return h('p', { class: 'decided prior' }, text);
}

/** Nodes that are made again only where their key changes. */
function cached(name, key, make) {
  if (!view.cache[name] || view.cache[name].key !== key) view.cache[name] = { key, nodes: make() };
  return view.cache[name].nodes;
}

function groupParts(item) {
  const { group } = item;
  const isLarge = item.stories.length > 2;
  return [
    h('h2', { dir: 'auto' }, truncate(heading(item), 300)),
    h('p', { class: 'facts' }, `Group ${item.number} · ${plural(item.stories.length, 'story', 'stories')}`
      + (isLarge ? ` · would split above ${percent(group.health.splits_at)}` : '')),
    stateLine(item),
    toolbar(
      ['Accept', 'a', 'These are one story'],
      [view.marked.size ? 'Take marked out' : 'Reject', 'r', 'Marked stories do not belong here; without marks, no two do'],
      ['Split marked off', 's', 'Marked stories are a group of their own'],
      [mergeName(item), 'm', 'Two groups are one: press in the one, then in the other'],
      ['Keep selected', 'c', 'The selected story is the one to be kept'],
      ['Undo', 'u', 'Take the last decision back']),
    members(item),
    ...comparison(item),
    isLarge ? cached('health', item.key, () => healthCard(group.health)) : null,
  ];
}

function members(item) {
  view.showAll = view.showAll || view.selected >= MAX_ROWS || item.stories.length <= MAX_ROWS;
  const rows = view.showAll ? item.stories.length : MAX_ROWS;
  const handlers = { select, toggle: toggleMark, showAll: showAllMembers };
  const nodes = cached('members', tableKey(item, rows), () => memberTable(item, rows, handlers));
  updateSelection(nodes, item, view);
  return nodes;
}

/** The selected story beside the kept one. */
function comparison(item) {
  const kept = canonicalOf(item);
  const [runCanonical] = item.stories;
  const isAsRun = kept === runCanonical;
  const story = item.stories[view.selected] === kept ? runCanonical : item.stories[view.selected];
  const { aligned, contained } = item.group.members[view.selected];
  // The run aligned the passages with those of the story that it kept, unless the two texts are identical.
  const isAligned = isAsRun && (aligned.length || contained.length);
  const table = () => (isAligned ? diffTable(kept, story, aligned, contained) : diffTable(kept, story, null, null));
  return [
    h('h3', {}, 'Side by side: kept and ', h('span', { class: 'id' }, truncate(storyId(story), 60))),
    !isAsRun && story !== kept ? h('p', { class: 'note' }, 'Aligned by this page: the run compared with the story that it kept.') : null,
    story === kept ? h('p', { class: 'note' }, 'This is the kept story.') : cached('diff', `${kept} ${story}`, table),
  ];
}

function healthCard({ splits_at: splitsAt, weakest, bridges, pairs_of_one_origin: sameOrigin, pairs }) {
  const id = story => h('span', { class: 'id', dir: 'auto' }, truncate(storyId(story), 60));
  return h('section', { class: 'card', 'aria-label': 'Health' }, h('h3', {}, 'How firmly it holds together'), h('dl', {},
    h('dt', {}, 'Pairs of one origin'), h('dd', {}, `${sameOrigin} of ${pairs}`),
    h('dt', {}, 'Would split above'), h('dd', {}, meter(splitsAt, 'coverage of the weakest pair that holds it together')),
    weakest ? [h('dt', {}, 'Weakest pair'), h('dd', {}, id(weakest[0]), ' – ', id(weakest[1]))] : null,
    h('dt', {}, 'Bridges'), h('dd', {}, bridges.length ? bridges.flatMap((story, i) => (i ? [', ', id(story)] : [id(story)]))
      : 'none: no single story holds parts of it together')));
}

function pairParts(item) {
  const { a, b, relation, coverage_a: coverageA, coverage_b: coverageB, cosine, probability, reason, aligned, contained } = item.link;
  const side = (story, coverage, text) => h('dd', { dir: 'auto' }, h('span', { class: 'id' }, truncate(storyId(story), 60)), ' ', storyFacts(story), ' ',
    meter(coverage, text));
  return [
    h('h2', { dir: 'auto' }, truncate(heading(item), 300)),
    h('p', { class: 'facts' }, `${relation} · both stay`),
    stateLine(item),
    toolbar(
      ['Accept: two stories', 'a', 'They are not of one origin'],
      ['Reject: one story', 'r', 'They are of one origin'],
      ['Undo', 'u', 'Take the last decision back']),
    h('dl', { class: 'card' },
      h('dt', {}, 'First'), side(a, coverageA, 'of it is in the second'),
      h('dt', {}, 'Second'), side(b, coverageB, 'of it is in the first'),
      h('dt', {}, 'One origin'), h('dd', {}, `probability ${formatProbability(probability)}`),
      h('dt', {}, 'Cosine'), h('dd', {}, cosine.toFixed(2)),
      h('dt', {}, 'Why'), h('dd', { dir: 'auto' }, truncate(reason, 400))),
    h('h3', {}, 'Side by side'),
    diffTable(a, b, aligned, contained),
  ];
}

function storylineParts(item) {
  const { storyline } = item;
  const best = new Map();
  for (const link of data.index.storylines.links) {
    if (link.storyline === item.number && !(best.has(link.b) && best.get(link.b).score >= link.score)) best.set(link.b, link);
  }
  const why = story => {
    if (!best.has(story)) return null;
    const { a, score, reason } = best.get(story);
    return h('p', { class: 'why', dir: 'auto' }, `${score.toFixed(1)} to ${truncate(storyId(a), 60)}: ${truncate(reason, 400)}`);
  };
  const copiesLink = (story, copies) => (copies.length
    ? [' · ', h('a', { href: '#g' + data.groupOf.get(story) }, `+${plural(copies.length, 'copy', 'copies')}`)] : null);
  return [
    h('h2', { dir: 'auto' }, truncate(storyline.label, 300)),
    h('p', { class: 'facts' }, `Storyline ${item.number} · ${plural(storyline.stories, 'story', 'stories')}`
      + (storyline.outlets ? ` · ${plural(storyline.outlets, 'outlet')}, ${storyline.independent} with a text of their own` : '')),
    lanes([item]),
    h('ol', { class: 'storyline' }, storyline.members.map(({ story, copies }) => h('li', {},
      h('p', {}, h('strong', { dir: 'auto' }, truncate(titleOf(story), 200)), ' ', h('span', { class: 'id' }, truncate(storyId(story), 60))),
      h('p', { class: 'facts' }, storyFacts(story), copiesLink(story, copies)),
      why(story)))),
  ];
}

function mergeName(item) {
  if (!view.merging) return 'Merge';
  return view.merging === item ? 'Merging …' : 'Merge with ' + truncate(heading(view.merging), 24);
}

/** The first press chooses a group, the second, in another group, merges the two. */
function mergeStep(item) {
  if (item.kind !== 'group') return announce('Only groups can be merged.');
  const first = view.merging;
  view.merging = first ? null : item;
  if (!first) return announce('Open the other group and press m there; press m here again to cancel.');
  return first === item ? announce('Not merged.') : merge(first, item);
}
