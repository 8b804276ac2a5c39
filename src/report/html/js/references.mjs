// References: names of stories that hold beyond this run.
//
// A reference is a story's id. Where the id may belong to another story in the next run, a digest of the text follows it
// after a NUL.

import { data, storyId } from './data.mjs';

let resolver = null;

export const makeReference = (id, digest) => id + '\0' + (digest || '');

export function splitReference(reference) {
  const end = reference.lastIndexOf('\0');
  return { id: reference.slice(0, end), digest: reference.slice(end + 1) || undefined };
}

export const referenceOf = story => makeReference(storyId(story), data.index.stories.digests[story]);

/** The id of a story, or of a reference to a story that this page does not have. */
export const idOf = story => (typeof story === 'string' ? splitReference(story).id : storyId(story));

/** The story of a reference; the reference itself if this page does not have the story, or has several with its text. */
export function resolveReference(reference) {
  const { id: ids, digests } = data.index.stories;
  if (!resolver || resolver.index !== data.index) {
    resolver = { index: data.index, byId: new Map(ids.map((id, story) => [id, story])), byDigest: new Map() };
    const { byDigest } = resolver;
    Object.entries(digests).forEach(([story, digest]) => byDigest.set(digest, byDigest.has(digest) ? null : Number(story)));
  }
  const { id, digest } = splitReference(reference);
  const story = resolver.byId.get(id);
  const found = !digest || (story !== undefined && digests[story] === digest) ? story : resolver.byDigest.get(digest);
  return found === undefined || found === null ? reference : found;
}

/** Two references as a key, whichever comes first. */
export const referencePairKey = (a, b) => JSON.stringify(a < b ? [a, b] : [b, a]);
