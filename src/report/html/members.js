// The stories of a group as a table: what each is to the kept story, which is selected and which are marked.

/** Rows shown at first: a browser takes its time over hundreds. */
const MOST_ROWS = 100;

/** The table of a group; moving the selection and marking change it in place. */
function membersOf(item) {
  G.all = G.all || G.member >= MOST_ROWS || item.stories.length <= MOST_ROWS;
  const shownRows = G.all ? item.stories.length : MOST_ROWS;
  const nodes = once('members', [item.key, shownRows, JSON.stringify(decisionOf(item))].join(' '), () => memberTable(item, shownRows));
  nodes.forEach(node => node.querySelectorAll('tbody tr').forEach((row, at) => {
    row.classList.toggle('selected', at === G.member);
    row.querySelector('input').checked = G.marked.has(item.stories[at]);
    row.querySelector('.member').setAttribute('aria-pressed', String(at === G.member));
  }));
  return nodes;
}

function memberTable(item, shownRows) {
  const kept = keptOf(item);
  const off = offOf(item);
  // The figures are of the run, which compared with the story that it kept, whichever is kept now.
  const asRun = kept === item.stories[0];
  const base = asRun ? 'kept' : brief(storyId(item.stories[0]), 24);
  const than = asRun ? 'the kept story' : base;
  const rows = item.group.members.slice(0, shownRows).map((m, i) => {
    const [story, relation, coverage, ofKept, cosine, removed, reason] = m;
    const isKept = story === kept;
    const name = off.has(story) ? 'taken out' : isKept ? 'kept' : i === 0 ? 'was kept' : relationName(relation);
    const stays = i > 0 && !removed && !off.has(story);
    const select = () => { G.member = i; showItem(); };
    return h('tr', { class: [off.has(story) && 'off', isKept && 'kept'].filter(Boolean).join(' '), click: event => {
      if (!event.target.closest('input, button')) select();
    } },
    h('td', {}, h('input', { type: 'checkbox', 'data-k': 'x' + i, 'aria-label': 'Mark ' + brief(storyId(story), 60), change: () => toggle(story) })),
    h('td', {}, h('span', { class: 'relation r-' + (i === 0 ? 'kept' : relationName(relation)) }, name), stays ? h('span', { class: 'stays' }, 'stays') : null),
    h('td', { dir: 'auto' }, h('button', { type: 'button', class: 'member', 'data-k': 'm' + i, click: select }, brief(storyId(story), 60)),
      h('span', { class: 'facts' }, facts(story))),
    h('td', { 'data-label': 'in ' + base }, i === 0 ? '' : meter(coverage, 'of it is in ' + than)),
    h('td', { 'data-label': base + ' in it' }, i === 0 ? '' : meter(ofKept, `of ${than} is in it`)),
    h('td', { 'data-label': 'cosine' }, i === 0 ? '' : cosine.toFixed(2)),
    h('td', { class: 'reason', dir: 'auto' }, brief(reason, 400)));
  });
  const head = ['Mark', 'Relation', 'Story', 'In ' + base, (asRun ? 'Kept' : base) + ' in it', 'Cosine', 'Why'];
  const hidden = item.stories.length - rows.length;
  return [
    asRun ? null : h('p', { class: 'note' }, 'Relations, figures and reasons compare with ', h('span', { class: 'id' }, base),
      ', which the run kept; a run with these decisions compares with the story kept now.'),
    h('div', { class: 'scroll' }, h('table', { class: 'members' },
      h('thead', {}, h('tr', {}, head.map(x => h('th', { scope: 'col', dir: 'auto' }, x)))),
      h('tbody', {}, rows))),
    hidden > 0 ? h('p', {}, h('button', { type: 'button', click: showAllMembers }, `Show all ${count(item.stories.length, 'story', 'stories')}`)) : null,
  ].filter(Boolean);
}

function showAllMembers() {
  if (!G.item || G.all) return;
  G.all = true;
  showItem();
}
