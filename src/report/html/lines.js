// Decisions as lines of JSON: exported as decisions.jsonl, and imported again.

/** A file of decisions longer than this, in bytes, is not read. */
const MOST_BYTES = 32 << 20;

/** The file's text: one decision a line, as `--decisions` and `samestory index decide` read it. */
function decisionLines() {
  const pairs = decidedPairs();
  const split = story => splitName(typeof story === 'string' ? story : nameOf(story));
  const line = (x, y, decision) => {
    const [[a, a_text], [b, b_text]] = [split(x), split(y)];
    return JSON.stringify({ schema: 1, a, b, decision, a_text, b_text });
  };
  const kept = story => {
    const [id, text] = split(story);
    return JSON.stringify({ schema: 1, id, decision: 'canonical', text });
  };
  const imported = Decisions.of[IMPORTED] || {};
  // Where two stories of one group are named, the later line holds: this page has the last word.
  return [
    // A store keeps what it has.
    ...(D.about.command === 'report' ? [] : [...awayPairs().map(p => line(...p)), ...Given.away.filter(l => l.id !== undefined).map(l => kept(l.id)), ...givenPairs(pairs).map(p => line(...p)), ...Given.kept.map(kept)]),
    ...importedPairs(pairs).map(p => line(...p)),
    ...[...pairs.values()].map(p => line(...p)),
    ...(imported.kept || []).map(kept),
    ...D.items.map(decisionOf).filter(d => d && d.canonical !== undefined).map(d => kept(d.canonical)),
  ];
}

function exportDecisions() {
  const lines = decisionLines();
  if (!Object.keys(Decisions.of).length) return say('Nothing is decided on this page yet.');
  const url = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: 'application/x-ndjson' }));
  const link = h('a', { href: url, download: 'decisions.jsonl' });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  Decisions.exported = true;
  showNotice();
  const command = D.about.command === 'report' ? 'index decide decisions.jsonl' : `${D.about.command} --decisions decisions.jsonl …`;
  say(`Saved ${count(lines.length, 'line')} as decisions.jsonl: samestory ${command}`);
}

/** A pair by the stories of its names; by the names, where both are one story now. */
function pairOf(a, b, decision) {
  const [x, y] = [a, b].map(storyOf);
  return x === y ? [a, b, decision] : [x, y, decision];
}

const importedLines = () => (Decisions.of[IMPORTED] || {}).pairs || [];

/** Imported pairs that belong to no item and were not decided on this page; stories that it does not have are names. */
function importedPairs(decided) {
  const pairs = importedLines().map(line => pairOf(...line));
  return pairs.filter(([a, b]) => typeof a === 'string' || typeof b === 'string' || !decided.has(pairKey(a, b)));
}

/** Pairs from before of which this page has one story or none, unless what was imported says something of them. */
function awayPairs() {
  const said = new Set(importedLines().map(([a, b]) => sidesOf(a, b)));
  const lines = Given.away.filter(line => line.id === undefined && !said.has(sidesOf(line.a, line.b)));
  return lines.map(({ a, b, decision }) => pairOf(a, b, decision));
}

/** One line: { a, b, decision } or { id }, stories by name; null if it is no decision. */
function readLine(text) {
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  // An id may be a number, as in a record; one that this page cannot hold exactly is none.
  const read = (id, text) => (typeof id === 'string' || Number.isSafeInteger(id) ? withText(String(id), text) : null);
  if (line === null || typeof line !== 'object' || line.schema !== 1) return null;
  const digests = [line.text, line.a_text, line.b_text].map(text => (text === null ? undefined : text));
  if (digests.some(text => text !== undefined && !/^[0-9a-f]{16}$/.test(text))) return null;
  const [id, a, b] = [line.id, line.a, line.b].map((id, i) => read(id, digests[i]));
  if (line.decision === 'canonical') return id === null ? null : { id };
  if (line.decision !== 'same' && line.decision !== 'different') return null;
  return a === null || b === null || a === b ? null : { a, b, decision: line.decision };
}

/** Reads a file of decisions and applies what it says of the items of this page. */
async function importDecisions(file) {
  if (file.size > MOST_BYTES) {
    return say(`Not imported: the file is larger than ${MOST_BYTES >> 20} MB.`);
  }
  const tally = { applied: 0, away: 0, aside: 0, before: 0, here: 0, bad: 0, firstBad: 0 };
  const read = [];
  (await file.text()).split('\n').forEach((text, at) => {
    if (!text.trim()) return;
    const line = readLine(text);
    if (line) read.push(line);
    else if (!tally.bad++) tally.firstBad = at + 1;
  });
  takeStored();
  const changes = placeLines(read, tally);
  const told = tellImport(tally);
  if (Object.keys(changes).length) decide(changes, told);
  else say(told);
  changed();
}

function tellImport(t) {
  const lines = n => count(n, 'line');
  return [
    `Imported: ${lines(t.applied)} applied`,
    t.before && `${lines(t.before)} known from before`,
    t.here && `${lines(t.here)} left aside, on what is decided here already`,
    t.away && `${lines(t.away)} on stories that are not in this page, kept for the export`,
    t.aside && `${lines(t.aside)} on stories that share no group or pair here, kept for the export`,
    t.bad && `${lines(t.bad)} no decision (the first is line ${t.firstBad})`,
  ].filter(Boolean).join('; ') + '.';
}
