// Storylines as lanes over one axis of time.

import { drawing } from './charts.mjs';
import { timeOf, titleOf } from './data.mjs';
import { h, setAttributes, svg } from './dom.mjs';
import { formatTime, plural, truncate } from './format.mjs';

const WIDTH = 960, LABEL_WIDTH = 330, AXIS_HEIGHT = 26;

/** A lane for each item; stories without a time stand at their place in the order. */
export function lanes(items) {
  const times = items.flatMap(item => item.storyline.members.map(({ story }) => timeOf(story)).filter(time => time !== null));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  // A long label takes two lines.
  const laneHeight = items.some(item => item.storyline.label.length > 40) ? 36 : 24;
  const height = items.length * laneHeight + AXIS_HEIGHT;
  const x = (story, i, n) => {
    const time = timeOf(story);
    const share = time !== null && times.length && last > first ? (time - first) / (last - first) : n > 1 ? i / (n - 1) : 0.5;
    return LABEL_WIDTH + 10 + share * (WIDTH - LABEL_WIDTH - 24);
  };
  const axis = times.length ? [svg('text', { class: 'label', x: LABEL_WIDTH + 10, y: height - 8 }, formatTime(first)),
    svg('text', { class: 'label', x: WIDTH - 14, y: height - 8, 'text-anchor': 'end' }, formatTime(last))] : [];
  const rows = items.map((item, row) => lane(item, row * laneHeight, laneHeight, x));
  const chart = drawing(WIDTH, height, `${plural(items.length, 'storyline')} over time`, rows, axis);
  return h('div', { class: 'scroll' }, setAttributes(chart, { class: 'lanes', role: 'group' }));
}

function lane({ key, storyline: { label, members } }, top, height, x) {
  const middle = top + height / 2;
  const dots = members.map(({ story, copies }, i) => ({ story, copies: copies.length, x: x(story, i, members.length) }));
  const xs = dots.map(dot => dot.x);
  return svg('a', { href: '#' + key, 'aria-label': truncate(label, 80) },
    svg('rect', { class: 'lane', x: 0, y: top, width: WIDTH, height }),
    svg('foreignObject', { x: 0, y: top, width: LABEL_WIDTH - 6, height },
      h('div', { class: 'lane-label', title: truncate(label, 400) }, h('span', { dir: 'auto' }, truncate(label, 200)))),
    svg('line', { class: 'span', x1: Math.min(...xs), x2: Math.max(...xs), y1: middle, y2: middle }),
    dots.map(dot => {
      const kind = timeOf(dot.story) === null ? 'undated' : dot.copies ? 'with-copies' : 'single';
      const copies = dot.copies ? ` (+${plural(dot.copies, 'copy', 'copies')})` : '';
      return svg('circle', { class: kind, cx: dot.x, cy: middle, r: Math.min(9, 4 + Math.sqrt(dot.copies) * 1.5) },
        svg('title', {}, `${formatTime(timeOf(dot.story)) || 'no time'} ${truncate(titleOf(dot.story), 100)}${copies}`));
    }));
}
