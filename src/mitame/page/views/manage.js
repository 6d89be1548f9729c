// Manage: add pictures, change and remove items, make collections.

import { ask, collectionPath } from '../api.js';
import { go } from '../address.js';
import { form } from '../dialog.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { icon } from '../icons.js';
import { Adding } from '../manage/adding.js';
import { Items } from '../manage/items.js';
import { Undoing } from '../manage/undoing.js';
import { uploads } from '../manage/uploads.js';
import { WORDS } from '../manage/words.js';
import { removals } from '../manage/removals.js';
import { askAnew, collection, described } from '../place.js';
import { addWords, say } from '../words.js';

addWords(WORDS);

/** See `views.js`. */
export function mount(main) {
  return new Manage(main);
}

class Manage {
  constructor(main) {
    this.collection = null;
    this.adding = new Adding(() => this.collection);
    this.items = new Items();
    this.undoing = new Undoing();
    this.title = make('h1');
    this.about = make('p.facts');
    this.note = make('div.note');
    this.body = make('div.panels', {}, this.adding.element, this.items.element);
    this.left = new AbortController();
    for (const work of [uploads, removals]) work.addEventListener('end', () => this.update(), { signal: this.left.signal });
    main.classList.add('manage');
    fill(main,
      make('div.head', {}, make('div', {}, this.title, this.about),
        make('button', { type: 'button', class: 'make', on: { click: () => this.make() } }, icon('plus'), make('span', {}, say('newCollection')))),
      this.note, this.body, this.undoing.element);
  }

  /** Shows a collection. */
  async update() {
    try {
      this.collection = await collection();
      this.title.textContent = this.collection ?? say('noCollection');
      this.body.hidden = this.collection === null;
      const { items } = this.collection === null ? { items: null } : await described(this.collection);
      this.about.textContent = items === null ? say('makeOne') : say('count', items);
      fill(this.note);
      if (this.collection === null) return;
      this.adding.suggest(this.collection);
      await this.items.show(this.collection);
    } catch (error) {
      this.failed(error, () => this.update());
    }
  }

  async make() {
    const name = await form({ title: say('newCollection'), text: say('newCollectionText'), label: say('name'), type: 'text', confirm: say('create') });
    if (name === null) return;
    try {
      await ask('PUT', collectionPath(name.trim()), { json: {}, role: 'admin' });
      askAnew();
      go('manage', new URLSearchParams({ c: name.trim() }));
    } catch (error) {
      this.failed(error, () => this.make());
    }
  }

  failed(error, again) {
    if (error.name !== 'AbortError') fill(this.note, failure(error, again));
  }

  leave() {
    this.left.abort();
    for (const part of [this.adding, this.items, this.undoing]) part.leave();
  }
}
