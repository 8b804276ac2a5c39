// The page comes up: views by the address, keys, the rest.

const KEYS = [
  ['j, k', 'the next, the one before'],
  ['n, p', 'the next story of the group, the one before'],
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

function showProgress() {
  const all = D.items.filter(i => i.kind !== 'storyline');
  const done = all.filter(stateOf).length, before = all.filter(isBefore).length;
  $('progress').textContent = all.length ? `${done.toLocaleString('en')} of ${all.length.toLocaleString('en')} decided`
    + (before ? `, ${before.toLocaleString('en')} before` : '') : '';
}

/** Shows what the address asks for. */
function route() {
  const key = location.hash.slice(1);
  const item = D.byKey.get(key);
  const review = Boolean(item) || key === 'review';
  $('overview').hidden = review;
  $('review').hidden = !review;
  for (const [id, on] of [['nav-overview', !review], ['nav-review', review]]) {
    if (on) $(id).setAttribute('aria-current', 'page');
    else $(id).removeAttribute('aria-current');
  }
  if (!item) document.body.classList.remove('opened');
  if (item) {
    openItem(item);
  } else if (review && L.found.length && matchMedia('(min-width: 900px)').matches) {
    // Beside the list there is room for an item: the one that was open, else the first that nobody decided.
    const open = L.found.includes(L.open) ? L.open : L.found.find(i => !stateOf(i)) || L.found[0];
    history.replaceState(null, '', '#' + open.key);
    openItem(open);
  }
}

function onKey(event) {
  // The open dialog is for reading; Escape closes it.
  if ($('help').open) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest('input:not([type=checkbox]), select, textarea')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const item = $('review').hidden ? null : G.item;
  const inGroup = item && item.kind === 'group';
  const move = by => {
    G.member = Math.min(Math.max(0, G.member + by), item.stories.length - 1);
    showItem();
  };
  const acts = {
    j: () => ($('review').hidden ? (location.hash = 'review') : step(1)),
    k: () => step(-1),
    e: exportDecisions,
    i: () => $('file').click(),
    o: () => { location.hash = 'overview'; },
    '/': () => { location.hash = 'review'; $('search').focus(); },
    '?': () => $('help').showModal(),
  };
  if (inGroup) {
    acts.n = () => move(1);
    acts.p = () => move(-1);
    acts.x = () => toggle(item.stories[G.member]);
    acts.s = () => { split(item, [...G.marked]); G.marked.clear(); changed(); };
    acts.m = () => { mergeStep(item); changed(); };
    acts.c = () => { choose(item, item.stories[G.member]); changed(); };
  }
  if (item && item.kind !== 'storyline') {
    acts.a = () => { accept(item); changed(); };
    acts.r = () => { reject(item, [...G.marked]); G.marked.clear(); changed(); };
  }
  acts.u = () => { undo(); changed(); };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

/** The link for those who go by the keyboard leads to what is shown, and leaves the address alone. */
function setUpSkip() {
  document.querySelector('.skip').addEventListener('click', event => {
    event.preventDefault();
    const to = !$('review').hidden && G.item ? $('detail') : $('main');
    to.focus();
    to.scrollIntoView();
  });
}

function setUpHelp() {
  $('help').replaceChildren(h('h2', {}, 'Keys'),
    h('dl', {}, KEYS.flatMap(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)])),
    h('form', { method: 'dialog' }, h('button', {}, 'Close')));
}

function setUpTheme() {
  $('theme').addEventListener('click', () => {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light');
    document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
  });
}

async function start() {
  if (typeof DecompressionStream === 'undefined') {
    $('wait').textContent = 'This browser cannot unpack the data (no DecompressionStream): one of 2023 or later can.';
    return;
  }
  setUpTheme();
  await load();
  const { stories, groups } = D.index;
  $('sum').textContent = `${count(stories.id.length, 'story', 'stories')} · ${count(groups.length, 'group')}`;
  readGiven();
  setUpKeeping();
  setUpFilters();
  setUpHelp();
  setUpSkip();
  refresh(0);
  showOverview();
  showProgress();
  $('export').addEventListener('click', exportDecisions);
  $('import').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    // The same file may be chosen again.
    if (file) importDecisions(file).catch(error => say('Not imported: ' + error.message)).finally(() => { $('file').value = ''; });
  });
  $('keys').addEventListener('click', () => $('help').showModal());
  addEventListener('hashchange', route);
  // Paper has no button for the rest.
  addEventListener('beforeprint', showAllMembers);
  document.addEventListener('keydown', onKey);
  $('wait').remove();
  route();
  document.documentElement.dataset.ready = 'yes';
  // The texts are unpacked while the reader looks at the overview.
  setTimeout(texts, 50);
}

start().catch(error => {
  $('status').textContent = 'This page cannot show its data: ' + error.message;
});
