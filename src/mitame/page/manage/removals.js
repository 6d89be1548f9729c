// Items that are about to be removed. The server is told only when the time to undo is over: so
// undoing loses nothing, neither pictures nor vectors, and closing the page removes nothing.

import { ask, collectionPath } from '../api.js';
import { askAnew } from '../place.js';

export const SECONDS = 8;
const STEP = 250; // milliseconds

/**
 * @typedef {Object} Removal
 * @property {string} collection
 * @property {string} id
 * @property {string} tag the item's ETag when the reader chose: another state is not removed
 */

class Removals extends EventTarget {
  /** @type {Removal[]} */
  waiting = [];
  /** @type {Removal[]} which can't be undone any more */
  sending = [];
  /** @type {Array<Removal & {error: Error}>} */
  failed = [];
  left = 0;
  isPaused = false;
  timer = 0;

  /** @param {Removal[]} found that join those that wait already; the time begins anew */
  add(found) {
    this.waiting.push(...found);
    this.left = SECONDS * 1000;
    this.timer ||= setInterval(() => this.tick(), STEP);
    this.changed();
  }

  /** Nothing of what waits is removed. */
  undo() {
    this.waiting = [];
    this.rest();
  }

  has(collection, id) {
    return [...this.waiting, ...this.sending].some((each) => each.collection === collection && each.id === id);
  }

  isSending(collection, id) {
    return this.sending.some((each) => each.collection === collection && each.id === id);
  }

  /** Tells of those no more that failed with an error. */
  forget(error) {
    this.failed = this.failed.filter((each) => each.error !== error);
    this.changed();
  }

  /** Tries those again, at once: their time to undo is over. */
  again(error) {
    const found = this.failed.filter((each) => each.error === error).map(({ collection, id, tag }) => ({ collection, id, tag }));
    this.forget(error);
    return this.remove(found);
  }

  tick() {
    if (this.isPaused) return;
    this.left -= STEP;
    if (this.left <= 0) this.send();
  }

  send() {
    const found = this.waiting;
    this.waiting = [];
    this.rest();
    return this.remove(found);
  }

  async remove(found) {
    this.sending.push(...found);
    this.changed();
    for (const [place, each] of found.entries()) {
      const error = await problemOf(each);
      // Without a key that may do it the others would be refused, too.
      const isForAll = error?.status === 401 || error?.status === 403;
      if (error !== null) this.failed.push(...(isForAll ? found.slice(place) : [each]).map((one) => ({ ...one, error })));
      if (isForAll) break;
    }
    askAnew();
    // Who shows items drops those that are gone while they still count as such: then all look anew.
    this.dispatchEvent(new Event('end'));
    this.sending = this.sending.filter((each) => !found.includes(each));
    this.changed();
  }

  rest() {
    clearInterval(this.timer);
    this.timer = 0;
    this.left = 0;
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** See `Removals`; one for the whole page. */
export const removals = new Removals();

/** Removes an item; why it could not be, or null. Where somebody else was quicker, it is as wished. */
async function problemOf({ collection, id, tag }) {
  try {
    await ask('DELETE', collectionPath(collection, 'items', id), { headers: { 'If-Match': tag }, role: 'write' });
    return null;
  } catch (error) {
    return error.status === 404 ? null : error;
  }
}
