// The export of decisions as decisions.jsonl, and the notice that asks for it where the browser stores nothing.

import { decisionLines } from './all-decisions.mjs';
import { data } from './data.mjs';
import { decisions } from './decisions.mjs';
import { $, announce, h } from './dom.mjs';
import { plural } from './format.mjs';
import { markExported, storage } from './storage.mjs';

export function exportDecisions() {
  if (!Object.keys(decisions.byItem).length) return announce('There are no decisions on this page yet.');
  const lines = decisionLines();
  const url = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: 'application/x-ndjson' }));
  const link = h('a', { href: url, download: 'decisions.jsonl' });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  markExported();
  const { command } = data.about;
  const next = command === 'report' ? 'index decide decisions.jsonl' : `${command} --decisions decisions.jsonl …`;
  return announce(`Saved ${plural(lines.length, 'line')} as decisions.jsonl: samestory ${next}`);
}

/** Shows that decisions are not stored, for as long as that is so. */
export function showStorageNotice() {
  const { unavailable, unsaved, exported } = storage;
  const advice = unsaved.size && exported ? 'All of them are exported so far; export again after further decisions.'
    : 'Export them before you leave, or they are lost; the file can be imported again.';
  const text = unavailable || unsaved.size ? 'This browser does not store the decisions of this page. ' + advice : '';
  const notice = $('notice');
  notice.hidden = !text;
  // An alert is read out whenever it changes: once is enough.
  if (notice.dataset.text === text) return;
  notice.dataset.text = text;
  notice.replaceChildren(text && h('span', {}, text), text && h('button', { type: 'button', click: exportDecisions }, 'Export decisions'));
}
