// Imported decisions: which items of this page they are on, and what becomes of the rest.

import { decide } from './actions.mjs';
import { decidedPairs } from './all-decisions.mjs';
import { DIFFERENT, SAME, groupBySet, separate } from './constraints.mjs';
import { data, pairKey } from './data.mjs';
import { parseLine } from './decision-lines.mjs';
import { IMPORTED, decisionOf, importedDecisions } from './decisions.mjs';
import { announce } from './dom.mjs';
import { plural } from './format.mjs';
import { prior } from './prior-decisions.mjs';
import { referenceOf, referencePairKey, resolveReference } from './references.mjs';
import { mergeStored } from './storage.mjs';
import { UnionFind } from './union-find.mjs';

/** Larger files of decisions, in bytes, are refused. */
const MAX_BYTES = 32 << 20;

/** What became of the lines of a file. */
export const newTally = () => ({
  /** On items of this page. */
  applied: 0,
  /** Known from prior decisions. */
  prior: 0,
  /** On what is already decided on this page. */
  decidedHere: 0,
  /** On stories that this page does not have. */
  unresolved: 0,
  /** On stories that share no item. */
  unrelated: 0,
  invalid: 0,
  firstInvalid: 0,
});

/** Reads a file of decisions, and applies what it says of the items of this page. */
export async function importDecisions(file) {
  if (file.size > MAX_BYTES) return announce(`Not imported: the file is larger than ${MAX_BYTES >> 20} MB.`);
  const tally = newTally();
  const lines = [];
  (await file.text()).split('\n').forEach((text, i) => {
    if (!text.trim()) return;
    const line = parseLine(text);
    if (line) lines.push(line);
    else if (!tally.invalid++) tally.firstInvalid = i + 1;
  });
  mergeStored();
  const changes = planImport(lines, tally);
  const message = describeTally(tally);
  if (Object.keys(changes).length) decide(changes, message);
  else announce(message);
  return changes;
}

function describeTally(tally) {
  const lines = n => plural(n, 'line');
  return [
    `Imported: ${lines(tally.applied)} applied`,
    tally.prior && `${lines(tally.prior)} known from prior decisions`,
    tally.decidedHere && `${lines(tally.decidedHere)} skipped: already decided on this page`,
    tally.unresolved && `${lines(tally.unresolved)} on stories that are not in this page, kept for the export`,
    tally.unrelated && `${lines(tally.unrelated)} on stories that share no group or pair here, kept for the export`,
    tally.invalid && `${lines(tally.invalid)} invalid (the first is line ${tally.firstInvalid})`,
  ].filter(Boolean).join('; ') + '.';
}

/**
 * The changes that parsed lines make to the items of this page, by key. What is on no item goes to `IMPORTED`. `tally` counts
 * what becomes of the lines. Decisions that were made on this page are never overridden.
 */
export function planImport(lines, tally) {
  return new ImportPlan(lines, tally).changes();
}

class ImportPlan {
  constructor(lines, tally) {
    this.tally = tally;
    /** Lines on the stories of one group: by group, { canonical, different: pairs, lines: their number }. */
    this.onGroups = new Map();
    this.onLinks = {};
    /** Pairs of stories of different groups. */
    this.across = [];
    this.before = importedDecisions();
    this.keptAside = new Map((this.before.pairs || []).map(pair => [referencePairKey(pair.a, pair.b), pair]));
    this.canonicalAside = new Set(this.before.canonicalReferences || []);
    this.links = new Map(data.items.filter(item => item.link).map(item => [pairKey(...item.stories), item]));
    this.decided = decidedPairs();
    this.joined = new UnionFind();
    for (const line of lines) {
      if (line.canonical === undefined) this.addPair(line);
      else this.addCanonical(line.canonical);
    }
  }

  groupOf(story) {
    return data.itemByKey.get('g' + data.groupOf.get(story));
  }

  partOf(group) {
    if (!this.onGroups.has(group)) this.onGroups.set(group, { different: [], lines: 0 });
    return this.onGroups.get(group);
  }

  addCanonical(reference) {
    const story = resolveReference(reference);
    const group = typeof story === 'string' ? undefined : this.groupOf(story);
    if (!group) {
      const reason = typeof story === 'string' ? 'unresolved' : 'unrelated';
      this.tally[this.canonicalAside.has(reference) ? 'decidedHere' : reason]++;
      this.canonicalAside.add(reference);
    } else if (group.prior && group.prior.canonical === story) this.tally.prior++;
    else if (decisionOf(group)) this.tally.decidedHere++;
    else {
      const part = this.partOf(group);
      // The last line is that of the group; an earlier one counts if a run splits the group.
      if (part.canonical !== undefined) this.canonicalAside.add(referenceOf(part.canonical));
      part.canonical = story;
      part.lines++;
    }
  }

