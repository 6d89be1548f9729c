// All items of a collection with their places, as the server sends them in its compact form.

import { askForFile, collectionPath } from '../api.js';

const MAGIC = 'MITAMAP1';
const NONE = 65_535;

/**
 * @typedef {Object} Points
 * @property {Object} head what is told of all of them
 * @property {number} count
 * @property {Float32Array} x 0 at the left to 1 at the right
 * @property {Float32Array} y 0 at the top to 1 at the bottom
 * @property {Uint16Array} category place among the head's categories, or beyond them for none
 * @property {(place: number) => string} id
 */

/** Asks for the map. @returns {Promise<Points>} */
export async function points(collection, lens, signal) {
  const headers = { Accept: 'application/octet-stream' };
  const file = await askForFile(collectionPath(collection, 'map'), { query: { lens }, headers, signal });
  return read(await file.arrayBuffer());
}

/** Reads it: see "the compact form" in the documentation of the map. */
export function read(data) {
  const view = new DataView(data);
  const text = new TextDecoder();
  if (text.decode(new Uint8Array(data, 0, 8)) !== MAGIC) throw new Error('no map in the form MITAMAP1');
  const [count, size] = [view.getUint32(8, true), view.getUint32(12, true)];
  const head = JSON.parse(text.decode(new Uint8Array(data, 16, size)));
  const [x, y, category, lengths] = [0, 1, 2, 3].map((row) => new Uint16Array(data, 16 + size + 2 * count * row, count));
  const starts = new Uint32Array(count + 1);
  for (let place = 0; place < count; place += 1) starts[place + 1] = starts[place] + lengths[place];
  const from = 16 + size + 8 * count;
  return {
    head, count, category,
    x: Float32Array.from(x, (each) => each / NONE),
    y: Float32Array.from(y, (each) => each / NONE),
    id: (place) => text.decode(new Uint8Array(data, from + starts[place], lengths[place])),
  };
}
