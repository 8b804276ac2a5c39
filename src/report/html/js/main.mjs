// Starts the page: views by the address, keys, buttons.

import { decide } from './actions.mjs';
import { decisionLines } from './all-decisions.mjs';
import { data, loadIndex, loadTexts, storyId } from './data.mjs';
import { decisions } from './decisions.mjs';
import { diffWords } from './diff.mjs';
import { $, announce, h } from './dom.mjs';
import { exportDecisions, showStorageNotice } from './export.mjs';
import { plural } from './format.mjs';
import { importDecisions } from './import.mjs';
import { ACTIONS, openItem, refreshViews, select, showAllMembers, toggleMark, view } from './item-view.mjs';
import { list, refreshList, setUpFilters, step } from './list.mjs';
import { showOverview } from './overview.mjs';
import { readPriorDecisions, stateOf } from './prior-decisions.mjs';
import { showProgress } from './progress.mjs';
import { losesDecisions, openStorage, storage, storageKey } from './storage.mjs';

const KEYS = [
  ['j, k', 'next, previous'],
  ['n, p', 'next, previous story of the group'],
  ['a', 'accept: the tool is right'],
  ['r', 'reject: it is wrong; with marks, take the marked stories out'],
  ['x', 'mark the selected story'],
  ['s', 'split the marked stories off'],
  ['m', 'merge: press in one group, then in the other'],
  ['c', 'keep the selected story of the group'],
  ['u', 'undo'],
  ['e', 'export decisions.jsonl'],
  ['i', 'import a decisions.jsonl'],
  ['o', 'overview'],
  ['/', 'search'],
  ['?', 'these keys'],
];

/** Shows what the address asks for. */
function route() {
  const key = location.hash.slice(1);
  const item = data.itemByKey.get(key);
  const isReview = Boolean(item) || key === 'review';
  $('overview').hidden = isReview;
  $('review').hidden = !isReview;
  for (const [id, isCurrent] of [['nav-overview', !isReview], ['nav-review', isReview]]) {
    if (isCurrent) $(id).setAttribute('aria-current', 'page');
    else $(id).removeAttribute('aria-current');
  }
  if (!item) document.body.classList.remove('item-open');
  if (item) {
    openItem(item);
  } else if (isReview && list.matches.length && matchMedia('(min-width: 900px)').matches) {
    // A wide window has room for an item beside the list: the one that was open, else the first open one.
    const open = list.matches.includes(list.open) ? list.open : list.matches.find(match => !stateOf(match)) || list.matches[0];
    history.replaceState(null, '', '#' + open.key);
    openItem(open);
  }
}

/** What the keys do now, by key. */
function keyActions() {
  const item = $('review').hidden ? null : view.item;
  const act = key => () => {
    ACTIONS[key]();
    refreshViews();
  };
  const actions = {
    j: () => ($('review').hidden ? (location.hash = 'review') : step(1)),
    k: () => step(-1),
    e: exportDecisions,
    i: () => $('file').click(),
    o: () => { location.hash = 'overview'; },
    '/': () => { location.hash = 'review'; $('search').focus(); },
    '?': () => $('help').showModal(),
    u: act('u'),
  };
  if (item && item.kind === 'group') {
    Object.assign(actions, {
      n: () => select(view.selected + 1),
      p: () => select(view.selected - 1),
      x: () => toggleMark(item.stories[view.selected]),
      s: act('s'), m: act('m'), c: act('c'),
    });
  }
  if (item && item.kind !== 'storyline') Object.assign(actions, { a: act('a'), r: act('r') });
  return actions;
}

function onKey(event) {
  // The dialog has keys of its own: Escape closes it.
  if ($('help').open) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest('input:not([type=checkbox]), select, textarea')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const action = keyActions()[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** The link for keyboard users goes to what is shown, and leaves the address alone. */
function setUpSkipLink() {
  document.querySelector('.skip').addEventListener('click', event => {
    event.preventDefault();
    const target = !$('review').hidden && view.item ? $('detail') : $('main');
    target.focus();
    target.scrollIntoView();
  });
}

function setUpHelp() {
  $('help').replaceChildren(h('h2', {}, 'Keys'),
    h('dl', {}, KEYS.flatMap(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)])),
    h('form', { method: 'dialog' }, h('button', {}, 'Close')));
}

function setUpTheme() {
  $('theme').addEventListener('click', () => {
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const current = document.documentElement.dataset.theme || (isDark ? 'dark' : 'light');
    document.documentElement.dataset.theme = current === 'dark' ? 'light' : 'dark';
  });
}

function setUpButtons() {
  $('export').addEventListener('click', exportDecisions);
  $('import').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    if (!file) return;
    importDecisions(file)
      .then(refreshViews, error => announce('Not imported: ' + error.message))
      // The same file may be chosen again.
      .finally(() => { $('file').value = ''; });
  });
  $('keys').addEventListener('click', () => $('help').showModal());
}

async function start() {
  if (typeof DecompressionStream === 'undefined') {
    $('loading').textContent = 'This browser cannot unpack the data: it has no DecompressionStream. Browsers since 2023 have.';
    return;
  }
  setUpTheme();
  await loadIndex();
  const { stories, groups } = data.index;
  $('summary').textContent = `${plural(stories.id.length, 'story', 'stories')} · ${plural(groups.length, 'group')}`;
  readPriorDecisions();
  storage.onStatus = showStorageNotice;
  openStorage(refreshViews);
  setUpFilters();
  setUpHelp();
  setUpSkipLink();
  refreshList(0);
  showOverview();
  showProgress();
  setUpButtons();
  addEventListener('hashchange', route);
  // A printed page has no button for the remaining rows.
  addEventListener('beforeprint', showAllMembers);
  document.addEventListener('keydown', onKey);
  $('loading').remove();
  route();
  document.documentElement.dataset.ready = 'yes';
  // The texts are unpacked while the overview is looked at.
  setTimeout(loadTexts, 50);
}

// For the browser's console, and for scripts/browser-test.
globalThis.samestory = {
  data, decide, decisionLines, decisions, diffWords, exportDecisions, importDecisions, losesDecisions, storage, storageKey, storyId, view,
};

start().catch(error => {
  $('status').textContent = 'This page cannot show its data: ' + error.message;
});
