// The overview: what the run found, as numbers and charts.

import { drawing, figure, horizontalBars, legend } from './charts.mjs';
import { creditOf, data, firstTime, sourceOf } from './data.mjs';
import { $, h, svg } from './dom.mjs';
import { formatNumber, formatTime, percent, plural, truncate } from './format.mjs';
import { lanes } from './lanes.mjs';
import { filterByRelation } from './list.mjs';

const RELATION_MEANINGS = {
  identical: 'the same text', copy: 'edited, cut or extended', excerpt: 'one contained in the other', update: 'newer version by the same source',
  rewrite: 'the same account in other words', quote: 'a statement of a third in common: both stay',
  twin: 'same template, other facts: both stay', related: 'similar in meaning: both stay',
};

/** Sources in the chart; the table has all. */
const MAX_SOURCES = 14;

/** Storylines in the chart; the list has all. */
const MAX_LANES = 30;

const HOUR = 3600e3, DAY = 24 * HOUR;

/** Widths of the bars of the timeline. */
const TIME_STEPS = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY, 3650 * DAY];
const MAX_TIME_BARS = 60;

export function showOverview() {
  const parts = [relationCounts(), storylineLanes(), coverageHistogram(), groupSizes(), sourceShares(), timeline(), runCard()];
  $('overview').replaceChildren(...parts.filter(Boolean));
}

function relationCounts() {
  const { groups, links, stories, storylines, relations } = data.index;
  const members = groups.flatMap(group => group.members.slice(1));
  const counts = new Map();
  [...members, ...links].forEach(({ relation }) => counts.set(relation, (counts.get(relation) || 0) + 1));
  const removed = members.filter(member => member.removed).length;
  const grouped = members.length + groups.length;
  const tile = (n, name, note, relation) => h('a', {
    class: 'tile ' + (relation ? 'r-' + relation : ''), href: '#review', click: () => relation && filterByRelation(relation),
  }, h('strong', {}, formatNumber(n)), h('span', {}, name), h('small', {}, note));
  const tiles = [
    tile(groups.length, groups.length === 1 ? 'group' : 'groups', `${formatNumber(grouped)} of ${formatNumber(stories.id.length)} stories are in one`),
    tile(removed, 'to remove', 'the kept story holds at least half of each'),
  ];
  if (storylines) tiles.push(tile(storylines.storylines.length, 'storylines', `${formatNumber(storylines.links.length)} links`));
  const byRelation = relations.filter(relation => counts.get(relation))
    .map(relation => tile(counts.get(relation), relation, RELATION_MEANINGS[relation] || '', relation));
  return h('section', { class: 'tiles wide', 'aria-label': 'Counts' }, tiles, byRelation);
}

function coverageHistogram() {
  const { histogram, relations } = data.index;
  const totals = histogram[0].map((_, bin) => histogram.reduce((sum, row) => sum + row[bin], 0));
  const all = totals.reduce((x, y) => x + y, 0);
  if (!all) return null;
  const used = relations.filter((_, row) => histogram[row].some(Boolean));
  const binName = bin => `${bin * 2}–${bin * 2 + 2} %`;
  const rows = totals.map((total, bin) => (total ? [binName(bin), ...used.map(relation => histogram[relations.indexOf(relation)][bin])] : null));
  return figure('Coverage of all compared pairs',
    'The greater of the two coverages of each pair. Height is logarithmic; colours share a bar by relation. Lines: the thresholds of this run.',
    [histogramDrawing(totals, all, binName), legend(used.map(relation => ({ name: relation, class: 'r-' + relation })))],
    ['Coverage', ...used], rows.filter(Boolean));
}

