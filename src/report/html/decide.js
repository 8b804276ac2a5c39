// Decisions: what people say of the groups and pairs of this run.
//
// A decision belongs to an item: `same` holds lists of stories that are one, `apart` pairs of lists of which no story of
// the first is one with a story of the second, `off` the stories that left the group.

const decisionOf = item => Decisions.of[item.key];

/** Stories that a decision took out of a group. */
const offOf = item => new Set((decisionOf(item) || {}).off || []);

/** The decision on an item as the last tab left it, to be built upon. */
function latest(item) {
  takeStored();
  return decisionOf(item) || {};
}

/** Applies changes to several items at once; refuses what contradicts other decisions. */
function decide(changes, told) {
  takeStored();
  const before = {};
  for (const [key, value] of Object.entries(changes)) {
    before[key] = Decisions.of[key] || null;
    setDecision(key, value);
  }
  const conflict = contradiction();
  if (conflict) {
    restore(before);
    say('Not taken: ' + conflict);
    return false;
  }
  Decisions.past.push(before);
  keepDecisions(Object.keys(changes));
  say(told);
  return true;
}

function restore(before) {
  Object.entries(before).forEach(([key, value]) => setDecision(key, value));
}

/** Takes back the last decision, in whichever tab it was made. */
function undo() {
  takeStored();
  const before = Decisions.past.pop();
  if (!before) return say('Nothing to take back.');
  restore(before);
  keepDecisions(Object.keys(before));
  const item = D.byKey.get(Object.keys(before)[0]);
  say('Taken back' + (item ? ': ' + brief(heading(item), 60) : '.'));
}

/** The group is right as it is, but for what was taken out of it before. */
function accept(item) {
  if (item.link) {
    const [a, b] = item.stories;
    return decide({ [item.key]: { state: 'accepted', same: [], apart: [[[a], [b]]] } }, 'Accepted: two stories.');
  }
  const before = latest(item);
  // Accepting what was rejected whole takes the rejection back.
  const old = before.state === 'rejected' ? { canonical: before.canonical } : before;
  const off = new Set(old.off || []);
  const rest = item.stories.filter(s => !off.has(s));
  const same = [...(old.same || []).filter(list => list.some(s => off.has(s) || !item.stories.includes(s))), rest];
  const state = off.size || old.state === 'merged' ? old.state : 'accepted';
  return decide({ [item.key]: { ...old, state, same: same.filter(l => l.length > 1) } }, 'Accepted.');
}

/**
 * Marked stories are no part of this group; without marks, or with marks on all that is left of it, no two stories of it
 * are one. For a pair: they are one.
 */
function reject(item, marked) {
  if (item.link) {
    return decide({ [item.key]: { state: 'rejected', same: [item.stories.slice()], apart: [] } },
      'Rejected: the two are one story.');
  }
  const old = latest(item);
  const gone = new Set(old.off || []);
  const left = item.stories.filter(s => !gone.has(s));
  const whole = !marked.length || left.every(s => marked.includes(s));
  const out = marked.length ? marked : item.stories.slice();
  const off = new Set([...gone, ...out]);
  const rest = item.stories.filter(s => !off.has(s));
  const apart = (old.apart || []).slice();
  // A list beside itself: no two of it are one.
  if (whole) apart.push([out, out]);
  else out.forEach(s => apart.push([[s], rest]));
  const same = (old.same || []).map(list => list.filter(s => !out.includes(s))).filter(l => l.length > 1);
  // What was split off before stays a group of its own unless it is rejected too.
  const state = whole && out.length === item.stories.length ? 'rejected' : 'split';
  const told = whole ? 'Rejected: no two of them are one story.' : count(out.length, 'story', 'stories') + ' taken out.';
  return decide({ [item.key]: { ...old, state, same, apart, off: [...off] } }, told);
}

