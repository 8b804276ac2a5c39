// Decisions that were there before this page: those that the run was given, or that its store keeps. The groups honour
// them already; here they are told of, and go along with what is decided on the page.

const Given = {
  /** [story, story, "same" or "different"] under `pairKey`. */
  pairs: new Map(),
  /** Stories that were named to be kept, a later one going before an earlier. */
  kept: [],
  /** Lines on stories that this page does not have, as `readLine` reads them. */
  away: [],
};

const pairKey = (a, b) => Math.min(a, b) * D.index.stories.id.length + Math.max(a, b);

function readGiven() {
  const { same, different, canonical, away } = D.index.decided;
  Given.away = away.map(readLine).filter(Boolean);
  for (const [list, decision] of [[same, 'same'], [different, 'different']]) {
    for (let i = 0; i < list.length; i += 2) Given.pairs.set(pairKey(list[i], list[i + 1]), [list[i], list[i + 1], decision]);
  }
  Given.kept = canonical;
  const named = new Map();
  for (const [a, b, decision] of Given.pairs.values()) {
    for (const [one, other] of [[a, b], [b, a]]) {
      if (!named.has(one)) named.set(one, { same: [], different: [] });
      named.get(one)[decision].push(other);
    }
  }
  const kept = new Set(canonical);
  D.items.forEach(item => { item.before = item.link ? pairBefore(item) : item.group ? groupBefore(item, named, kept) : null; });
}

/** What an earlier decision says of a pair that is shown as two stories. */
function pairBefore(item) {
  const given = Given.pairs.get(pairKey(...item.stories));
  return given ? { state: given[2] === 'different' ? 'accepted' : 'rejected', named: 2, kept: null } : null;
}

/**
 * What earlier decisions say of a group: its state if they settle it, how many of its stories they name, and the story
 * that they keep. A group is settled where all its stories were joined, or all were held apart from a story that left it.
 */
function groupBefore(item, named, kept) {
  const of = item.stories.filter(s => named.has(s));
  const keeps = item.stories.find(s => kept.has(s));
  if (!of.length && keeps === undefined) return null;
  const members = new Set(item.stories);
  const reached = new Set([item.stories[0]]);
  for (const story of reached) {
    (named.has(story) ? named.get(story).same : []).filter(s => members.has(s)).forEach(s => reached.add(s));
  }
  const first = named.get(item.stories[0]);
  const left = first ? first.different : [];
  const isApart = out => item.stories.every(s => named.has(s) && Given.pairs.has(pairKey(s, out)) && Given.pairs.get(pairKey(s, out))[2] === 'different');
  const state = reached.size === members.size ? 'accepted' : left.some(isApart) ? 'split' : keeps !== undefined ? 'canonical' : null;
  return { state, named: of.length, kept: keeps === undefined ? null : keeps };
}

/** How an item was decided, here or before; undefined if it is open. */
function stateOf(item) {
  const here = (decisionOf(item) || {}).state;
  return here || (item.before && item.before.state) || undefined;
}

/** Whether the only decision on it is one from before this page. */
const isBefore = item => Boolean(item.before && item.before.state && !(decisionOf(item) || {}).state);

/** What was decided before, in words, or null. */
function beforeLine(item) {
  if (!item.before) return null;
  const { state, named, kept } = item.before;
  const text = (state ? 'Decided before: ' + STATE_NAMES[state] : `Decided before in part: ${named} of ${count(item.stories.length, 'story', 'stories')}`)
    + (kept === null ? '' : '; kept: ' + brief(storyId(kept), 60));
  return h('p', { class: 'decided before' }, text);
}

/** Decisions from before on pairs that nobody decided otherwise on this page. */
function givenPairs(decided) {
  return [...Given.pairs].filter(([key]) => !decided.has(key)).map(([, pair]) => pair);
}
