// Imported decisions find the items that they are about.

/**
 * The changes that lines make to the items of this page, and what belongs to none under `IMPORTED`; `tally` counts what
 * became of the lines. What was decided on this page stands.
 */
function placeLines(lines, tally) {
  const groups = new Map(), changes = {}, across = [];
  const before = Decisions.of[IMPORTED] || {};
  const aside = new Map((before.pairs || []).map(pair => [sidesOf(pair[0], pair[1]), pair]));
  const kept = new Set(before.kept || []);
  const links = new Map(D.items.filter(i => i.link).map(i => [pairKey(...i.stories), i]));
  const groupOf = story => D.byKey.get('g' + D.groupOf.get(story));
  const partOf = item => {
    if (!groups.has(item)) groups.set(item, { apart: [], lines: 0 });
    return groups.get(item);
  };
  const decided = decidedPairs();
  const setAside = (a, b, decision, away) => {
    const known = aside.get(sidesOf(a, b));
    aside.set(sidesOf(a, b), [a, b, decision]);
    tally[known && known[2] === decision ? 'here' : away ? 'away' : 'aside']++;
  };
  const joined = joiner();
  for (const { id, a, b, decision } of lines) {
    const [x, y] = (id === undefined ? [a, b] : [id, id]).map(storyOf);
    const away = typeof x === 'string' || typeof y === 'string';
    const group = away ? undefined : groupOf(x);
    if (id !== undefined) {
      if (!group) {
        tally[kept.has(id) ? 'here' : away ? 'away' : 'aside']++;
        kept.add(id);
      } else if (group.before && group.before.kept === x) tally.before++;
      else if (decisionOf(group)) tally.here++;
      else {
        const part = partOf(group);
        // Of several the last is that of the group; the others count where a run parts it.
        if (part.canonical !== undefined) kept.add(nameOf(part.canonical));
        Object.assign(part, { canonical: x, lines: part.lines + 1 });
      }
      continue;
    }
    // Of two records of one text one may have gone: a story is no pair.
    if (away || x === y) {
      setAside(a, b, decision, true);
      continue;
    }
    const given = Given.pairs.get(pairKey(x, y)), link = links.get(pairKey(x, y));
    if (decision === 'same') joined.join(x, y);
    if (given && given[2] === decision) tally.before++;
    else if (decided.has(pairKey(x, y))) tally.here++;
    else if (group && group === groupOf(y)) {
      if (decisionOf(group)) tally.here++;
      else {
        const part = partOf(group);
        if (decision === 'different') part.apart.push([x, y]);
        part.lines++;
      }
    } else if (link) {
      if (decisionOf(link)) tally.here++;
      else {
        changes[link.key] = decision === 'same' ? { state: 'rejected', same: [[x, y]], apart: [] } : { state: 'accepted', same: [], apart: [[[x], [y]]] };
        tally.applied++;
      }
    } else across.push([x, y, decision]);
  }
  for (const [group, part] of groups) {
    changes[group.key] = settle(group, part, joined);
    tally.applied += part.lines;
  }
  // Pairs across groups: two that are joined, each as a whole, were merged.
  const whole = item => {
    if (!item || decisionOf(item)) return false;
    const change = changes[item.key] || settle(item, { apart: [] }, joined);
    if (change.whole) changes[item.key] = change;
    return change.whole;
  };
  for (const [x, y, decision] of across) {
    const [one, other] = [groupOf(x), groupOf(y)];
    if (decision === 'same' && whole(one) && whole(other)) {
      const [d, e] = [changes[one.key], changes[other.key]];
      d.same.push([x, y]);
      Object.assign(d, { state: 'merged', with: [...new Set([...(d.with || []), other.key])] });
      Object.assign(e, { state: 'merged', with: [...new Set([...(e.with || []), one.key])] });
      tally.applied++;
    } else setAside(nameOf(x), nameOf(y), decision, false);
  }
  Object.values(changes).forEach(change => delete change.whole);
  const rest = { pairs: [...aside.values()], kept: [...kept] };
  if (aside.size + kept.size && JSON.stringify(rest) !== JSON.stringify(before)) changes[IMPORTED] = rest;
  return changes;
}

/** Two ids as a key, whichever comes first. */
const sidesOf = (a, b) => JSON.stringify(a < b ? [a, b] : [b, a]);

/** What pairs of a group's stories come to, those of one origin as `joined`; and whether they join all of it. */
function settle(item, { apart, canonical }, joined) {
  const lots = new Map();
  item.stories.forEach(s => lots.set(joined.root(s), [...(lots.get(joined.root(s)) || []), s]));
  const joins = [...lots.values()].filter(list => list.length > 1);
  const from = new Map();
  apart.forEach(([x, y]) => from.set(x, (from.get(x) || new Set()).add(y)));
  const keys = new Set(apart.map(([x, y]) => pairKey(x, y)));
  const n = item.stories.length;
  const decision = { same: joins, apart: [...from].map(([x, ys]) => [[x], [...ys]]) };
  if (canonical !== undefined) decision.canonical = canonical;
  if (keys.size === n * (n - 1) / 2) {
    return { ...decision, state: 'rejected', apart: [[item.stories, item.stories]], off: item.stories.slice() };
  }
  const parts = keys.size ? partsOf(item.stories, keys) : [item.stories];
  if (parts.length > 1) {
    // The largest part is what stays of the group; of two as large the one with the earlier story.
    const rest = parts.reduce((best, part) => (part.length > best.length ? part : best));
    return { ...decision, state: 'split', off: item.stories.filter(s => !rest.includes(s)) };
  }
  const whole = joins.length === 1 && joins[0].length === n;
  // Decisions on some of the stories alone leave the group open, but are kept.
  const state = whole ? 'accepted' : canonical !== undefined ? 'canonical' : undefined;
  return { ...decision, ...(state ? { state } : {}), whole };
}

/** Stories in parts, such that all stories of different parts are apart by `keys`. */
function partsOf(stories, keys) {
  const left = new Set(stories), parts = [];
  for (const first of stories) {
    if (!left.delete(first)) continue;
    const part = [first];
    for (const story of part) {
      for (const other of [...left]) {
        if (keys.has(pairKey(story, other))) continue;
        left.delete(other);
        part.push(other);
      }
    }
    parts.push(part);
  }
  return parts;
}
