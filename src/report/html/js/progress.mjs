// How many items are decided.

import { data } from './data.mjs';
import { $ } from './dom.mjs';
import { formatNumber } from './format.mjs';
import { isPrior, stateOf } from './prior-decisions.mjs';

export function showProgress() {
  const items = data.items.filter(item => item.kind !== 'storyline');
  const decided = items.filter(stateOf).length, prior = items.filter(isPrior).length;
  $('progress').textContent = items.length ? `${formatNumber(decided)} of ${formatNumber(items.length)} decided`
    + (prior ? `, ${formatNumber(prior)} before` : '') : '';
}
