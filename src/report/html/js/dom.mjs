// Elements. Text from stories only ever becomes the content of a text node.

import { percent, sanitize } from './format.mjs';

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

export const $ = id => document.getElementById(id);

/** Sets attributes; functions become event listeners; null and false are skipped. */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  return element;
}

function build(element, attributes, children) {
  const present = children.flat().filter(child => child !== null && child !== undefined && child !== false);
  setAttributes(element, attributes).append(...present.map(child => (child instanceof Node ? child : sanitize(String(child)))));
  return element;
}

/** An HTML element with attributes and children; a child that is no node becomes text. */
export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);

/** As `h`, for SVG. */
export const svg = (tag, attributes, ...children) => build(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);

/** Gives an element these children. Those it already has stay in place, so that they keep their layout and focus. */
export function setChildren(element, children) {
  const wanted = new Set(children);
  [...element.childNodes].filter(node => !wanted.has(node)).forEach(node => node.remove());
  children.forEach((child, position) => {
    if (element.childNodes[position] !== child) element.insertBefore(child, element.childNodes[position] || null);
  });
}

/** A share as a bar with its number. */
export function meter(share, label) {
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', {}));
  bar.firstChild.style.width = Math.round(share * 100) + '%';
  return h('span', { class: 'meter', title: label }, bar, percent(share));
}

/** Shows a message, and has it read out. */
export function announce(text) {
  $('status').textContent = sanitize(text);
}
