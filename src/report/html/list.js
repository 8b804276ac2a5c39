// The list of groups, pairs and storylines: searched, filtered, ordered, a page of fifty at a time.

const PAGE = 50;
const L = { found: [], page: 0, at: -1, open: null };

function setUpFilters() {
  const kinds = new Map([['all', 'everything']]);
  const names = { group: 'groups', twin: 'twins', related: 'related pairs', storyline: 'storylines' };
  for (const [kind, name] of Object.entries(names)) {
    const n = D.items.filter(i => i.kind === kind).length;
    if (n) kinds.set(kind, `${name} (${n.toLocaleString('en')})`);
  }
  fill('f-kind', [...kinds]);
  if (kinds.has('group')) $('f-kind').value = 'group';
  if (D.about.command === 'link' && kinds.has('storyline')) $('f-kind').value = 'storyline';
  const used = new Set(D.items.flatMap(i => [...i.relations]));
  fill('f-relation', [['', 'any'], ...[...used].sort((a, b) => a - b).map(r => [String(r), relationName(r)])]);
  const sources = [...new Set(D.index.stories.source)].filter(n => n !== null).map(n => D.index.stories.names[n]).sort();
  fill('f-source', [['', 'any'], ...sources.map(name => [name, brief(name, 40)])]);
  fill('f-state', [['', 'either'], ['open', 'not yet'], ['done', 'decided'], ...Object.entries(STATE_NAMES),
    ...(D.items.some(i => i.before) ? [['before', 'before this page']] : [])]);
  fill('f-order', [['input', 'as read'], ['size', 'largest first'], ['weak', 'least certain first'], ['time', 'earliest first'],
    ['title', 'by title']]);
  $('filters').addEventListener('input', () => refresh(0));
  $('filters').addEventListener('submit', event => event.preventDefault());
}

function fill(id, options) {
  $(id).replaceChildren(...options.map(([value, name]) => h('option', { value }, name)));
}

/** How certain the tool is: of a group its weakest pair, of a pair the better coverage. */
function certainty(item) {
  if (item.group) return item.group.members.length > 2 ? item.group.splits_at : Math.max(...item.group.members[1].slice(2, 4));
  if (item.link) return Math.max(item.link[3], item.link[4]);
  return 1;
}

const ORDERS = {
  input: (x, y) => x.at - y.at,
  size: (x, y) => y.stories.length - x.stories.length || x.at - y.at,
  weak: (x, y) => certainty(x) - certainty(y) || x.at - y.at,
  time: (x, y) => firstTime(x) - firstTime(y) || x.at - y.at,
  title: (x, y) => heading(x).localeCompare(heading(y)) || x.at - y.at,
};

function firstTime(item) {
  if (item.first === undefined) {
    item.first = item.stories.reduce((least, s) => Math.min(least, timeOf(s) === null ? Infinity : timeOf(s)), Infinity);
    if (item.first === Infinity) item.first = Number.MAX_SAFE_INTEGER;
  }
  return item.first;
}

/** Finds again what the filters ask for, and shows page `page` of it. */
function refresh(page) {
  const search = $('search').value.toLowerCase().trim();
  const [kind, relation, source, state] = ['f-kind', 'f-relation', 'f-source', 'f-state'].map(id => $(id).value);
  const terms = search.split(/\s+/).filter(Boolean);
  L.found = D.items.filter(item => {
    if (kind !== 'all' && item.kind !== kind) return false;
    if (relation !== '' && !item.relations.has(Number(relation))) return false;
    if (source !== '' && !item.stories.some(s => sourceOf(s) === source)) return false;
    const decision = stateOf(item);
    if (state === 'before') return Boolean(item.before) && terms.every(t => words(item).includes(t));
    if (state === 'open' && decision) return false;
    if (state === 'done' && !decision) return false;
    if (state && state !== 'open' && state !== 'done' && decision !== state) return false;
    return terms.every(t => words(item).includes(t));
  }).sort(ORDERS[$('f-order').value]);
  L.at = L.found.indexOf(L.open);
  showPage(page === undefined ? L.page : page);
}

function showPage(page) {
  const pages = Math.max(1, Math.ceil(L.found.length / PAGE));
  L.page = Math.min(Math.max(0, page), pages - 1);
  const from = L.page * PAGE;
  const shownItems = L.found.slice(from, from + PAGE);
  $('found').textContent = L.found.length
    ? `${(from + 1).toLocaleString('en')}–${(from + shownItems.length).toLocaleString('en')} of ${L.found.length.toLocaleString('en')}`
    : 'Nothing matches.';
  $('list').replaceChildren(...shownItems.map(entry));
  const turn = (name, to, label) => h('button', { type: 'button', disabled: to < 0 || to >= pages || to === L.page, 'aria-label': label,
    click: () => showPage(to) }, name);
  $('pager').replaceChildren(turn('«', 0, 'First page'), turn('‹', L.page - 1, 'Page before'),
    h('span', {}, ` ${L.page + 1} / ${pages} `), turn('›', L.page + 1, 'Next page'), turn('»', pages - 1, 'Last page'));
}

function entry(item) {
  const state = stateOf(item), before = isBefore(item);
  const what = item.kind === 'group' ? count(item.stories.length, 'story', 'stories')
    : item.kind === 'storyline' ? `storyline, ${count(item.stories.length, 'story', 'stories')}`
      : `${item.kind === 'twin' ? 'twin of' : 'related to'} ${brief(titleOf(item.stories[1]), 80)}`;
  const relations = item.kind === 'group' ? [...item.relations].sort((a, b) => a - b).map(relationName).join(', ') : '';
  const sources = [...new Set(item.stories.map(sourceOf).filter(Boolean))];
  return h('li', {},
    h('a', { href: '#' + item.key, class: [state, before && 'before'].filter(Boolean).join(' ') || null, 'aria-current': item === L.open ? 'true' : null },
      h('span', { class: 'title', dir: 'auto' }, brief(heading(item), 120)),
      h('span', { class: 'facts' }, [what, relations, brief(sources.slice(0, 3).join(', '), 50) + (sources.length > 3 ? ' …' : '')]
        .filter(Boolean).join(' · ')),
      state ? h('span', { class: 'state' }, STATE_NAMES[state] + (before ? ' before' : '')) : null));
}

/** Opens the item `by` places further in what was found. */
function step(by) {
  if (!L.found.length) return;
  const to = L.at < 0 ? (by > 0 ? 0 : L.found.length - 1) : Math.min(Math.max(0, L.at + by), L.found.length - 1);
  location.hash = L.found[to].key;
}
