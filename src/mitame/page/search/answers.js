// Gets what a question's answer shows, and keeps the last ones, so that going back shows at once.

import { ask, collectionPath } from '../api.js';
import { whenAskedAnew } from '../place.js';
import { requestOf } from './question.js';
import { toText } from './where.js';

const MOST = 30;
const known = new Map();
whenAskedAnew(() => known.clear());

/**
 * @typedef {Object} Answer
 * @property {import('../grid.js').Entry[]} entries nearest first
 * @property {boolean} reliable the best one is at least similar
 * @property {string|null} reason why there are fewer than were asked for
 * @property {number} ms that the search took
 * @property {boolean} exact these are the true nearest
 * @property {string} lens
 */

/** An answer that is still known; undefined for none. */
export function knownAnswer(address) {
  return known.get(address);
}

/** Keeps an answer under the address that asks for it, and for nothing else. */
export function keepAnswer(address, answer) {
  known.set(address, answer);
  if (known.size > MOST) known.delete(known.keys().next().value);
}

/**
 * The answer to a question.
 * @param {string} collection
 * @param {Object} question of `questionOf`
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function answerTo(collection, question, signal) {
  const thumbnail = (id) => collectionPath(collection, 'items', id, 'thumbnail');
  const { without, ...request } = await requestOf(question, thumbnail);
  signal.throwIfAborted();
  const told = await ask('POST', collectionPath(collection, 'query'), { ...request, signal });
  const neighbors = told.neighbors.filter(({ id }) => id !== without).slice(0, question.limit);
  const { reliable, reason, took_ms: ms, exact, lens } = told;
  return { entries: neighbors.map(entryOf), reliable, reason, ms, exact, lens };
}

/** Items at random, with the seed that draws them again: what is shown before anything is asked. */
export async function someOf(collection, { where, limit }, seed, signal) {
  const query = { limit, seed, filter: toText(where) };
  const told = await ask('GET', collectionPath(collection, 'items:random'), { query, signal });
  return { entries: told.items.map(itemOf), seed: told.seed };
}

function entryOf({ id, category, image, score, match, explain }) {
  return { id, category, image: explain?.content_hash ? image : null, score, match, ratio: ratioOf(explain) };
}

function itemOf({ id, category, image, images }) {
  return { id, category, image: image ?? null, ratio: ratioOf(images[0]) };
}

function ratioOf(image) {
  return image?.width && image.height ? image.width / image.height : 1;
}

