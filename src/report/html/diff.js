// Two stories side by side: aligned passages in one row, changed words marked.

/** More cells than this in the table of common words: the passages are shown as wholly changed. */
const MOST_CELLS = 4e6;

/** Rows of a comparison: { kind, a, b } with places of passages; the order is that of the first story. */
function rowsOf(a, b, pairs, inside) {
  const { stories, plain } = D.texts;
  const [x, y] = [stories[a], stories[b]];
  if (!x || !y) return null;
  const partner = new Map();
  if (pairs) for (let i = 0; i < pairs.length; i += 2) partner.set(pairs[i], pairs[i + 1]);
  else align(x, y, partner);
  const met = new Set(partner.values());
  const within = new Set(inside || []);
  const rows = [];
  let next = 0;
  // What the second story has before the counterpart of a passage stands before that passage.
  const upTo = end => {
    for (; next < end; next++) {
      if (met.has(next)) continue;
      const kind = plain.has(y[next]) ? 'boilerplate' : within.has(next) ? 'inside' : 'added';
      rows.push({ kind, a: null, b: next });
    }
  };
  x.forEach((row, at) => {
    const other = partner.get(at);
    if (other === undefined) {
      rows.push({ kind: plain.has(row) ? 'boilerplate' : 'cut', a: at, b: null });
      return;
    }
    upTo(other);
    if (next === other) next++;
    rows.push({ kind: row === y[other] ? 'identical' : 'changed', a: at, b: other });
  });
  upTo(y.length);
  return rows;
}

/** Pairs of passages of stories that the run did not lay side by side: equal ones, then those with most words in common. */
function align(x, y, partner) {
  const { rows, plain } = D.texts;
  const places = new Map(y.map((row, at) => [row, at]));
  const met = new Set();
  x.forEach((row, at) => {
    if (plain.has(row) || !places.has(row)) return;
    partner.set(at, places.get(row));
    met.add(places.get(row));
  });
  const telling = word => word.length > (UNSPACED.test(word) ? 1 : 3);
  const wordsOf = row => new Set(
    wordsOfText(rows[row].toLowerCase()).flatMap(w => w.split(/[^\p{L}\p{M}\p{N}]+/u)).filter(telling));
  const ofY = y.map(wordsOf);
  const found = [];
  x.forEach((row, at) => {
    if (partner.has(at) || plain.has(row)) return;
    const own = wordsOf(row);
    ofY.forEach((others, other) => {
      if (met.has(other) || plain.has(y[other])) return;
      const common = [...own].filter(w => others.has(w)).length;
      const share = common / Math.max(1, Math.min(own.size, others.size));
      if (share >= 0.4) found.push([share, at, other]);
    });
  });
  found.sort((p, q) => q[0] - p[0] || p[1] - q[1] || p[2] - q[2]);
  for (const [, at, other] of found) {
    if (partner.has(at) || met.has(other)) continue;
    partner.set(at, other);
    met.add(other);
  }
}

/**
 * The words of both texts, each with what it is: common by the longest common subsequence, or found elsewhere in the other
 * story, or changed.
 */
function compareWords(a, b, foundA, foundB) {
  const [x, y] = [a, b].map(wordsOfText);
  const key = word => word.trim();
  const kindOf = isThere => (isThere ? 'elsewhere' : 'changed');
  const n = x.length, m = y.length;
  if (n * m > MOST_CELLS) return [x.map((w, at) => [w, kindOf(foundA[at])]), y.map((w, at) => [w, kindOf(foundB[at])])];
  const width = m + 1;
  const table = new Uint16Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      table[i * width + j] = key(x[i]) === key(y[j])
        ? table[(i + 1) * width + j + 1] + 1
        : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  const [left, right] = [[], []];
  let i = 0, j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && key(x[i]) === key(y[j])) {
      left.push([x[i++], 'common']);
      right.push([y[j++], 'common']);
    } else if (j >= m || (i < n && table[(i + 1) * width + j] >= table[i * width + j + 1])) {
      left.push([x[i], kindOf(foundA[i])]);
      i++;
    } else {
      right.push([y[j], kindOf(foundB[j])]);
      j++;
    }
  }
  return [left, right];
}

