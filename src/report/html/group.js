// One group, pair or storyline: members, health, the comparison, and what can be decided.

const G = { item: null, member: 0, marked: new Set(), drawn: {} };

/** Opens an item; `texts` are unpacked on the way. */
async function openItem(item) {
  L.open = item;
  L.at = L.found.indexOf(item);
  if (L.at < 0) {
    // A link from elsewhere: the filters would hide it.
    ['f-relation', 'f-source', 'f-state', 'search'].forEach(id => { $(id).value = ''; });
    $('f-kind').value = 'all';
    refresh(0);
  }
  G.item = item;
  G.member = item.kind === 'group' ? 1 : 0;
  G.marked = new Set();
  G.all = false;
  showPage(L.at < 0 ? L.page : Math.floor(L.at / PAGE));
  const current = $('list').querySelector('[aria-current]');
  if (current) current.scrollIntoView({ block: 'nearest' });
  await texts();
  if (G.item !== item) return;
  say('');
  document.body.classList.add('opened');
  showItem();
  // It is read from its beginning, wherever the one before was left.
  scrollTo(0, 0);
  document.title = brief(shown(heading(item)), 60) + ' – samestory report';
}

function showItem() {
  const item = G.item;
  // Until the texts are there, there is nothing to show; then it is shown as it is by then.
  if (!item || !D.texts) return;
  // What had the focus has it again once everything is drawn anew.
  const focused = document.activeElement && document.activeElement.dataset.k;
  const parts = item.kind === 'group' ? showGroup(item) : item.kind === 'storyline' ? showStoryline(item) : showPair(item);
  put($('detail'), [h('p', { class: 'back' }, h('a', { href: '#review' }, '‹ List')), ...parts.flat().filter(Boolean)]);
  const again = focused && document.activeElement.dataset.k !== focused && [...$('detail').querySelectorAll('[data-k]')].find(e => e.dataset.k === focused);
  if (again) again.focus({ preventScroll: true });
}

/** After a decision: the same item again, with the list and the count. */
function changed() {
  refresh();
  showItem();
  showProgress();
}

function action(name, key, act, hint) {
  return h('button', { type: 'button', title: hint, 'data-k': key, click: () => { act(); changed(); } }, name, ' ', h('kbd', {}, key));
}

function stateLine(item) {
  const decision = decisionOf(item);
  if (!decision) return beforeLine(item);
  let text = decision.state ? 'Decided: ' + STATE_NAMES[decision.state] : 'Decided in part: not on all of its stories';
  if (decision.with) text += ' with ' + decision.with.map(k => brief(heading(D.byKey.get(k)), 40)).join(', ');
  if (decision.canonical !== undefined) text += '; kept: ' + brief(storyId(decision.canonical), 60);
  return h('p', { class: 'decided ' + (decision.state || '') }, text);
}

function facts(story) {
  // A time stays on one line.
  return [brief(sourceOf(story), 60), when(timeOf(story)).replace(/[- ]/g, c => (c === '-' ? '\u2011' : '\u00a0')), creditOf(story) && 'credits ' + creditOf(story)].filter(Boolean).join(' · ');
}

/** The story that is kept of a group by what is decided. */
function keptOf(item) {
  const { canonical } = decisionOf(item) || {};
  return canonical === undefined ? item.stories[0] : canonical;
}

function showGroup(item) {
  const { group } = item;
  const kept = keptOf(item);
  const other = item.stories[G.member] === kept ? item.stories[0] : item.stories[G.member];
  const known = kept === item.stories[0] ? group.members[G.member] : null;
  // What the run laid side by side, unless the passages are all the same or another story is kept now.
  const [pairs, inside] = known && (known[7].length || known[8].length) ? [known[7], known[8]] : [null, null];
  return [
    h('h2', { dir: 'auto' }, brief(heading(item), 300)),
    h('p', { class: 'facts' }, `Group ${item.number} · ${count(item.stories.length, 'story', 'stories')}`
      + (item.stories.length > 2 ? ` · would split above ${percent(group.splits_at)}` : '')),
    stateLine(item),
    h('div', { class: 'actions', role: 'toolbar', 'aria-label': 'Decide' },
      action('Accept', 'a', () => accept(item), 'These are one story'),
      action(G.marked.size ? 'Take marked out' : 'Reject', 'r', () => reject(item, [...G.marked]), 'Marked stories do not belong here; without marks, no two do'),
      action('Split marked off', 's', () => split(item, [...G.marked]), 'Marked stories are a group of their own'),
      action(mergeName(item), 'm', () => mergeStep(item), 'Two groups are one: press in the one, then in the other'),
      action('Keep selected', 'c', () => choose(item, item.stories[G.member]), 'The selected story is the one to be kept'),
      action('Undo', 'u', undo, 'Take the last decision back')),
    membersOf(item),
    h('h3', {}, 'Side by side: kept and ', h('span', { class: 'id' }, brief(storyId(other), 60))),
    known === null && other !== kept ? h('p', { class: 'note' }, 'Aligned by this page: the run compared with the story that it kept.') : null,
    other === kept ? h('p', { class: 'note' }, 'This is the kept story.') : once('diff', `${kept} ${other}`, () => diffTable(kept, other, pairs, inside)),
    item.stories.length > 2 ? once('health', item.key, () => healthCard(item)) : null,
  ];
}

