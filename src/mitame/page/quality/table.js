// A table with one row per thing: its first cell names it.

import { make } from '../dom.js';

/**
 * @param {string} label what a screen reader calls it
 * @param {string[]} head
 * @param {Array<Array<Node|string>>} rows
 */
export function table(label, head, rows) {
  return make('div.table', { tabindex: '0', role: 'group', 'aria-label': label },
    make('table', {},
      make('thead', {}, make('tr', {}, ...head.map((each) => make('th', { scope: 'col' }, each)))),
      make('tbody', {}, ...rows.map(([first, ...rest]) => make('tr', {}, make('th', { scope: 'row' }, first), ...rest.map((each) => make('td', {}, each)))))));
}
