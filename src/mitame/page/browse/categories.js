// The categories of a collection, each with a few of its pictures.

import { ask, collectionPath } from '../api.js';
import { fill, make } from '../dom.js';
import { picture } from '../picture.js';
import { toText } from '../search/where.js';
import { number, say } from '../words.js';

const PAGE = 24;
const MOST = 1000;
const SAMPLES = 4;
const SIDE = 130;

export class Categories {
  /** @param {(where: Array) => string} link where conditions lead to */
  constructor(link) {
    this.link = link;
    this.list = make('ul.cards');
    this.next = make('div.actions');
    this.element = make('section', { 'aria-label': say('allCategories') }, this.list, this.next);
  }

  /** Shows them; how many there are. */
  async show(collection, signal) {
    const json = { keys: ['category'], limit: MOST };
    const { facets: [{ values }] } = await ask('POST', collectionPath(collection, 'items:facets'), { json, signal });
    fill(this.list);
    this.more(collection, values, 0, signal);
    return values.length;
  }

  more(collection, values, from, signal) {
    const cards = values.slice(from, from + PAGE).map((each) => this.card(collection, each, signal));
    this.list.append(...cards);
    if (from > 0) cards[0]?.querySelector('a').focus();
    const rest = values.length - from - PAGE;
    fill(this.next, rest > 0 && make('button', { type: 'button', on: { click: () => this.more(collection, values, from + PAGE, signal) } }, say('moreCategories')));
  }

  card(collection, { value, count }, signal) {
    const where = [['category', [value]]];
    const samples = make('span.samples');
    const query = { limit: SAMPLES, seed: 1, filter: toText(where) };
    ask('GET', collectionPath(collection, 'items:random'), { query, signal }).then(({ items }) => {
      fill(samples, ...items.map(({ image }) => make('span.frame', {}, image && picture(image, SIDE))));
    }).catch(() => {}); // the card says what is in it all the same
    return make('li', {}, make('a.card', { href: this.link(where) }, samples,
      make('span.about', {}, make('span.value', {}, value === null ? say('withoutCategory') : String(value)), make('span.count', {}, number(count)))));
  }
}
