// Sends files, a few at once, and knows how each of them gets on. It goes on while another view is
// shown: there is one for the whole page.

import { Problem, ask, collectionPath } from '../api.js';
import { askAnew } from '../place.js';

const AT_ONCE = 4;
const TRIES = 5;
const LATEST = 30; // of those that are in, which are told of
const LONGEST = 30; // seconds between two tries

/** Code of the problem of a file that can't be read, or has changed since it was chosen. */
export const UNREADABLE = 'unreadable';

/**
 * @typedef {Object} Upload
 * @property {string} collection
 * @property {string} id that the item gets
 * @property {File} file
 * @property {string|null} category
 * @property {boolean} replace an item that is there already
 * @property {string} state waiting, sending, in, there, refused, stopped
 * @property {Problem|null} problem why it was refused
 */

class Uploads extends EventTarget {
  constructor() {
    super();
    this.forget();
  }

  /** Forgets what was told of; nothing may be under way. */
  forget() {
    this.waiting = [];
    this.sending = new Set();
    this.latest = [];
    this.failed = [];
    this.total = 0;
    this.done = 0;
    this.held = null;
    this.stopped = new AbortController();
    this.changed();
  }

  get isBusy() {
    return this.sending.size > 0 || this.waiting.length > 0;
  }

  /** @param {Array<Omit<Upload, 'state'|'problem'>>} found */
  add(found) {
    if (!this.isBusy) this.forget();
    this.total += found.length;
    this.waiting.push(...found.map((each) => ({ ...each, state: 'waiting', problem: null })));
    this.go();
  }

  /** Sends nothing more; what is under way is broken off. */
  stop() {
    const left = this.waiting.splice(0);
    for (const each of left) this.fail(each, 'stopped', null);
    this.held = null;
    this.stopped.abort();
    this.stopped = new AbortController();
    this.changed();
    if (left.length && !this.isBusy) this.ended(); // nothing is under way that would say so
  }

  /** Goes on after a key was refused. */
  goOn() {
    this.held = null;
    this.go();
  }

  /**
   * Tries those again that failed.
   * @param {string[]} states of which they are
   * @param {{replace?: boolean}} [changes] other than the first time
   */
  again(states, changes = {}) {
    const found = this.failed.filter(({ state }) => states.includes(state));
    this.failed = this.failed.filter((each) => !found.includes(each));
    for (const each of found) Object.assign(each, { state: 'waiting', problem: null, ...changes });
    this.waiting.push(...found);
    this.go();
  }

  go() {
    if (this.isBusy) addEventListener('beforeunload', stay);
    while (this.held === null && this.sending.size < AT_ONCE && this.waiting.length) this.one(this.waiting.shift());
    this.changed();
  }

  async one(upload) {
    upload.state = 'sending';
    this.sending.add(upload);
    const { signal } = this.stopped;
    try {
      await sent(upload, signal);
      upload.state = 'in';
      this.done += 1;
      this.latest = [upload, ...this.latest].slice(0, LATEST);
    } catch (error) {
      this.settle(upload, error, signal);
    } finally {
      this.sending.delete(upload);
    }
    this.go();
    if (!this.isBusy) this.ended();
  }

  ended() {
    removeEventListener('beforeunload', stay);
    askAnew();
    this.dispatchEvent(new Event('end'));
  }

  settle(upload, error, signal) {
    if (signal.aborted) this.fail(upload, 'stopped', null);
    else if (!(error instanceof Problem)) {
      console.error(error);
      this.fail(upload, 'refused', new Problem({ status: 0, code: 'broken', detail: error.message }));
    } else if (error.status === 412) this.fail(upload, 'there', error);
    else if (error.status === 401 || error.status === 403) {
      // The next one would be refused, too: all wait until there is another key.
      this.held = error;
      this.waiting.unshift(Object.assign(upload, { state: 'waiting' }));
    } else this.fail(upload, 'refused', error);
  }

  fail(upload, state, problem) {
    Object.assign(upload, { state, problem });
    this.failed.push(upload);
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** The browser asks before it closes the page, in whatever view. */
function stay(event) {
  event.preventDefault();
}

/** See `Uploads`. */
export const uploads = new Uploads();

/** A file's bytes, read once: what has changed since it was chosen would only break off later. */
async function read(file) {
  // What says itself that it is no picture need not travel: a film may be large.
  if (file.type !== '' && !file.type.startsWith('image/')) throw new Problem({ status: 415, code: 'not_an_image', detail: `not a picture: ${file.type}` });
  try {
    return new Blob([await file.arrayBuffer()], { type: file.type });
  } catch {
    throw new Problem({ status: 0, code: UNREADABLE, detail: '' });
  }
}

/** Sends a file until the server has answered; the same try twice adds the item once. */
async function sent(upload, signal) {
  const { collection, id, category, replace, file } = upload;
  const form = new FormData();
  form.set('item', JSON.stringify({ category }));
  form.set('image', await read(file), 'picture');
  const headers = { 'Idempotency-Key': freshKey() };
  if (!replace) headers['If-None-Match'] = '*';
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask('PUT', collectionPath(collection, 'items', id), { form, headers, signal, role: 'write' });
    } catch (error) {
      const isPassing = error instanceof Problem && [0, 429, 503].includes(error.status);
      if (!isPassing || left <= 1) throw error;
      await pause(Math.min(LONGEST, error.seconds || 2 ** (TRIES - left)), signal);
    }
  }
}

function pause(seconds, signal) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      failed(signal.reason);
    }, { once: true });
  });
}

function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
