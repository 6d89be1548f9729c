// Conditions to choose from, with how many items pass each.

import { ask, collectionPath } from '../api.js';
import { fill, freshId, make } from '../dom.js';
import { number, say } from '../words.js';
import { choosing, chosenFor, toServer, without } from './where.js';

const MOST_NAMES = 8;
const FEW = 8;
const MANY = 100;

/** The panel of filters. */
export class Filters {
  /** @param {(where: Array) => void} change asks anew with other conditions */
  constructor(change) {
    this.change = change;
    this.element = make('section.filters', { 'aria-label': say('filters') });
    this.names = new Map();
    this.opened = new Set();
    this.turn = 0;
  }

  /** Counts and shows what can be chosen; nothing where the collection tells of nothing. */
  async show(collection, where, signal) {
    this.turn += 1;
    this.shown = [collection, where];
    const mine = this.turn;
    const names = await this.namesOf(collection, signal);
    const facets = names.length ? await this.counted(collection, names, where, signal) : [];
    if (mine !== this.turn) return;
    const focused = document.activeElement?.dataset?.choice;
    const parts = facets.map((facet) => this.part(facet, where)).filter(Boolean);
    fill(this.element, parts.length > 0 && this.head(where), ...parts);
    if (focused !== undefined) [...this.element.querySelectorAll('[data-choice]')].find((each) => each.dataset.choice === focused)?.focus();
  }

  /** Shows many more values of a name. */
  open(key) {
    this.opened.add(key);
    this.show(...this.shown);
  }

  async namesOf(collection, signal) {
    if (!this.names.has(collection)) {
      const { attributes } = await ask('GET', collectionPath(collection, 'attributes'), { signal });
      this.names.set(collection, attributes.slice(0, MOST_NAMES).map(({ name }) => name));
    }
    return this.names.get(collection);
  }

  /** Each name's values are counted under the conditions on the other names. */
  async counted(collection, names, where, signal) {
    const free = names.filter((name) => chosenFor(where, name) === undefined);
    const bound = names.filter((name) => chosenFor(where, name) !== undefined);
    const groups = [[free, where], ...bound.map((name) => [[name], without(where, name)])].filter(([keys]) => keys.length);
    const asked = groups.map(async ([keys, under]) => {
      const json = { keys, limit: keys.some((each) => this.opened.has(each)) ? MANY : FEW, ...(under.length ? { filter: toServer(under) } : {}) };
      return (await ask('POST', collectionPath(collection, 'items:facets'), { json, signal })).facets;
    });
    const found = (await Promise.all(asked)).flat();
    return names.map((name) => found.find(({ key }) => key === name)).filter(Boolean);
  }

  head(where) {
    return make('div.filters-head', {}, make('h2', {}, say('filters')),
      where.length > 0 && make('button.quiet', { type: 'button', on: { click: () => this.change([]) } }, say('clearFilters')));
  }

  part(facet, where) {
    const chosen = chosenFor(where, facet.key);
    if (facet.values.length === 0 && chosen === undefined) return null;
    const isUnique = facet.distinct > FEW && facet.values.every(({ count }) => count === 1);
    const isNumber = facet.lowest !== null && facet.distinct > FEW;
    if (chosen === undefined && isUnique && !isNumber) return null; // a name of its own for each
    const inner = isNumber ? this.range(facet, where, chosen) : this.values(facet, where, chosen);
    return make('fieldset', {}, make('legend', {}, facet.key === 'category' ? say('category') : facet.key), ...inner);
  }

  values(facet, where, chosen = []) {
    const wanted = Array.isArray(chosen) ? chosen : [];
    const gone = wanted.filter((each) => !facet.values.some(({ value }) => value === each)).map((value) => ({ value, count: 0 }));
    const isOpen = this.opened.has(facet.key);
    const shown = isOpen ? facet.values : facet.values.slice(0, FEW);
    const more = !isOpen && facet.distinct > shown.length && make('button.quiet.more', { type: 'button', 'data-choice': `more ${facet.key}`,
      on: { click: () => this.open(facet.key) } }, say('more', facet.distinct - shown.length));
    return [...gone, ...shown].map((each) => this.value(facet.key, each, where, wanted)).concat(more || []);
  }

  value(key, { value, count }, where, wanted) {
    const id = freshId('choice');
    const isOn = wanted.includes(value);
    const next = isOn ? wanted.filter((each) => each !== value) : [...wanted, value];
    return make('div.choice-row', {},
      make('input', { type: 'checkbox', id, checked: isOn, 'data-choice': JSON.stringify([key, value]),
        on: { change: () => this.change(choosing(where, key, next)) } }),
      make('label', { for: id }, make('span.value', {}, written(value)), make('span.count', {}, number(count))));
  }

  range({ key, lowest, highest }, where, chosen) {
    const bounds = chosen && !Array.isArray(chosen) ? chosen : {};
    const fields = {};
    const taken = () => {
      const given = Object.entries(fields).filter(([, input]) => input.value !== '' && Number.isFinite(Number(input.value)));
      this.change(choosing(where, key, Object.fromEntries(given.map(([name, input]) => [name, Number(input.value)]))));
    };
    const field = (name, words, hint) => {
      const id = freshId('bound');
      fields[name] = make('input', { type: 'number', id, step: 'any', placeholder: hint, value: bounds[name] ?? '',
        'data-choice': `${key} ${name}`, on: { change: taken } });
      return make('div.bound', {}, make('label', { for: id }, say(words)), fields[name]);
    };
    return [make('div.bounds', {}, field('gte', 'from', lowest ?? ''), field('lte', 'to', highest ?? ''))];
  }
}

function written(value) {
  if (value === true) return say('yes');
  if (value === false) return say('no');
  if (value === null) return say('none');
  return typeof value === 'number' ? number(value) : value;
}
