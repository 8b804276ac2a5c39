// Decisions in the browser's storage: shared by all tabs of this page, with the steps that undo takes back.

import { data } from './data.mjs';
import { IMPORTED, decisions, isDecision, setDecision } from './decisions.mjs';

/** Steps that can be taken back, and their size as JSON in characters: a browser stores about 5 million in all. */
const MAX_STEPS = 100, MAX_HISTORY = 5e5;

export const storage = {
  /** Keys of decisions that are not stored. */
  unsaved: new Set(),
  /** Whether this browser stores nothing for this page. */
  unavailable: false,
  /** Whether all unsaved decisions were exported. */
  exported: false,
  /** Called when any of the above may have changed. */
  onStatus: () => {},
};

export const storageKey = () => 'samestory:' + data.about.run;

/** The entries of a stored object that are decisions on the items of this page. */
function validEntries(stored, allowNull) {
  const isValid = ([key, value]) => (key === IMPORTED || data.itemByKey.has(key)) && (isDecision(value) || (allowNull && value === null));
  return Object.fromEntries(Object.entries(stored && typeof stored === 'object' ? stored : {}).filter(isValid));
}

/** The stored decisions and their history; null if there is nothing that this page wrote. */
function readStored() {
  try {
    const { byItem, history } = JSON.parse(localStorage.getItem(storageKey()));
    const steps = (Array.isArray(history) ? history : []).map(step => validEntries(step, true));
    return { byItem: validEntries(byItem, false), history: steps.filter(step => Object.keys(step).length) };
  } catch {
    return null;
  }
}

/** Takes over what other tabs have stored since. Decisions of this tab that are not stored stay. */
export function mergeStored() {
  if (storage.unavailable) return;
  const stored = readStored();
  if (!stored) {
    // The storage is empty, or was cleared: the decisions of this tab are all there are.
    Object.keys(decisions.byItem).forEach(key => storage.unsaved.add(key));
    return;
  }
  const own = decisions.byItem;
  decisions.byItem = stored.byItem;
  storage.unsaved.forEach(key => setDecision(key, own[key]));
  if (!storage.unsaved.size) decisions.history = stored.history;
}

/** Stores all decisions, of which those under `keys` are new. */
export function saveDecisions(keys) {
  keys.forEach(key => storage.unsaved.add(key));
  decisions.history = decisions.history.slice(-MAX_STEPS);
  let room = MAX_HISTORY;
  const tooMany = decisions.history.findLastIndex(step => (room -= JSON.stringify(step).length) < 0);
  decisions.history.splice(0, tooMany + 1);
  const saved = [decisions.history, []].some(history => {
    try {
      localStorage.setItem(storageKey(), JSON.stringify({ byItem: decisions.byItem, history }));
      return true;
    } catch {
      // There may be no room for the history: the decisions alone may fit.
      return false;
    }
  });
  if (saved) storage.unsaved.clear();
  else if (keys.length) storage.exported = false;
  storage.onStatus();
}

/** Whether leaving the page loses a decision. */
export const losesDecisions = () => storage.unsaved.size > 0 && !storage.exported;

/** Records that all decisions were exported. */
export function markExported() {
  storage.exported = true;
  storage.onStatus();
}

/** Reads what is stored, and follows what other tabs store; `onChange` is called when they do. */
export function openStorage(onChange) {
  try {
    localStorage.getItem(storageKey());
  } catch {
    storage.unavailable = true;
  }
  const stored = readStored();
  if (stored) Object.assign(decisions, stored);
  storage.onStatus();
  addEventListener('storage', event => {
    if (event.key !== storageKey() && event.key !== null) return;
    mergeStored();
    // Another tab cleared the storage: what this tab knows is stored again.
    if (storage.unsaved.size) saveDecisions([]);
    onChange();
  });
  addEventListener('beforeunload', event => {
    if (losesDecisions()) event.preventDefault();
  });
}
