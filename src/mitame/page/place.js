// What all views are about: the collection and the lens, as the address names them, and what the
// server tells of them.

import { here } from './address.js';
import { ask, collectionPath } from './api.js';

let names = null;
const about = new Map();
const askers = [];

/** Names of the collections that can be asked. */
export async function collections() {
  names ??= (await ask('GET', 'v1/collections')).collections;
  return names;
}

/** The collection that the address names, or else the usual one; null where there is none. */
export async function collection() {
  const wanted = here().params.get('c');
  if (wanted !== null) return wanted;
  const found = await collections();
  return found.includes('default') ? 'default' : (found[0] ?? null);
}

/** What the server tells of a collection: items, lenses, generation. Asked for once a minute. */
export async function described(name) {
  const known = about.get(name);
  if (known && Date.now() - known.at < 60_000) return known.told;
  const told = await ask('GET', collectionPath(name));
  about.set(name, { told, at: Date.now() });
  return told;
}

/** Forgets what was told, after something was changed or refused. */
export function askAnew() {
  names = null;
  about.clear();
  for (const forget of askers) forget();
}

/** Calls a function whenever all is asked anew: for those who keep what else was told. */
export function whenAskedAnew(forget) {
  askers.push(forget);
}
