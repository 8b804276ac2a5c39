// Moved text: words of a passage that stand in another passage of the other story. Editors break paragraphs anywhere, which
// neither cuts nor adds text.

import { splitWords } from './words.mjs';

/** Runs of this many words do not stand in both stories by chance. */
const RUN = 5;

/** Stories with more words than this are not searched. */
const MAX_WORDS = 2e5;

/**
 * For each passage, for each of its words, whether it is part of a run of words that `others` has too, in any passages.
 * `passages` and `others` are the texts of two stories.
 */
export function findMoved(passages, others) {
  const wordsOf = texts => texts.map(text => splitWords(text).map(word => word.trim()));
  const byPassage = wordsOf(passages);
  const [words, otherWords] = [byPassage.flat(), wordsOf(others).flat()];
  const moved = new Array(words.length).fill(false);
  const runAt = (list, start) => list.slice(start, start + RUN).join(' ');
  if (Math.max(words.length, otherWords.length) <= MAX_WORDS) {
    const runs = new Set();
    for (let start = 0; start + RUN <= otherWords.length; start++) runs.add(runAt(otherWords, start));
    for (let start = 0; start + RUN <= words.length; start++) {
      if (runs.has(runAt(words, start))) moved.fill(true, start, start + RUN);
    }
  }
  let next = 0;
  return byPassage.map(passage => moved.slice(next, next += passage.length));
}

/**
 * The words of a passage that has no counterpart, as { text, kind }, and whether most of them were moved. Where most were,
 * the new words are marked as changed; where most are new, the moved words are marked.
 */
export function markMoved(text, moved, isContained) {
  const words = splitWords(text);
  const count = moved.filter(Boolean).length;
  const isMostlyMoved = isContained || (count > 0 && count * 2 >= words.length);
  const kindOf = isMoved => (isMostlyMoved ? (isMoved ? 'common' : 'changed') : isMoved ? 'moved' : 'common');
  return { isMostlyMoved, words: words.map((word, i) => ({ text: word, kind: kindOf(moved[i]) })) };
}
