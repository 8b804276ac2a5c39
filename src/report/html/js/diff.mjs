// The comparison of two stories: which passages belong together, and which words of theirs differ.

import { UNSPACED, splitWords } from './words.mjs';

/** Passages whose table of common words would have more cells than this are shown as wholly changed. */
const MAX_CELLS = 4e6;

/** Passages that share at least this much of the words of the shorter one are aligned. */
const MIN_SHARED = 0.4;

/**
 * Aligns passages of two stories: equal ones, then those that share most words. A passage is { id, text, isBoilerplate }, where
 * equal passages have one id. Returns pairs of places.
 */
export function alignPassages(left, right) {
  const partner = new Map(), taken = new Set();
  const join = (i, j) => {
    partner.set(i, j);
    taken.add(j);
  };
  const placeOf = new Map(right.map((passage, j) => [passage.id, j]));
  left.forEach(({ id, isBoilerplate }, i) => {
    if (!isBoilerplate && placeOf.has(id)) join(i, placeOf.get(id));
  });
  const rightWords = right.map(passage => contentWords(passage.text));
  const candidates = [];
  left.forEach((passage, i) => {
    if (partner.has(i) || passage.isBoilerplate) return;
    const words = contentWords(passage.text);
    rightWords.forEach((others, j) => {
      if (taken.has(j) || right[j].isBoilerplate) return;
      const common = [...words].filter(word => others.has(word)).length;
      const share = common / Math.max(1, Math.min(words.size, others.size));
      if (share >= MIN_SHARED) candidates.push({ share, i, j });
    });
  });
  candidates.sort((p, q) => q.share - p.share || p.i - q.i || p.j - q.j);
  for (const { i, j } of candidates) {
    if (!partner.has(i) && !taken.has(j)) join(i, j);
  }
  return [...partner];
}

/** The longer words of a text, in lower case. */
function contentWords(text) {
  const words = splitWords(text.toLowerCase()).flatMap(word => word.split(/[^\p{L}\p{M}\p{N}]+/u));
  return new Set(words.filter(word => word.length > (UNSPACED.test(word) ? 1 : 3)));
}

/**
 * The rows of a comparison, { kind, left, right } with places of passages or null, in the order of the left story.
 * `aligned` are pairs of places; `contained` places of the right story whose text is within a longer passage of the left.
 */
export function passageRows(left, right, aligned, contained) {
  const partner = new Map(aligned);
  const matched = new Set(partner.values());
  const containedSet = new Set(contained);
  const rows = [];
  let next = 0;
  // What the right story has before the counterpart of a passage stands before that passage.
  const addRight = end => {
    for (; next < end; next++) {
      if (matched.has(next)) continue;
      const kind = right[next].isBoilerplate ? 'boilerplate' : containedSet.has(next) ? 'contained' : 'added';
      rows.push({ kind, left: null, right: next });
    }
  };
  left.forEach((passage, i) => {
    const j = partner.get(i);
    if (j === undefined) {
      rows.push({ kind: passage.isBoilerplate ? 'boilerplate' : 'cut', left: i, right: null });
      return;
    }
    addRight(j);
    if (next === j) next++;
    rows.push({ kind: passage.id === right[j].id ? 'identical' : 'changed', left: i, right: j });
  });
  addRight(right.length);
  return rows;
}

/**
 * The words of two texts as lists of { text, kind }: common by the longest common subsequence, else moved or changed.
 * `movedLeft` and `movedRight` say of each word whether it stands in another passage of the other story.
 */
export function diffWords(leftText, rightText, movedLeft, movedRight) {
  const [left, right] = [leftText, rightText].map(splitWords);
  const [keysLeft, keysRight] = [left, right].map(words => words.map(word => word.trim()));
  const only = (words, moved, i) => ({ text: words[i], kind: moved[i] ? 'moved' : 'changed' });
  const n = left.length, m = right.length;
  if (n * m > MAX_CELLS) {
    return [left.map((_, i) => only(left, movedLeft, i)), right.map((_, j) => only(right, movedRight, j))];
  }
  const width = m + 1;
  const lengths = commonLengths(keysLeft, keysRight);
  const [leftWords, rightWords] = [[], []];
  let i = 0, j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && keysLeft[i] === keysRight[j]) {
      leftWords.push({ text: left[i++], kind: 'common' });
      rightWords.push({ text: right[j++], kind: 'common' });
    } else if (j >= m || (i < n && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      leftWords.push(only(left, movedLeft, i++));
    } else {
      rightWords.push(only(right, movedRight, j++));
    }
  }
  return [leftWords, rightWords];
}

/** For each two suffixes the length of their longest common subsequence, row by row. */
function commonLengths(left, right) {
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] = left[i] === right[j] ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  return lengths;
}