function histogramDrawing(totals, all, binName) {
  const { histogram, relations, thresholds } = data.index;
  const [width, height, left, top, foot] = [640, 270, 8, 58, 24];
  const most = Math.max(2, ...totals);
  const x = share => left + share * (width - 2 * left);
  const barHeight = n => (n ? (0.06 + 0.94 * Math.log(n) / Math.log(most)) * (height - top - foot) : 0);
  const bars = totals.flatMap((total, bin) => {
    let y = height - foot;
    return relations.map((relation, row) => {
      const part = total ? barHeight(total) * histogram[row][bin] / total : 0;
      y -= part;
      return part ? svg('rect', { class: 'r-' + relation, x: x(bin / totals.length) + 0.5, y, width: (width - 2 * left) / totals.length - 1, height: part },
        svg('title', {}, `${binName(bin)}: ${histogram[row][bin]} ${relation}`)) : null;
    });
  });
  const lines = [['excerpt from', thresholds.excerpt_coverage], ['copy from', thresholds.copy_coverage],
    ['copy: other side', thresholds.copy_other], ['shared passage from', thresholds.passage_coverage]]
    .sort((p, q) => q[1] - p[1])
    .flatMap(([name, share], i) => [
      svg('line', { class: 'threshold', x1: x(share), x2: x(share), y1: 14 * (i % 4) + 3, y2: height - foot }),
      svg('text', { class: 'label', x: x(share) - 4, y: 14 * (i % 4) + 11, 'text-anchor': share < 0.3 ? 'start' : 'end', dx: share < 0.3 ? 8 : 0 },
        `${name} ${percent(share)}`),
    ]);
  const anchor = n => (n === 0 ? 'start' : n === 100 ? 'end' : 'middle');
  const axis = [0, 25, 50, 75, 100].map(n => svg('text', { class: 'label', x: x(n / 100), y: height - 8, 'text-anchor': anchor(n) }, n + ' %'));
  const label = `Histogram of the coverage of ${all} pairs; copy from ${percent(thresholds.copy_coverage)}`;
  return drawing(width, height, label, bars, lines, axis);
}

function groupSizes() {
  const sizes = data.index.groups.map(group => group.members.length);
  if (!sizes.length) return null;
  const ranges = [[2, 2], [3, 3], [4, 4], [5, 5], [6, 10], [11, 20], [21, 50], [51, Infinity]];
  const name = (from, to) => (from === to ? String(from) : to === Infinity ? `${from} and more` : `${from}–${to}`);
  const rows = ranges.map(([from, to]) => ({ name: name(from, to), value: sizes.filter(n => n >= from && n <= to).length }));
  while (!rows[rows.length - 1].value) rows.pop();
  const most = Math.max(...rows.map(row => row.value));
  const bars = rows.map(row => ({ ...row, share: row.value ? Math.max(0.01, row.value / most) : 0 }));
  return figure('Groups by number of stories', `The largest has ${Math.max(...sizes)} stories.`, horizontalBars(bars, 'Groups by size'));
}

function sourceShares() {
  const { stories, groups } = data.index;
  const shared = new Set();
  for (const { members } of groups) {
    const sources = new Set(members.map(member => sourceOf(member.story)));
    if (sources.size > 1) members.forEach(member => shared.add(member.story));
  }
  const bySource = new Map();
  for (let story = 0; story < stories.id.length; story++) {
    const name = sourceOf(story);
    if (!name) continue;
    if (!bySource.has(name)) bySource.set(name, { name, stories: 0, shared: 0, credited: 0, either: 0 });
    const entry = bySource.get(name);
    entry.stories++;
    if (shared.has(story)) entry.shared++;
    if (creditOf(story)) entry.credited++;
    if (shared.has(story) || creditOf(story)) entry.either++;
  }
  if (!bySource.size) return null;
  const rows = [...bySource.values()].sort((x, y) => y.either / y.stories - x.either / x.stories || y.stories - x.stories || (x.name < y.name ? -1 : 1));
  const bars = rows.slice(0, MAX_SOURCES).map(({ name, either, stories: n }) =>
    ({ name: truncate(name, 28), share: either / n, value: `${percent(either / n)} of ${n}` }));
  return figure('Sources by share of agency copy',
    'Of each source, the stories that share their text with another source or credit an agency.'
      + (rows.length > MAX_SOURCES ? ` The first ${MAX_SOURCES} of ${rows.length}; all are in the figures.` : ''),
    horizontalBars(bars, 'Sources'),
    ['Source', 'Stories', 'Shared with another source', 'Credit an agency', 'Either'],
    rows.map(row => [truncate(row.name, 60), row.stories, row.shared, row.credited, percent(row.either / row.stories)]));
}

