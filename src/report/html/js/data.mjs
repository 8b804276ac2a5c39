// The data of the page: unpacked, and indexed for the views.

import { $ } from './dom.mjs';

/** What the page holds. Stories are numbers: their places in the columns of `index.stories`. */
export const data = { about: null, index: null, texts: null, items: [], itemByKey: new Map(), groupOf: new Map() };

let loadingTexts = null;

/** The JSON value of a block: gzip in base64. The block is removed. */
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

export async function loadIndex() {
  setIndex(JSON.parse($('about').textContent), await unpack('index'));
}

/** The texts, unpacked on first use. */
export function loadTexts() {
  loadingTexts = loadingTexts || unpack('texts').then(setTexts);
  return loadingTexts;
}

export function setTexts(texts) {
  data.texts = { ...texts, boilerplate: new Set(texts.boilerplate) };
  return data.texts;
}

/** Takes over the index, and makes an item of each group, pair and storyline. */
export function setIndex(about, index) {
  Object.assign(data, { about, index, texts: null, items: [], itemByKey: new Map(), groupOf: new Map() });
  index.groups.forEach((group, i) => {
    const stories = group.members.map(member => member.story);
    const relations = new Set(group.members.slice(1).map(member => member.relation));
    addItem({ key: 'g' + (i + 1), kind: 'group', number: i + 1, group, stories, relations });
    stories.forEach(story => data.groupOf.set(story, i + 1));
  });
  index.links.forEach((link, i) => {
    const { a, b, relation } = link;
    addItem({ key: 'l' + (i + 1), kind: relation, number: i + 1, link, stories: [a, b], relations: new Set([relation]) });
  });
  (index.storylines ? index.storylines.storylines : []).forEach((storyline, i) => {
    const stories = storyline.members.flatMap(({ story, copies }) => [story, ...copies]);
    addItem({ key: 's' + (i + 1), kind: 'storyline', number: i + 1, storyline, stories, relations: new Set() });
  });
}

function addItem(item) {
  item.position = data.items.length;
  data.items.push(item);
  data.itemByKey.set(item.key, item);
}

/** A pair of stories as one number, whichever comes first. */
export const pairKey = (a, b) => Math.min(a, b) * data.index.stories.id.length + Math.max(a, b);

const nameAt = number => (number === null ? '' : data.index.stories.names[number]);

export const storyId = story => data.index.stories.id[story];
export const sourceOf = story => nameAt(data.index.stories.source[story]);
export const creditOf = story => nameAt(data.index.stories.credit[story]);
export const timeOf = story => data.index.stories.published[story];
export const titleOf = story => data.index.stories.title[story] || '(no title) ' + storyId(story);

/** What a search looks at in an item, in lower case. */
export function searchText(item) {
  if (item.searchText === undefined) {
    const textOf = story => storyId(story) + '\n' + data.index.stories.title[story] + '\n' + sourceOf(story);
    item.searchText = item.stories.map(textOf).join('\n').toLowerCase();
  }
  return item.searchText;
}

/** The heading of an item: the label of a storyline, else the title of the first story. */
export function heading(item) {
  return item.kind === 'storyline' ? item.storyline.label : titleOf(item.stories[0]);
}

/** When the first story of an item was published; items without a time come last. */
export function firstTime(item) {
  if (item.firstTime === undefined) {
    const times = item.stories.map(timeOf).filter(time => time !== null);
    item.firstTime = times.reduce((least, time) => Math.min(least, time), Number.MAX_SAFE_INTEGER);
  }
  return item.firstTime;
}
