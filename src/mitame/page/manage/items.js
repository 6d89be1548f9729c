// The items of a collection, to be changed and removed.

import { ask, askWithTag, collectionPath } from '../api.js';
import { fill, freshId, later, make, set } from '../dom.js';
import { failure } from '../failure.js';
import { nextPage } from '../pages.js';
import { nameOf, picture } from '../picture.js';
import { number, say } from '../words.js';
import { edit } from './editor.js';
import { removals } from './removals.js';

const AT_ONCE = 50;
const FOUND = 24;

/** The panel. */
export class Items {
  constructor() {
    this.collection = null;
    this.left = new AbortController();
    this.stopped = new AbortController();
    this.chosen = new Set();
    this.element = this.draw();
    removals.addEventListener('change', () => this.mark(), { signal: this.left.signal });
    removals.addEventListener('end', () => this.dropRemoved(), { signal: this.left.signal });
  }

  draw() {
    const [titleId, findId] = ['items', 'find'].map(freshId);
    this.find = make('input', { id: findId, type: 'search', placeholder: say('findItem'), autocomplete: 'off', spellcheck: 'false', on: { input: later(150, () => this.show(this.collection)) } });
    this.list = make('ul.items', { role: 'list' });
    this.note = make('div.note');
    this.next = make('div.actions');
    this.remove = make('button', { type: 'button', class: 'remove-chosen', hidden: true, on: { click: () => this.removeChosen() } });
    return make('section.panel', { 'aria-labelledby': titleId },
      make('div.head', {}, make('h2', { id: titleId }, say('itemsTitle')),
        make('div.actions', {}, this.remove, make('label.unseen', { for: findId }, say('findItem')), this.find)),
      this.note, this.list, this.next);
  }

  /** Shows a collection's items from the beginning. */
  async show(collection) {
    this.stopped.abort();
    this.stopped = new AbortController();
    if (this.collection !== collection) this.chosen.clear();
    this.collection = collection;
    fill(this.next);
    const prefix = this.find.value.trim();
    try {
      if (prefix === '') await this.page(null);
      else await this.begin(prefix);
    } catch (error) {
      this.failed(error);
    }
  }

  async page(cursor) {
    const { signal } = this.stopped;
    const json = { limit: AT_ONCE, cursor };
    const told = await ask('POST', collectionPath(this.collection, 'items:scroll'), { json, signal });
    const first = this.list.childElementCount;
    this.put(told.items, told.cursor, cursor === null);
    if (cursor !== null) this.list.children[first]?.querySelector('input').focus();
  }

  /** Items whose ids begin so. */
  async begin(prefix) {
    const { signal } = this.stopped;
    const { ids } = await ask('GET', collectionPath(this.collection, 'items:suggest'), { query: { prefix, limit: FOUND }, signal });
    const items = await Promise.all(ids.map((id) => ask('GET', collectionPath(this.collection, 'items', id), { signal }).catch(() => null)));
    signal.throwIfAborted();
    this.put(items.filter(Boolean), null, true);
  }

  put(items, cursor, anew) {
    if (anew) fill(this.list);
    this.list.append(...items.map((item) => this.row(item)));
    fill(this.next, nextPage('moreItems', cursor, (next) => this.page(next).catch((error) => this.failed(error))));
    fill(this.note, this.list.childElementCount === 0 && make('p.facts', {}, say('noItems')));
    this.mark();
  }

  row({ id, category, attributes, image }) {
    const frame = make('span.frame');
    if (image === undefined) frame.classList.add('missing');
    else frame.append(picture(image, 44));
    const told = [category, ...Object.entries(attributes).map(([name, value]) => `${name}: ${value}`)].filter((each) => each !== null);
    // Each for itself: letters of one that turn the direction of writing around leave the others as they are.
    const parts = told.flatMap((each, place) => [...(place ? [' · '] : []), make('bdi', {}, each)]);
    const row = make('li.managed', {},
      make('input', { type: 'checkbox', 'aria-label': say('chooseItem', id), checked: this.chosen.has(id), on: { change: (event) => this.choose(id, event.target.checked) } }),
      frame,
      make('span.what', {}, make('span.id', { title: id }, nameOf(id)), make('span.told', {}, ...parts)),
      make('button', { type: 'button', class: 'edit', 'aria-label': say('editItem', id), on: { click: () => this.edit(row, id) } }, say('edit')),
      make('button', { type: 'button', class: 'delete', 'aria-label': say('deleteItem', id), on: { click: () => this.removeOne(row, id) } }, say('delete')));
    row.item = id;
    return row;
  }

  choose(id, is) {
    if (is) this.chosen.add(id);
    else this.chosen.delete(id);
    this.mark();
  }

  /** What is about to be removed is not to be seen any more, unless it is undone. */
  mark() {
    for (const row of this.list.children) set(row, 'hidden', removals.has(this.collection, row.item));
    this.remove.hidden = this.chosen.size === 0;
    this.remove.textContent = say('deleteChosen', number(this.chosen.size));
  }

  async edit(row, id) {
    try {
      const changed = await edit(this.collection, id);
      if (changed === null) return void row.querySelector('.edit').focus();
      const next = this.row({ ...changed, image: await this.imageOf(id) });
      row.replaceWith(next);
      next.querySelector('.edit').focus();
    } catch (error) {
      this.failed(error);
    }
  }

  async imageOf(id) {
    return (await ask('GET', collectionPath(this.collection, 'items', id))).image;
  }

  /** The focus goes on to the next one, so that several can be removed one after the other. */
  async removeOne(row, id) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    await this.removeAll([id]);
    if (row.hidden) (next?.querySelector('.delete') ?? this.find).focus();
  }

  removeChosen() {
    const ids = [...this.chosen];
    this.chosen.clear();
    this.removeAll(ids);
  }

  /** Each in the state that it is in now. */
  async removeAll(ids) {
    const { collection } = this;
    const found = [];
    try {
      for (const id of ids) {
        const { tag } = await askWithTag('GET', collectionPath(collection, 'items', id));
        found.push({ collection, id, tag });
      }
    } catch (error) {
      this.failed(error);
    }
    if (found.length) removals.add(found);
    for (const box of this.list.querySelectorAll('input:checked')) box.checked = this.chosen.has(box.closest('li').item);
  }

  /** Those that are gone leave the list; those that could not be removed come back. */
  dropRemoved() {
    const failed = new Set(removals.failed.filter((each) => each.collection === this.collection).map(({ id }) => id));
    for (const row of [...this.list.children]) if (removals.isSending(this.collection, row.item) && !failed.has(row.item)) row.remove();
    this.mark();
  }

  failed(error) {
    if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.show(this.collection)));
  }

  leave() {
    this.stopped.abort();
    this.left.abort();
  }
}