/** Words as text, the changed ones inside elements of `tag`, those found elsewhere inside their own. */
function marked(words, tag) {
  const nodes = [];
  let run = '', kind = 'common';
  const flush = () => {
    // The space behind a marked word is not marked.
    const word = kind === 'common' ? '' : run.trimEnd();
    if (word) nodes.push(kind === 'changed' ? h(tag, {}, word) : h('span', { class: 'found' }, word));
    const rest = run.slice(word.length);
    if (rest) nodes.push(document.createTextNode(shown(rest)));
    run = '';
  };
  for (const [word, is] of words) {
    if (is !== kind) {
      flush();
      kind = is;
    }
    run += word;
  }
  flush();
  return nodes;
}

const KINDS = {
  identical: 'the same in both',
  changed: 'with changed words',
  cut: 'only in the first',
  added: 'only in the second',
  inside: 'within a longer passage of the first',
  elsewhere: 'mostly in other passages of the other story',
  boilerplate: 'boilerplate, not scored',
};

/** The command that shows two stories; whatever they are called, their ids are no options and no shell's business. */
function explainCommand(a, b) {
  const ids = [a, b].map(story => shellWord(storyId(story))).join(' ');
  return `samestory explain ${D.about.command === 'report' ? '--store FOLDER' : '--in PATHS'} -- ${ids}`;
}

/** The table of two stories. `pairs` and `inside` as the run found them; null where the page aligns them itself. */
function diffTable(a, b, pairs, inside) {
  const rows = rowsOf(a, b, pairs, inside);
  if (!rows) {
    return h('p', { class: 'note' }, 'The texts of these stories are not in this page, which holds those of groups and twins: ',
      h('code', {}, explainCommand(a, b)));
  }
  const text = (story, at) => D.texts.rows[D.texts.stories[story][at]];
  const [foundA, foundB] = [foundIn(a, b), foundIn(b, a)];
  const body = rows.map(row => {
    const { a: at, b: other } = row;
    let left = at === null ? [] : [text(a, at)], right = other === null ? [] : [text(b, other)];
    if (row.kind === 'changed') {
      const [x, y] = compareWords(left[0], right[0], foundA[at], foundB[other]);
      left = marked(x, 'del');
      right = marked(y, 'ins');
    } else if (at === null || other === null) {
      const [alone, found, tag] = at === null ? [right, foundB[other], 'ins'] : [left, foundA[at], 'del'];
      const { most, words } = lookElsewhere(alone[0], found, row.kind === 'inside');
      if (row.kind !== 'boilerplate') alone.splice(0, 1, ...marked(words, tag));
      if (most && (row.kind === 'cut' || row.kind === 'added')) row.kind = 'elsewhere';
    }
    return h('tr', { class: row.kind },
      h('td', { class: 'kind', title: KINDS[row.kind] }, h('span', { class: 'said' }, KINDS[row.kind])),
      h('td', { dir: 'auto' }, left), h('td', { dir: 'auto' }, right));
  });
  const head = story => h('th', { scope: 'col', dir: 'auto' }, h('span', { class: 'id' }, brief(storyId(story), 60)), ' ',
    brief(titleOf(story), 200));
  const counts = {};
  rows.forEach(r => { counts[r.kind] = (counts[r.kind] || 0) + 1; });
  const legend = Object.keys(KINDS).filter(k => counts[k])
    .map(k => h('li', { class: k }, h('span', { class: 'swatch', 'aria-hidden': 'true' }), `${counts[k]} ${KINDS[k]}`));
  if (body.some(row => row.querySelector('.found'))) {
    legend.push(h('li', {}, h('span', { class: 'found' }, 'words'), ' elsewhere in the other story'));
  }
  return [
    h('ul', { class: 'legend', 'aria-label': 'Passages' }, legend),
    h('table', { class: 'diff' },
      h('caption', { class: 'said' }, `Passages of ${storyId(a)} and ${storyId(b)} side by side`),
      h('thead', {}, h('tr', {}, h('th', { class: 'kind', scope: 'col' }, h('span', { class: 'said' }, 'Kind')), head(a), head(b))),
      h('tbody', {}, body)),
  ];
}
