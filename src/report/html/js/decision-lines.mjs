// Decisions as lines of JSON, as `--decisions` and `samestory index decide` read them.

import { DIFFERENT, SAME } from './constraints.mjs';
import { makeReference, splitReference } from './references.mjs';

const SCHEMA = 1;

/** The line of a pair of references. */
export function formatPair(reference, other, decision) {
  const [a, b] = [splitReference(reference), splitReference(other)];
  return JSON.stringify({ schema: SCHEMA, a: a.id, b: b.id, decision, a_text: a.digest, b_text: b.digest });
}

/** The line that names the story to be kept of its group. */
export function formatCanonical(reference) {
  const { id, digest } = splitReference(reference);
  return JSON.stringify({ schema: SCHEMA, id, decision: 'canonical', text: digest });
}

/**
 * One line as { a, b, decision } or { canonical }, stories by reference; null if it is no decision.
 */
export function parseLine(text) {
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  if (line === null || typeof line !== 'object' || line.schema !== SCHEMA) return null;
  const digests = [line.text, line.a_text, line.b_text].map(digest => (digest === null ? undefined : digest));
  if (digests.some(digest => digest !== undefined && !/^[0-9a-f]{16}$/.test(digest))) return null;
  // An id may be a number, as in a record. A number that this page cannot hold exactly is refused.
  const read = (id, digest) => (typeof id === 'string' || Number.isSafeInteger(id) ? makeReference(String(id), digest) : null);
  const [canonical, a, b] = [line.id, line.a, line.b].map((id, i) => read(id, digests[i]));
  if (line.decision === 'canonical') return canonical === null ? null : { canonical };
  if (line.decision !== SAME && line.decision !== DIFFERENT) return null;
  return a === null || b === null || a === b ? null : { a, b, decision: line.decision };
}
