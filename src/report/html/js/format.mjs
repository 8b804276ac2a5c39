// Text, numbers and times as the page shows them.

/** Text with its control characters made visible and its bidirectional overrides replaced. */
export function sanitize(text) {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** The first `length` characters of a text. */
export function truncate(text, length) {
  return text.length > length ? text.slice(0, length - 1) + '…' : text;
}

/** A share in [0, 1] as a percentage. */
export const percent = share => Math.round(share * 100) + ' %';

/** A probability with two decimals, of which only certainty is 1.00 and 0.00; empty for null. */
export function formatProbability(p) {
  if (p === null) return '';
  return p > 0.99 && p < 1 ? '> 0.99' : p < 0.01 && p > 0 ? '< 0.01' : p.toFixed(2);
}

export const formatNumber = n => n.toLocaleString('en');

/** A number with its noun: "1 story", "2 stories". */
export const plural = (n, one, many) => formatNumber(n) + ' ' + (n === 1 ? one : many || one + 's');

/** Milliseconds since 1970 as "2031-03-04 18:20" in UTC; empty for null and for what is no time. */
export function formatTime(millis) {
  if (millis === null) return '';
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 16).replace('T', ' ');
}

/** A word as a POSIX shell reads it back. */
export function quoteShell(word) {
  return /^[\w.,:@%+\/][\w.,:@%+=\/-]*$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";
}
