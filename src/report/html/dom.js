// Elements and text. Text from stories only ever becomes the content of a text node.
'use strict';

const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

/** Sets attributes; functions become listeners, `class` and data too; null and false are left out. */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  return element;
}

/** An element with attributes and children; a child that is no node becomes text. */
function h(tag, attributes, ...children) {
  const element = dress(document.createElement(tag), attributes);
  element.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false)
    .map(c => (c instanceof Node ? c : shown(String(c)))));
  return element;
}

/** As `h`, for drawings. */
function s(tag, attributes, ...children) {
  const element = dress(document.createElementNS(SVG, tag), attributes);
  element.append(...children.flat().filter(c => c !== null && c !== undefined)
    .map(c => (c instanceof Node ? c : shown(String(c)))));
  return element;
}

/** Gives an element these children; those that it has already stay as they are, with their layout and focus. */
function put(element, children) {
  const wanted = new Set(children);
  [...element.childNodes].filter(node => !wanted.has(node)).forEach(node => node.remove());
  children.forEach((child, at) => {
    if (element.childNodes[at] !== child) element.insertBefore(child, element.childNodes[at] || null);
  });
}

/** Text with its control characters made visible, and without the overrides that turn the direction of what follows. */
function shown(text) {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** The beginning of a text that may be very long. */
function brief(text, length) {
  return text.length > length ? text.slice(0, length - 1) + '…' : text;
}

const percent = share => Math.round(share * 100) + ' %';
const count = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many || one + 's');

function when(millis) {
  if (millis === null) return '';
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 16).replace('T', ' ');
}

/** A share as a bar with its number. */
function meter(share, label) {
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', {}));
  bar.firstChild.style.width = Math.round(share * 100) + '%';
  return h('span', { class: 'meter', title: label }, bar, percent(share));
}

/** A word of a command as a POSIX shell reads it back. */
function shellWord(word) {
  return /^[\w.,:@%+\/][\w.,:@%+=\/-]*$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";
}

function say(text) {
  $('status').textContent = shown(text);
}
