// Which engine answers for each lens, and how much of the truth it finds.

import { fill, make } from '../dom.js';
import { icon } from '../icons.js';
import { number, say } from '../words.js';
import { panel } from './panel.js';

/** The panel. */
export class Indexes {
  constructor() {
    this.body = make('div.cards');
    this.element = panel(say('indexes'), this.body);
  }

  /** @param {Object} told what the server tells of a collection */
  show({ lenses }) {
    fill(this.body, ...Object.entries(lenses).map(([name, lens]) => this.card(name, lens)));
  }

  card(name, { embedder, dimension, distance, index, neighbors }) {
    const { recall, exact, k, sample, engine, effort, note, pending, memory, build_seconds: seconds } = index;
    const measured = recall !== null && sample > 0;
    return make('div.card', {},
      make('h3', {}, name),
      make('p.recall', {}, make('strong', {}, exact ? number(1, 3) : measured ? number(recall, 3) : '–'), ' ', say('recall')),
      make('p.facts', {}, exact ? say('exactRecall') : measured ? say('measured', k, sample) : say('notMeasured')),
      make('dl', {},
        ...fact('engine', engine),
        ...(effort === null ? [] : fact('effort', number(effort, 2))),
        ...fact('vectors', say('vectorsOf', dimension, distance)),
        ...fact('embedder', embedder),
        ...(memory === null ? [] : fact('memory', bytes(memory))),
        ...(seconds === null ? [] : fact('built', `${number(seconds, 1)} s`)),
        ...fact('table', neighbors === null ? say('none') : say('tableOf', neighbors.k, neighbors.recall))),
      note !== null && make('p.warn', { lang: 'en' }, icon('warning'), make('span', {}, note)),
      pending !== null && make('p.facts', {}, say('pending', pending.engine)));
  }
}

function fact(name, value) {
  return [make('dt', {}, say(name)), make('dd', {}, value)];
}

/** A number of bytes for people. */
export function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let place = 0;
  let value = count;
  while (value >= 1000 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  return `${number(value, place > 0 && value < 10 ? 1 : 0)} ${units[place]}`;
}
