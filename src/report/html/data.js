// The data of the page: unpacked, and put into the shapes that the views ask for.

const D = { about: null, index: null, texts: null, items: [], byKey: new Map(), groupOf: new Map() };

/** The text of a block: base64 of gzip. */
async function unpack(id) {
  const element = $(id);
  const packed = element.textContent;
  let bytes;
  if (Uint8Array.fromBase64) {
    bytes = Uint8Array.fromBase64(packed);
  } else {
    const binary = atob(packed);
    bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const value = JSON.parse(await new Response(stream).text());
  element.remove();
  return value;
}

async function load() {
  D.about = JSON.parse($('about').textContent);
  D.index = await unpack('index');
  const index = D.index;
  index.groups.forEach((group, i) => {
    const stories = group.members.map(m => m[0]);
    const relations = new Set(group.members.slice(1).map(m => m[1]));
    add({ key: 'g' + (i + 1), kind: 'group', number: i + 1, group, stories, relations });
    stories.forEach(story => D.groupOf.set(story, i + 1));
  });
  index.links.forEach((link, i) => {
    const kind = index.relations[link[2]];
    add({ key: 'l' + (i + 1), kind, number: i + 1, link, stories: [link[0], link[1]], relations: new Set([link[2]]) });
  });
  (index.storylines ? index.storylines.lines : []).forEach((line, i) => {
    const stories = line.members.flatMap(([story, copies]) => [story, ...copies]);
    add({ key: 's' + (i + 1), kind: 'storyline', number: i + 1, line, stories, relations: new Set() });
  });
}

function add(item) {
  item.at = D.items.length;
  D.items.push(item);
  D.byKey.set(item.key, item);
}

/** The texts, unpacked when they are first asked for. */
function texts() {
  D.wait = D.wait || unpack('texts').then(t => {
    t.plain = new Set(t.boilerplate);
    D.texts = t;
    return t;
  });
  return D.wait;
}

/**
 * How a story is named beyond this run: by its id, and where the id may be another story's then, by a digest of its text;
 * with a NUL between.
 */
const withText = (id, text) => id + '\0' + (text || '');
const splitName = name => {
  const at = name.lastIndexOf('\0');
  return [name.slice(0, at), name.slice(at + 1) || undefined];
};

/** The story of a name; the name itself if this page does not have it, or cannot tell which is meant. */
function storyOf(name) {
  const { id: ids, texts: digests } = D.index.stories;
  if (!D.storyOf) {
    D.storyOf = new Map(ids.map((id, story) => [id, story]));
    D.ofText = new Map();
    Object.entries(digests).forEach(([story, text]) => D.ofText.set(text, D.ofText.has(text) ? null : Number(story)));
  }
  const [id, text] = splitName(name);
  const story = D.storyOf.get(id);
  const found = !text || (story !== undefined && digests[story] === text) ? story : D.ofText.get(text);
  return found === undefined || found === null ? name : found;
}

const storyId = story => D.index.stories.id[story];
const nameOf = story => withText(storyId(story), D.index.stories.texts[story]);
/** The id of a story, or of a name that this page does not have. */
const idOf = story => (typeof story === 'string' ? splitName(story)[0] : storyId(story));
const sourceOf = story => {
  const n = D.index.stories.source[story];
  return n === null ? '' : D.index.stories.names[n];
};
const creditOf = story => {
  const n = D.index.stories.credit[story];
  return n === null ? '' : D.index.stories.names[n];
};
const timeOf = story => D.index.stories.time[story];
const titleOf = story => D.index.stories.title[story] || '(no title) ' + storyId(story);
const relationName = n => D.index.relations[n];

/** What an item is found by, in small letters. */
function words(item) {
  if (item.words === undefined) {
    const of = story => storyId(story) + '\n' + D.index.stories.title[story] + '\n' + sourceOf(story);
    item.words = item.stories.map(of).join('\n').toLowerCase();
  }
  return item.words;
}

/** The heading of an item: the title of its first story. */
function heading(item) {
  return item.kind === 'storyline' ? item.line.label : titleOf(item.stories[0]);
}
