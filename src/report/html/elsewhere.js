// Words that stand in another passage of the other story: papers break paragraphs where they like, and nothing is cut or
// added by that.

/** So many words in a row do not stand in both stories by chance. */
const RUN = 5;

/** Stories of more words than this are not searched for each other's. */
const MOST_WORDS = 2e5;

/** Signs of scripts that have no spaces between words. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\u{20000}-\u{3ffff}]/u;

const segmenter = Intl.Segmenter && new Intl.Segmenter('en', { granularity: 'word' });

/** The words of what stands between two spaces; where nothing tells them apart, its signs. */
function wordsInside(run) {
  if (!UNSPACED.test(run)) return [run];
  return segmenter ? Array.from(segmenter.segment(run), piece => piece.segment) : Array.from(run);
}

/** The words of a text, each with the space behind it. */
const wordsOfText = text => (text.match(/\S+\s*/g) || []).flatMap(wordsInside);

/** For each passage of `story`, for each of its words, whether it is of a run that the other story has too, in whatever passages. */
function foundIn(story, other) {
  const { rows, stories, plain } = D.texts;
  const read = of => stories[of].map(row => (plain.has(row) ? [] : wordsOfText(rows[row]).map(w => w.trim())));
  const [own, theirs] = [read(story), read(other)];
  const [words, others] = [own.flat(), theirs.flat()];
  const found = new Array(words.length).fill(false);
  const runAt = (list, at) => list.slice(at, at + RUN).join(' ');
  if (Math.max(words.length, others.length) <= MOST_WORDS) {
    const runs = new Set();
    for (let at = 0; at + RUN <= others.length; at++) runs.add(runAt(others, at));
    for (let at = 0; at + RUN <= words.length; at++) {
      if (runs.has(runAt(words, at))) found.fill(true, at, at + RUN);
    }
  }
  let next = 0;
  return own.map(passage => found.slice(next, next += passage.length));
}

/** The words of a passage of one story alone, each with what it is; and whether most of them stand elsewhere in the other. */
function lookElsewhere(text, found, inside) {
  const words = wordsOfText(text);
  const there = found.filter(Boolean).length;
  const most = inside || (there > 0 && there * 2 >= words.length);
  // Where most is elsewhere the row says so, and what is new is marked; where most is new, what is elsewhere.
  const kindOf = isThere => (most ? (isThere ? 'common' : 'changed') : isThere ? 'elsewhere' : 'common');
  return { most, words: words.map((word, at) => [word, kindOf(found[at])]) };
}
