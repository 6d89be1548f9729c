// What is said where there is nothing to show.

import { make } from '../dom.js';
import { say } from '../words.js';

/** A collection without items, or a server without collections. */
export function isEmpty(collection) {
  const name = collection === null || collection === 'default' ? '' : ` --collection ${collection}`;
  return make('div.nothing', {},
    make('h2', {}, say(collection === null ? 'noCollection' : 'emptyTitle')),
    make('p', {}, say('emptyText')),
    make('pre', {}, make('code', {}, `mitame index ~/Pictures${name}`)));
}

/** A picture of the address that was dropped into another browser. */
export function isMissing() {
  return make('div.nothing', {}, make('h2', {}, say('missingTitle')), make('p', {}, say('missingText')));
}
