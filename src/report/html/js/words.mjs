// Words of a text, also in scripts that have no spaces between them.

/** Characters of scripts without spaces between words. */
export const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\u{20000}-\u{3ffff}]/u;

const segmenter = Intl.Segmenter && new Intl.Segmenter('en', { granularity: 'word' });

/** The words between two spaces; single characters where the browser cannot segment. */
function segment(text) {
  if (!UNSPACED.test(text)) return [text];
  return segmenter ? Array.from(segmenter.segment(text), piece => piece.segment) : Array.from(text);
}

/** The words of a text, each with the white space that follows it. */
export const splitWords = text => (text.match(/\S+\s*/g) || []).flatMap(segment);
