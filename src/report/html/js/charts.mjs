// Parts of charts: figures with their numbers as a table, SVG drawings, horizontal bars.

import { h, svg } from './dom.mjs';
import { formatNumber } from './format.mjs';

/** A chart with its title, a description, and its numbers as a table. */
export function figure(title, description, chart, head, rows) {
  const table = () => h('details', {}, h('summary', {}, 'Figures'), h('div', { class: 'scroll' }, h('table', {},
    h('thead', {}, h('tr', {}, head.map(name => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, rows.map(row => h('tr', {}, row.map(cell => h('td', {}, cell))))))));
  return h('figure', { class: 'card' }, h('figcaption', {}, h('h2', {}, title), h('p', { class: 'note' }, description)), chart,
    rows && rows.length ? table() : null);
}

export function drawing(width, height, label, ...children) {
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'xMinYMin meet' }, ...children);
}

/** Horizontal bars of { name, share, value }, shares in [0, 1]. */
export function horizontalBars(rows, label) {
  return h('ul', { class: 'bars', 'aria-label': label }, rows.map(({ name, share, value }) => {
    const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', {}));
    bar.firstChild.style.width = share * 100 + '%';
    return h('li', {}, h('span', { dir: 'auto' }, name), bar, h('span', {}, typeof value === 'number' ? formatNumber(value) : value));
  }));
}

/** Entries of { name, class } with a swatch each. */
export const legend = entries => h('ul', { class: 'legend' }, entries.map(entry => h('li', {}, h('span', { class: 'swatch ' + entry.class }), entry.name)));