/** What is drawn under `name`, and drawn again only where `sign` says that it is another. */
function once(name, sign, draw) {
  if (!G.drawn[name] || G.drawn[name].sign !== sign) G.drawn[name] = { sign, nodes: draw() };
  return G.drawn[name].nodes;
}

function healthCard(item) {
  const { splits_at: splits, weakest, bridges, pairs } = item.group;
  const name = story => h('span', { class: 'id', dir: 'auto' }, brief(storyId(story), 60));
  return h('section', { class: 'card', 'aria-label': 'Health' }, h('h3', {}, 'How firmly it holds together'), h('dl', {},
    h('dt', {}, 'Pairs of one origin'), h('dd', {}, `${pairs[0]} of ${pairs[1]}`),
    h('dt', {}, 'Would split above'), h('dd', {}, meter(splits, 'coverage of the weakest pair that holds it together')),
    weakest ? [h('dt', {}, 'Weakest pair'), h('dd', {}, name(weakest[0]), ' – ', name(weakest[1]))] : null,
    h('dt', {}, 'Bridges'), h('dd', {}, bridges.length ? bridges.flatMap((b, i) => (i ? [', ', name(b)] : [name(b)]))
      : 'none: no single story holds parts of it together')));
}

function showPair(item) {
  const [a, b, relation, ab, ba, cosine, reason, pairs, inside] = item.link;
  const twin = relationName(relation) === 'twin';
  return [
    h('h2', { dir: 'auto' }, brief(heading(item), 300)),
    h('p', { class: 'facts' }, `${relationName(relation)} · both stay`),
    stateLine(item),
    h('div', { class: 'actions', role: 'toolbar', 'aria-label': 'Decide' },
      action('Accept: two stories', 'a', () => accept(item), 'They are not of one origin'),
      action('Reject: one story', 'r', () => reject(item, []), 'They are of one origin'),
      action('Undo', 'u', undo, 'Take the last decision back')),
    h('dl', { class: 'card' },
      h('dt', {}, 'First'), h('dd', { dir: 'auto' }, h('span', { class: 'id' }, brief(storyId(a), 60)), ' ', facts(a), ' ', meter(ab, 'of it is in the second')),
      h('dt', {}, 'Second'), h('dd', { dir: 'auto' }, h('span', { class: 'id' }, brief(storyId(b), 60)), ' ', facts(b), ' ', meter(ba, 'of it is in the first')),
      h('dt', {}, 'Cosine'), h('dd', {}, cosine.toFixed(2)),
      h('dt', {}, 'Why'), h('dd', { dir: 'auto' }, brief(reason, 400))),
    h('h3', {}, 'Side by side'),
    diffTable(a, b, twin ? pairs : null, inside),
  ];
}

function showStoryline(item) {
  const { line } = item;
  const why = new Map();
  for (const [a, b, storyline, score, reason] of D.index.storylines.links) {
    if (storyline === item.number && !(why.has(b) && why.get(b).score >= score)) why.set(b, { a, score, reason });
  }
  const inGroup = story => D.groupOf.get(story);
  return [
    h('h2', { dir: 'auto' }, brief(line.label, 300)),
    h('p', { class: 'facts' }, `Storyline ${item.number} · ${count(line.stories, 'story', 'stories')}`
      + (line.outlets ? ` · ${count(line.outlets, 'outlet')}, ${line.independent} with a text of their own` : '')),
    lanes([item]),
    h('ol', { class: 'storyline' }, line.members.map(([story, copies]) => h('li', {},
      h('p', {}, h('strong', { dir: 'auto' }, brief(titleOf(story), 200)), ' ', h('span', { class: 'id' }, brief(storyId(story), 60))),
      h('p', { class: 'facts' }, facts(story), copies.length ? [' · ', h('a', { href: '#g' + inGroup(story) }, `+${count(copies.length, 'copy', 'copies')}`)] : null),
      why.has(story) ? h('p', { class: 'why', dir: 'auto' }, `${why.get(story).score.toFixed(1)} to ${brief(storyId(why.get(story).a), 60)}: ${brief(why.get(story).reason, 400)}`) : null))),
  ];
}

function toggle(story) {
  if (!G.marked.delete(story)) G.marked.add(story);
  showItem();
}

const mergeName = item => (G.merging && G.merging !== item ? 'Merge with ' + brief(heading(G.merging), 24) : G.merging ? 'Merging …' : 'Merge');

function mergeStep(item) {
  if (item.kind !== 'group') return say('Only groups can be merged.');
  if (!G.merging) {
    G.merging = item;
    return say('Open the other group and press m there; m here again ends it.');
  }
  if (G.merging === item) {
    G.merging = null;
    return say('Not merged.');
  }
  const first = G.merging;
  G.merging = null;
  return merge(first, item);
}
