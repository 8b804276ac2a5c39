// Decisions kept in the browser: shared by all tabs of this page, with the steps that undo takes back, and a notice for as
// long as the browser does not keep them.

/** So many steps can be taken back, as far as they fit into so many characters: a browser keeps about 5 million in all. */
const MOST_STEPS = 100, MOST_PAST = 5e5;

/** What was decided of an item, and how it is told. */
const STATE_NAMES = { accepted: 'accepted', rejected: 'rejected', split: 'split', merged: 'merged', canonical: 'another is kept' };

const Decisions = {
  /** By the key of the item; under `IMPORTED` what was imported and belongs to no item. */
  of: {},
  /** What undo takes back, the latest last: what was decided before, by key; null where nothing was. */
  past: [],
  /** Keys that changed here and are not stored. */
  loose: new Set(),
  /** Whether this browser stores nothing for this page. */
  closed: false,
  /** Whether all that is not stored has been exported. */
  exported: false,
};

const IMPORTED = '+';

const storeKey = () => 'samestory:' + D.about.run;

function setDecision(key, decision) {
  if (decision === undefined || decision === null) delete Decisions.of[key];
  else Decisions.of[key] = decision;
}

/** Whether it has the shape of a decision: other pages may write where a browser keeps those of this one. */
function isDecision(d) {
  const isStory = s => Number.isInteger(s) && s >= 0 && s < D.index.stories.id.length;
  const all = (list, is) => list === undefined || (Array.isArray(list) && list.every(is));
  const isList = list => Array.isArray(list) && list.every(isStory);
  return d !== null && typeof d === 'object' && (d.state === undefined || Object.hasOwn(STATE_NAMES, d.state))
    && all(d.same, isList) && all(d.apart, pair => Array.isArray(pair) && pair.length === 2 && pair.every(isList))
    && all(d.off, isStory) && (d.canonical === undefined || isStory(d.canonical)) && all(d.with, key => D.byKey.has(key))
    && all(d.pairs, line => Array.isArray(line) && line.length === 3 && line.every(x => typeof x === 'string')
      && ['same', 'different'].includes(line[2]))
    && all(d.kept, id => typeof id === 'string');
}

/** The entries of `of` that are decisions on what this page has. */
function soundDecisions(of, orNone) {
  const known = ([key, d]) => (key === IMPORTED || D.byKey.has(key)) && (isDecision(d) || (orNone && d === null));
  return Object.fromEntries(Object.entries(of && typeof of === 'object' ? of : {}).filter(known));
}

/** What is stored, or null if that is nothing that this page wrote. */
function readStored() {
  try {
    const { of, past } = JSON.parse(localStorage.getItem(storeKey()));
    const steps = (Array.isArray(past) ? past : []).map(step => soundDecisions(step, true));
    return { of: soundDecisions(of, false), past: steps.filter(step => Object.keys(step).length) };
  } catch {
    return null;
  }
}

/** Takes over what other tabs have stored since; what was decided here and is not stored stands. */
function takeStored() {
  if (Decisions.closed) return;
  const stored = readStored();
  if (!stored) {
    // Nothing is there, perhaps no longer: what this tab knows is all there is.
    Object.keys(Decisions.of).forEach(key => Decisions.loose.add(key));
    return;
  }
  const here = Decisions.of;
  Decisions.of = stored.of;
  Decisions.loose.forEach(key => setDecision(key, here[key]));
  if (!Decisions.loose.size) Decisions.past = stored.past;
}

/** Stores all decisions, of which those under `keys` are new. */
function keepDecisions(keys) {
  keys.forEach(key => Decisions.loose.add(key));
  Decisions.past = Decisions.past.slice(-MOST_STEPS);
  let room = MOST_PAST;
  const kept = Decisions.past.findLastIndex(step => (room -= JSON.stringify(step).length) < 0);
  Decisions.past.splice(0, kept + 1);
  const stored = [Decisions.past, []].some(past => {
    try {
      localStorage.setItem(storeKey(), JSON.stringify({ of: Decisions.of, past }));
      return true;
    } catch {
      // Too much, perhaps: the decisions alone may fit.
      return false;
    }
  });
  if (stored) Decisions.loose.clear();
  else if (keys.length) Decisions.exported = false;
  showNotice();
}

/** Whether leaving the page loses a decision. */
const wouldLose = () => Decisions.loose.size > 0 && !Decisions.exported;

/** Says that decisions are not stored, for as long as that is so. */
function showNotice() {
  const text = !Decisions.closed && !Decisions.loose.size ? ''
    : 'This browser does not store what is decided on this page. '
      + (Decisions.loose.size && Decisions.exported ? 'All of it is exported so far; export again what you decide from here on.'
        : 'Export it before you leave, or it is lost; the file can be imported again.');
  const notice = $('notice');
  notice.hidden = !text;
  // Said once, not with each decision.
  if (notice.dataset.text === text) return;
  notice.dataset.text = text;
  notice.replaceChildren(text && h('span', {}, text), text && h('button', { type: 'button', click: exportDecisions }, 'Export decisions'));
}

function setUpKeeping() {
  try {
    localStorage.getItem(storeKey());
  } catch {
    Decisions.closed = true;
  }
  const stored = readStored();
  if (stored) Object.assign(Decisions, stored);
  showNotice();
  addEventListener('storage', event => {
    if (event.key !== storeKey() && event.key !== null) return;
    takeStored();
    // What was cleared elsewhere while it is worked on here is stored again.
    if (Decisions.loose.size) keepDecisions([]);
    changed();
  });
  addEventListener('beforeunload', event => {
    if (wouldLose()) event.preventDefault();
  });
}
