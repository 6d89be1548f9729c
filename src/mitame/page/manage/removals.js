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
    return this.waiting.some((each) => each.collection === collection && each.id === id);
  }

  forgetFailures() {
    this.failed = [];
    this.changed();
  }

  tick() {
    if (this.isPaused) return;
    this.left -= STEP;
    if (this.left <= 0) this.send();
  }

  async send() {
    const found = this.waiting;
    this.rest(false);
    for (const each of found) {
      try {
        await ask('DELETE', collectionPath(each.collection, 'items', each.id), { headers: { 'If-Match': each.tag }, role: 'write' });
      } catch (error) {
        // Somebody else was quicker: what was wanted is so.
        if (error.status !== 404) this.failed.push({ ...each, error });
      }
      this.waiting = this.waiting.filter((one) => one !== each);
    }
    askAnew();
    this.changed();
    this.dispatchEvent(new Event('end'));
  }

  rest(isTold = true) {
    clearInterval(this.timer);
    this.timer = 0;
    this.left = 0;
    if (isTold) this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** See `Removals`; one for the whole page. */
export const removals = new Removals();