  addPair({ a, b, decision }) {
    const [x, y] = [a, b].map(resolveReference);
    // Of two records with one text one may have gone: then both references are one story, which is no pair.
    if (typeof x === 'string' || typeof y === 'string' || x === y) {
      this.setAside(a, b, decision, 'unresolved');
      return;
    }
    const key = pairKey(x, y);
    const known = prior.pairs.get(key), link = this.links.get(key), group = this.groupOf(x);
    if (decision === SAME) this.joined.union(x, y);
    if (known && known.decision === decision) this.tally.prior++;
    else if (this.decided.has(key)) this.tally.decidedHere++;
    else if (group && group === this.groupOf(y)) this.addPairOfGroup(group, x, y, decision);
    else if (link) this.addPairOfLink(link, x, y, decision);
    else this.across.push({ x, y, decision });
  }

  addPairOfGroup(group, x, y, decision) {
    if (decisionOf(group)) {
      this.tally.decidedHere++;
      return;
    }
    const part = this.partOf(group);
    if (decision === DIFFERENT) part.different.push([x, y]);
    part.lines++;
  }

  addPairOfLink(link, x, y, decision) {
    if (decisionOf(link)) {
      this.tally.decidedHere++;
      return;
    }
    this.onLinks[link.key] = decision === SAME ? { state: 'rejected', mustLink: [[x, y]], cannotLink: [] }
      : { state: 'accepted', mustLink: [], cannotLink: [[[x], [y]]] };
    this.tally.applied++;
  }

  setAside(a, b, decision, reason) {
    const key = referencePairKey(a, b);
    const known = this.keptAside.get(key);
    this.keptAside.set(key, { a, b, decision });
    this.tally[known && known.decision === decision ? 'decidedHere' : reason]++;
  }

  changes() {
    const changes = { ...this.onLinks }, joinedWhole = new Set();
    const settle = (group, part) => {
      const { decision, isWhole } = settleGroup(group.stories, part, this.joined);
      if (isWhole) joinedWhole.add(group.key);
      return decision;
    };
    for (const [group, part] of this.onGroups) {
      changes[group.key] = settle(group, part);
      this.tally.applied += part.lines;
    }
    // Two groups, each joined as a whole, and a pair across them that is one story: they were merged.
    const isWhole = group => {
      if (!group || decisionOf(group)) return false;
      if (!changes[group.key]) {
        const decision = settle(group, { different: [] });
        if (joinedWhole.has(group.key)) changes[group.key] = decision;
      }
      return joinedWhole.has(group.key);
    };
    for (const { x, y, decision } of this.across) {
      const [group, other] = [this.groupOf(x), this.groupOf(y)];
      if (decision === SAME && isWhole(group) && isWhole(other)) {
        changes[group.key].mustLink.push([x, y]);
        markMerged(changes[group.key], other.key);
        markMerged(changes[other.key], group.key);
        this.tally.applied++;
      } else this.setAside(referenceOf(x), referenceOf(y), decision, 'unrelated');
    }
    const aside = { pairs: [...this.keptAside.values()], canonicalReferences: [...this.canonicalAside] };
    const isNew = JSON.stringify(aside) !== JSON.stringify(this.before);
    if (aside.pairs.length + aside.canonicalReferences.length && isNew) changes[IMPORTED] = aside;
    return changes;
  }
}

function markMerged(decision, key) {
  decision.state = 'merged';
  decision.mergedWith = [...new Set([...(decision.mergedWith || []), key])];
}

/**
 * The decision on a group of `stories` that imported lines amount to: `different` are pairs that are different, `joined`
 * the sets that "same" joins. `isWhole` if all stories of the group are in one set.
 */
export function settleGroup(stories, { different, canonical }, joined) {
  const mustLink = groupBySet(stories, joined).filter(set => set.length > 1);
  const others = new Map();
  different.forEach(([x, y]) => others.set(x, (others.get(x) || new Set()).add(y)));
  const keys = new Set(different.map(([x, y]) => pairKey(x, y)));
  const decision = { mustLink, cannotLink: [...others].map(([x, ys]) => [[x], [...ys]]) };
  if (canonical !== undefined) decision.canonical = canonical;
  if (keys.size === stories.length * (stories.length - 1) / 2) {
    return { decision: { ...decision, state: 'rejected', cannotLink: [[stories, stories]], removed: stories.slice() }, isWhole: false };
  }
  const parts = keys.size ? separate(stories, (x, y) => keys.has(pairKey(x, y))) : [stories];
  if (parts.length > 1) {
    // The largest part stays the group; of two as large, the one with the earlier story.
    const remaining = parts.reduce((best, part) => (part.length > best.length ? part : best));
    const removed = stories.filter(story => !remaining.includes(story));
    return { decision: { ...decision, state: 'split', removed }, isWhole: false };
  }
  const isWhole = mustLink.length === 1 && mustLink[0].length === stories.length;
  // Decisions on some of the stories leave the group open, but are kept.
  const state = isWhole ? 'accepted' : canonical !== undefined ? 'canonical' : undefined;
  return { decision: state ? { ...decision, state } : decision, isWhole };
}