/** Marked stories are a group of their own. */
function split(item, marked) {
  if (item.kind !== 'group') return say('Only a group can be split.');
  const old = latest(item);
  const off = new Set([...(old.off || []), ...marked]);
  const rest = item.stories.filter(s => !off.has(s));
  if (!marked.length || !rest.length) return say('Mark the stories that are a group of their own (x), and leave some.');
  const same = (old.same || []).map(list => list.filter(s => !marked.includes(s))).filter(l => l.length > 1);
  if (marked.length > 1) same.push(marked.slice());
  const apart = [...(old.apart || []), [marked.slice(), rest]];
  return decide({ [item.key]: { ...old, state: 'split', same, apart, off: [...off] } },
    count(marked.length, 'story', 'stories') + ' split off.');
}

/** Two groups are one. */
function merge(one, other) {
  const [x, y] = [one, other].map(item => item.stories.filter(s => !offOf(item).has(s)));
  const [was, then] = [latest(one), latest(other)];
  const same = [...(was.same || []), [...x, ...y]];
  return decide({
    [one.key]: { ...was, state: 'merged', same, with: [...(was.with || []), other.key] },
    [other.key]: { ...then, state: 'merged', with: [...(then.with || []), one.key] },
  }, 'Merged with ' + brief(heading(other), 60));
}

/** The story that is to be kept of its group. */
function choose(item, story) {
  if (item.kind !== 'group') return say('Only a group has a story that is kept.');
  const old = latest(item);
  return decide({ [item.key]: { ...old, state: old.state || 'canonical', canonical: story } },
    'Kept: ' + storyId(story));
}

/** Pairs of stories that were decided on this page: [a, b, "same" or "different"] under `pairKey`, in the order of the items. */
function decidedPairs() {
  const pairs = new Map();
  const put = (a, b, decision) => {
    if (a !== b && !pairs.has(pairKey(a, b))) pairs.set(pairKey(a, b), [a, b, decision]);
  };
  const listOf = new Map();
  for (const item of D.items) {
    const decision = decisionOf(item);
    if (!decision) continue;
    for (const list of decision.same || []) {
      list.slice(1).forEach(s => put(list[0], s, 'same'));
      list.forEach(s => listOf.set(s, list));
    }
    for (const [x, y] of decision.apart || []) x.forEach(a => y.forEach(b => put(a, b, 'different')));
  }
  // What is joined here is joined whatever was said of two of its stories before.
  for (const [a, b, decision] of listOf.size ? Given.pairs.values() : []) {
    if (decision === 'different' && listOf.has(a) && listOf.get(a) === listOf.get(b)) put(a, b, 'same');
  }
  return pairs;
}

/** Stories that are one, directly or by others. */
function joiner() {
  const parent = new Map();
  const root = x => {
    while (parent.has(x) && parent.get(x) !== x) {
      const up = parent.get(x);
      if (parent.has(up)) parent.set(x, parent.get(up));
      x = up;
    }
    return x;
  };
  return { root, join: (a, b) => parent.set(root(a), root(b)) };
}

/** Where two decisions cannot both hold, those from before this page and imported ones among them, in words; else null. */
function contradiction() {
  const { root, join } = joiner();
  const pairs = decidedPairs();
  const before = [...givenPairs(pairs), ...awayPairs()];
  const others = [...before.map(p => [...p, 'decided before']), ...importedPairs(pairs).map(p => [...p, 'imported'])];
  const items = D.items.filter(decisionOf);
  items.forEach(item => (decisionOf(item).same || []).forEach(list => list.forEach(s => join(s, list[0]))));
  others.filter(p => p[2] === 'same').forEach(([a, b]) => join(a, b));
  const told = (a, b, where) => `${brief(idOf(a), 60)} and ${brief(idOf(b), 60)} are one story by one decision and two by another (${where}).`;
  for (const item of items) {
    for (const [x, y] of decisionOf(item).apart || []) {
      for (const a of x) {
        const b = y.find(other => other !== a && root(other) === root(a));
        if (b !== undefined) return told(a, b, brief(heading(item), 60));
      }
    }
  }
  const apart = others.find(([a, b, decision]) => decision === 'different' && root(a) === root(b));
  return apart ? told(apart[0], apart[1], apart[3]) : null;
}
