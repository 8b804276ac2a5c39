// The overview: what the run found, as figures and drawings; each drawing has its figures as a table too.

/** A drawing with its title, a text for those who do not see it, and its figures. */
function figure(title, about, drawing, head, rows) {
  return h('figure', { class: 'card' }, h('figcaption', {}, h('h2', {}, title), h('p', { class: 'note' }, about)), drawing,
    rows && rows.length ? h('details', {}, h('summary', {}, 'Figures'), h('div', { class: 'scroll' }, h('table', {},
      h('thead', {}, h('tr', {}, head.map(x => h('th', { scope: 'col' }, x)))),
      h('tbody', {}, rows.map(r => h('tr', {}, r.map(x => h('td', {}, x)))))))) : null);
}

function drawing(width, height, label, ...children) {
  return s('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'xMinYMin meet' }, ...children);
}

function showOverview() {
  const parts = [relationCounts(), storylineLanes(), coverageHistogram(), groupSizes(), sourceShares(), timeline(), manifestCard()];
  $('overview').replaceChildren(...parts.filter(Boolean));
}

function relationCounts() {
  const { groups, links, stories, storylines } = D.index;
  const counts = new Map();
  const bump = name => counts.set(name, (counts.get(name) || 0) + 1);
  let removed = 0, inGroups = 0;
  for (const group of groups) {
    inGroups += group.members.length;
    for (const m of group.members.slice(1)) {
      bump(relationName(m[1]));
      if (m[5]) removed++;
    }
  }
  links.forEach(l => bump(relationName(l[2])));
  const meaning = {
    identical: 'the same text', copy: 'edited, cut or extended', excerpt: 'one contained in the other', update: 'newer version by the same source',
    twin: 'same template, other facts: both stay', related: 'same event, other words: both stay',
  };
  const tile = (n, name, note, relation) => h('a', { class: 'tile ' + (relation ? 'r-' + relation : ''), href: '#review', click: () => {
    if (!relation) return;
    $('f-kind').value = relation === 'twin' || relation === 'related' ? relation : 'group';
    $('f-relation').value = String(D.index.relations.indexOf(relation));
    refresh(0);
  } }, h('strong', {}, n.toLocaleString('en')), h('span', {}, name), h('small', {}, note));
  const tiles = D.index.relations.filter(r => counts.get(r)).map(r => tile(counts.get(r), r, meaning[r] || '', r));
  const head = [
    tile(groups.length, groups.length === 1 ? 'group' : 'groups', `${inGroups.toLocaleString('en')} of ${stories.id.length.toLocaleString('en')} stories are in one`),
    tile(removed, 'to remove', 'the kept story holds at least half of each'),
  ];
  if (storylines) head.push(tile(storylines.lines.length, 'storylines', `${storylines.links.length.toLocaleString('en')} links`));
  return h('section', { class: 'tiles wide', 'aria-label': 'Counts' }, head, tiles);
}

function coverageHistogram() {
  const { histogram, relations, thresholds: t } = D.index;
  const totals = histogram[0].map((_, bin) => histogram.reduce((sum, row) => sum + row[bin], 0));
  const most = Math.max(1, ...totals), all = totals.reduce((x, y) => x + y, 0);
  if (!all) return null;
  const [width, height, left, top, foot] = [640, 270, 8, 58, 24];
  const x = share => left + share * (width - 2 * left);
  const tall = n => (n ? (0.06 + 0.94 * Math.log(n) / Math.log(Math.max(most, 2))) * (height - top - foot) : 0);
  const bars = totals.flatMap((total, bin) => {
    let y = height - foot;
    return relations.map((relation, row) => {
      const part = total ? tall(total) * histogram[row][bin] / total : 0;
      y -= part;
      return part ? s('rect', { class: 'r-' + relation, x: x(bin / totals.length) + 0.5, y, width: (width - 2 * left) / totals.length - 1, height: part },
        s('title', {}, `${bin * 2}–${bin * 2 + 2} %: ${histogram[row][bin]} ${relation}`)) : null;
    }).filter(Boolean);
  });
  const lines = [['excerpt from', t.excerpt_coverage], ['copy from', t.copy_coverage], ['copy: other side', t.copy_other], ['shared passage from', t.passage_coverage]]
    .sort((p, q) => q[1] - p[1])
    .map(([name, share], i) => [
      s('line', { class: 'threshold', x1: x(share), x2: x(share), y1: 14 * (i % 4) + 3, y2: height - foot }),
      s('text', { class: 'label', x: x(share) - 4, y: 14 * (i % 4) + 11, 'text-anchor': share < 0.3 ? 'start' : 'end', dx: share < 0.3 ? 8 : 0 },
        `${name} ${percent(share)}`),
    ]).flat();
  const axis = [0, 25, 50, 75, 100].map(n => s('text', { class: 'label', x: x(n / 100), y: height - 8,
    'text-anchor': n === 0 ? 'start' : n === 100 ? 'end' : 'middle' }, n + ' %'));
  const used = relations.filter((_, row) => histogram[row].some(Boolean));
  return figure('Coverage of all compared pairs',
    'The greater of the two coverages of each pair. Height is logarithmic; colours share a bar by relation. Lines: the thresholds of this run.',
    [drawing(width, height, `Histogram of the coverage of ${all} pairs; copy from ${percent(t.copy_coverage)}`, bars, lines, axis),
      h('ul', { class: 'legend' }, used.map(r => h('li', {}, h('span', { class: 'swatch r-' + r }), r)))],
    ['Coverage', ...used], totals.map((total, bin) => (total
      ? [`${bin * 2}–${bin * 2 + 2} %`, ...used.map(r => histogram[relations.indexOf(r)][bin])] : null)).filter(Boolean));
}

/** Bars that lie, with their names to the left: [name, number, title]. */
function lyingBars(rows, label) {
  const most = Math.max(1, ...rows.map(r => r[1]));
  return h('ul', { class: 'bars', 'aria-label': label }, rows.map(([name, n, note]) => {
    const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', {}));
    bar.firstChild.style.width = Math.max(n ? 1 : 0, n / most * 100) + '%';
    return h('li', { title: note || '' }, h('span', { dir: 'auto' }, name), bar, h('span', {}, n.toLocaleString('en')));
  }));
}

function groupSizes() {
  const { groups } = D.index;
  if (!groups.length) return null;
  const edges = [[2, 2], [3, 3], [4, 4], [5, 5], [6, 10], [11, 20], [21, 50], [51, Infinity]];
  const rows = edges.map(([from, to]) => [from === to ? String(from) : to === Infinity ? `${from} and more` : `${from}–${to}`,
    groups.filter(g => g.members.length >= from && g.members.length <= to).length]);
  while (rows.length && !rows[rows.length - 1][1]) rows.pop();
  return figure('Groups by number of stories', `The largest has ${Math.max(...groups.map(g => g.members.length))} stories.`,
    lyingBars(rows, 'Groups by size'));
}

/** Sources shown in the drawing; the table below has all. */
const SOURCES = 14;

function sourceShares() {
  const { stories, groups } = D.index;
  const of = new Map();
  const entry = name => of.get(name) || of.set(name, { stories: 0, shared: 0, credited: 0, either: 0 }).get(name);
  const shared = new Set();
  for (const group of groups) {
    const sources = new Set(group.members.map(m => sourceOf(m[0])));
    if (sources.size > 1) group.members.forEach(m => shared.add(m[0]));
  }
  for (let story = 0; story < stories.id.length; story++) {
    const name = sourceOf(story);
    if (!name) continue;
    const e = entry(name);
    e.stories++;
    if (shared.has(story)) e.shared++;
    if (creditOf(story)) e.credited++;
    if (shared.has(story) || creditOf(story)) e.either++;
  }
  if (!of.size) return null;
  const rows = [...of].sort((x, y) => y[1].either / y[1].stories - x[1].either / x[1].stories || y[1].stories - x[1].stories || (x[0] < y[0] ? -1 : 1));
  const bar = ([name, e]) => {
    const parts = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', {}));
    parts.firstChild.style.width = e.either / e.stories * 100 + '%';
    return h('li', {}, h('span', { dir: 'auto' }, brief(name, 28)), parts, h('span', {}, `${percent(e.either / e.stories)} of ${e.stories}`));
  };
  return figure('Sources by share of agency copy',
    'Of each source, the stories that share their text with another source or credit an agency.'
      + (rows.length > SOURCES ? ` The first ${SOURCES} of ${rows.length}; all are in the figures.` : ''),
    h('ul', { class: 'bars' }, rows.slice(0, SOURCES).map(bar)),
    ['Source', 'Stories', 'Shared with another source', 'Credit an agency', 'Either'],
    rows.map(([name, e]) => [brief(name, 60), e.stories, e.shared, e.credited, percent(e.either / e.stories)]));
}

const HOUR = 3600e3, DAY = 24 * HOUR;

/** The span of time that bars stand for, so that there are at most sixty. */
function stepOf(span) {
  return [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY, 3650 * DAY]
    .find(step => span / step <= 60) || span / 60;
}

function timeline() {
  const { stories, groups } = D.index;
  const times = stories.time.filter(t => t !== null);
  if (times.length < 2) return null;
  const copies = new Set();
  groups.forEach(g => g.members.slice(1).forEach(m => copies.add(m[0])));
  let least = Infinity, most = -Infinity;
  for (const t of times) {
    least = Math.min(least, t);
    most = Math.max(most, t);
  }
  const step = stepOf(most - least + 1);
  const start = Math.floor(least / step) * step;
  const bins = Array.from({ length: Math.floor((most - start) / step) + 1 }, () => [0, 0]);
  stories.time.forEach((t, story) => t !== null && bins[Math.floor((t - start) / step)][copies.has(story) ? 1 : 0]++);
  const tallest = Math.max(...bins.map(b => b[0] + b[1]));
  const [width, height, foot] = [640, 180, 24];
  const wide = width / bins.length;
  const up = n => n / tallest * (height - foot - 14);
  const label = at => when(start + at * step).slice(0, step < DAY ? 16 : 10);
  const bars = bins.flatMap(([own, copied], at) => [['own', own, 0], ['copied', copied, own]].filter(b => b[1]).map(([name, n, below]) =>
    s('rect', { class: name, x: at * wide + 0.5, width: Math.max(0.5, wide - 1), y: height - foot - up(below + n), height: up(n) },
      s('title', {}, `${label(at)}: ${n} ${name}`))));
  return figure('Stories over time', `Each bar is ${step < DAY ? count(step / HOUR, 'hour') : count(Math.round(step / DAY), 'day')}.`
    + (times.length < stories.id.length ? ` ${(stories.id.length - times.length).toLocaleString('en')} stories have no time.` : ''),
  [drawing(width, height, `Stories from ${when(least)} to ${when(most)}`, bars,
    s('text', { class: 'label', x: 0, y: 10 }, 'up to ' + tallest),
    s('text', { class: 'label', x: 0, y: height - 8 }, label(0)),
    s('text', { class: 'label', x: width, y: height - 8, 'text-anchor': 'end' }, label(bins.length - 1))),
  h('ul', { class: 'legend' }, h('li', {}, h('span', { class: 'swatch own' }), 'kept, or alone'), h('li', {}, h('span', { class: 'swatch copied' }), 'of one origin with a kept story'))],
  ['From', 'Own', 'Of one origin'], bins.map((b, at) => [label(at), ...b]).filter(r => r[1] || r[2]));
}

/** Storylines drawn in the overview; all are in the list. */
const LANES = 30;

function storylineLanes() {
  if (!D.index.storylines) return null;
  const items = D.items.filter(i => i.kind === 'storyline').sort((x, y) => y.stories.length - x.stories.length || x.at - y.at).slice(0, LANES)
    .sort((x, y) => firstTime(x) - firstTime(y) || x.at - y.at);
  if (!items.length) return null;
  const all = D.index.storylines.lines.length;
  const card = figure('Storylines', 'A lane each, from its first story to its last; larger dots have copies, hollow ones no time.'
    + (all > LANES ? ` The ${LANES} largest of ${all.toLocaleString('en')}; all are in the list.` : ''), lanes(items));
  card.classList.add('wide');
  return card;
}

/** Lanes over one axis of time; stories without a time stand where the order has them. */
function lanes(items) {
  const known = items.flatMap(i => i.line.members.map(([s]) => timeOf(s)).filter(t => t !== null));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const [width, left] = [960, 330];
  // A label takes two lines where one of them does not fit.
  const lane = items.some(i => i.line.label.length > 40) ? 36 : 24;
  const height = items.length * lane + 26;
  const x = (story, at, n) => {
    const t = timeOf(story);
    const share = t !== null && known.length && most > least ? (t - least) / (most - least) : n > 1 ? at / (n - 1) : 0.5;
    return left + 10 + share * (width - left - 24);
  };
  const rows = items.map((item, row) => {
    const y = row * lane + lane / 2;
    const dots = item.line.members.map(([story, copies], at) => [x(story, at, item.line.members.length), copies.length, story]);
    const xs = dots.map(d => d[0]);
    return s('a', { href: '#' + item.key, 'aria-label': brief(item.line.label, 80) },
      s('rect', { class: 'lane', x: 0, y: row * lane, width, height: lane }),
      s('foreignObject', { x: 0, y: row * lane, width: left - 6, height: lane },
        h('div', { class: 'lane-label', title: brief(item.line.label, 400) }, h('span', { dir: 'auto' }, brief(item.line.label, 200)))),
      s('line', { class: 'span', x1: Math.min(...xs), x2: Math.max(...xs), y1: y, y2: y }),
      dots.map(([cx, copies, story]) => s('circle', { class: timeOf(story) === null ? 'timeless' : copies ? 'with-copies' : 'single', cx, cy: y, r: Math.min(9, 4 + Math.sqrt(copies) * 1.5) },
        s('title', {}, `${when(timeOf(story)) || 'no time'} ${brief(titleOf(story), 100)}${copies ? ` (+${count(copies, 'copy', 'copies')})` : ''}`))));
  });
  const axis = known.length ? [s('text', { class: 'label', x: left + 10, y: height - 8 }, when(least)),
    s('text', { class: 'label', x: width - 14, y: height - 8, 'text-anchor': 'end' }, when(most))] : [];
  return h('div', { class: 'scroll' }, dress(drawing(width, height, `${count(items.length, 'storyline')} over time`, rows, axis), { class: 'lanes', role: 'group' }));
}

function manifestCard() {
  const m = D.about.manifest;
  const l = m.embedding || {};
  const list = pairs => pairs.filter(p => p[1]).map(([name, n]) => `${n.toLocaleString('en')} ${name}`).join(', ') || 'none';
  const rows = [
    ['Command', `samestory ${D.about.command}, version ${m.version}; run ${D.about.run}`],
    ['Read', `${count(m.stories, 'story', 'stories')} in ${count(m.files, 'file')}; ${m.skipped} records skipped, ${m.notices} notices; ${count(m.passages, 'passage')}, ${m.rows.toLocaleString('en')} distinct`],
    ['Removed', list(m.removed)],
    ['Links', list(m.links)],
    ['Decisions', m.decisions ? `${m.decisions.toLocaleString('en')} honoured` : D.about.command === 'report' ? 'the store has none' : 'none were given'],
    ['Index', `${m.index}; ${m.candidates.toLocaleString('en')} pairs compared`],
    ['Candidate recall', `${m.candidate_recall.toFixed(4)}: ${m.recall_how}`],
    ['Model', m.model],
    ['Fingerprint', m.fingerprint],
    ['Device', `${m.device}, ${count(m.threads, 'thread')}`],
    ['Embedding', Object.entries(l).map(([name, n]) => `${name.replaceAll('_', ' ')} ${Number(n).toLocaleString('en')}`).join(', ')],
    ['Seconds', m.stages.map(t => `${t.stage} ${t.seconds.toFixed(2)}`).join(', ')],
  ];
  return h('section', { class: 'card wide manifest', 'aria-label': 'The run' }, h('h2', {}, 'The run'),
    h('dl', {}, rows.flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)])));
}