function timeline() {
  const { stories, groups } = data.index;
  const times = stories.published.filter(time => time !== null);
  if (times.length < 2) return null;
  const copies = new Set(groups.flatMap(group => group.members.slice(1).map(member => member.story)));
  const first = times.reduce((x, y) => Math.min(x, y)), last = times.reduce((x, y) => Math.max(x, y));
  const span = last - first + 1;
  const step = TIME_STEPS.find(width => span / width <= MAX_TIME_BARS) || span / MAX_TIME_BARS;
  const start = Math.floor(first / step) * step;
  const bins = Array.from({ length: Math.floor((last - start) / step) + 1 }, () => ({ own: 0, copied: 0 }));
  stories.published.forEach((time, story) => {
    if (time !== null) bins[Math.floor((time - start) / step)][copies.has(story) ? 'copied' : 'own']++;
  });
  const binName = i => formatTime(start + i * step).slice(0, step < DAY ? 16 : 10);
  const undated = stories.id.length - times.length;
  const rows = bins.map(({ own, copied }, i) => [binName(i), own, copied]).filter(row => row[1] || row[2]);
  return figure('Stories over time', `Each bar is ${step < DAY ? plural(step / HOUR, 'hour') : plural(Math.round(step / DAY), 'day')}.`
    + (undated ? ` ${formatNumber(undated)} stories have no time.` : ''),
  [timelineDrawing(bins, binName, `Stories from ${formatTime(first)} to ${formatTime(last)}`),
    legend([{ name: 'kept, or alone', class: 'own' }, { name: 'of one origin with a kept story', class: 'copied' }])],
  ['From', 'Own', 'Of one origin'], rows);
}

function timelineDrawing(bins, binName, label) {
  const [width, height, foot] = [640, 180, 24];
  const tallest = Math.max(...bins.map(({ own, copied }) => own + copied));
  const barWidth = width / bins.length;
  const barHeight = n => n / tallest * (height - foot - 14);
  const bar = (i, kind, n, below) => n > 0 && svg('rect',
    { class: kind, x: i * barWidth + 0.5, width: Math.max(0.5, barWidth - 1), y: height - foot - barHeight(below + n), height: barHeight(n) },
    svg('title', {}, `${binName(i)}: ${n} ${kind}`));
  const bars = bins.flatMap(({ own, copied }, i) => [bar(i, 'own', own, 0), bar(i, 'copied', copied, own)]);
  return drawing(width, height, label, bars,
    svg('text', { class: 'label', x: 0, y: 10 }, 'up to ' + tallest),
    svg('text', { class: 'label', x: 0, y: height - 8 }, binName(0)),
    svg('text', { class: 'label', x: width, y: height - 8, 'text-anchor': 'end' }, binName(bins.length - 1)));
}

function storylineLanes() {
  if (!data.index.storylines) return null;
  const all = data.items.filter(item => item.kind === 'storyline');
  if (!all.length) return null;
  const largest = [...all].sort((x, y) => y.stories.length - x.stories.length || x.position - y.position).slice(0, MAX_LANES);
  const items = largest.sort((x, y) => firstTime(x) - firstTime(y) || x.position - y.position);
  const card = figure('Storylines', 'A lane each, from its first story to its last; larger dots have copies, hollow ones no time.'
    + (all.length > MAX_LANES ? ` The ${MAX_LANES} largest of ${formatNumber(all.length)}; all are in the list.` : ''), lanes(items));
  card.classList.add('wide');
  return card;
}

function runCard() {
  const { command, run, manifest: m } = data.about;
  const counts = pairs => pairs.filter(([, n]) => n).map(([name, n]) => `${formatNumber(n)} ${name}`).join(', ') || 'none';
  const noDecisions = command === 'report' ? 'the store has none' : 'none were given';
  const embedding = Object.entries(m.embedding || {}).map(([name, n]) => `${name.replaceAll('_', ' ')} ${formatNumber(Number(n))}`);
  const rows = [
    ['Command', `samestory ${command}, version ${m.version}; run ${run}`],
    ['Read', `${plural(m.stories, 'story', 'stories')} in ${plural(m.files, 'file')}; ${m.skipped} records skipped, ${m.notices} notices; `
      + `${plural(m.passages, 'passage')}, ${formatNumber(m.distinct_passages)} distinct`],
    ['Removed', counts(m.removed)],
    ['Links', counts(m.links)],
    ['Decisions', m.decisions ? `${formatNumber(m.decisions)} applied` : noDecisions],
    ['Index', `${m.index}; ${formatNumber(m.candidates)} pairs compared`],
    ['Candidate recall', `${m.candidate_recall.toFixed(4)}: ${m.recall_method}`],
    ['Model', m.model],
    ['Fingerprint', m.fingerprint],
    ['Device', `${m.device}, ${plural(m.threads, 'thread')}`],
    ['Embedding', embedding.join(', ')],
    ['Seconds', m.stages.map(({ stage, seconds }) => `${stage} ${seconds.toFixed(2)}`).join(', ')],
  ];
  return h('section', { class: 'card wide manifest', 'aria-label': 'The run' }, h('h2', {}, 'The run'),
    h('dl', {}, rows.flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)])));
}
