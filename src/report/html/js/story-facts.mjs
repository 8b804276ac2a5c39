// The line under a story's title: publisher, time, credit.

import { creditOf, sourceOf, timeOf } from './data.mjs';
import { formatTime, truncate } from './format.mjs';

export function storyFacts(story) {
  // A time is not broken over two lines.
  const time = formatTime(timeOf(story)).replace(/[- ]/g, c => (c === '-' ? '\u2011' : '\u00a0'));
  return [truncate(sourceOf(story), 60), time, creditOf(story) && 'credits ' + creditOf(story)].filter(Boolean).join(' · ');
}
