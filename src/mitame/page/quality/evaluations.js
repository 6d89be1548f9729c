// What was measured of the answers, over time, and a button that measures again.

import { changed, go, here } from '../address.js';
import { ask, collectionPath } from '../api.js';
import { fill, freshId, make } from '../dom.js';
import { failure } from '../failure.js';
import { number, say, time } from '../words.js';
import { course, secondsOf } from './course.js';
import { panel } from './panel.js';
import { table } from './table.js';

const SHOWN = 100; // of each kind: the newest
const KINDS = { categories: ['share', 'first', 'found', 'chance'], recall: ['recall'] };
const PLOTTED = { share: 'categories', first: 'categories', found: 'categories', recall: 'recall' };

/** The panel. Which measure is drawn stands in the address: `measure`. */
export class Evaluations {
  /** @param {() => void} begun called when measuring has begun, as a job */
  constructor(begun) {
    this.begun = begun;
    const id = freshId('measure');
    this.select = make('select', { id, class: 'measure', on: { change: ({ target }) => go('quality', changed(here().params, { measure: target.value })) } });
    this.choice = make('div.options', {}, make('div.field', {}, make('label', { for: id }, say('measure')), this.select));
    this.note = make('div.note');
    this.told = make('p', { role: 'status', 'aria-live': 'polite' });
    this.body = make('div.evaluations');
    const button = make('button', { type: 'button', class: 'measure-now', on: { click: () => this.begin() } }, say('measureNow'));
    this.element = panel(say('history'), make('p.facts', {}, say('historyText')), this.choice, this.body, this.note, this.told, make('div.actions', {}, button));
  }

  async show(collection, params, signal) {
    if (this.collection !== collection) {
      this.collection = collection;
      fill(this.note);
      fill(this.told);
      this.newest = null;
    }
    const found = (await Promise.all(Object.keys(KINDS).map((kind) => newest(collection, kind, signal)))).flat();
    const sequence = Math.max(0, ...found.map((each) => each.sequence));
    if (this.newest !== sequence) fill(this.told); // what was begun has come to its end
    this.newest = sequence;
    const there = Object.keys(PLOTTED).filter((name) => found.some(({ measures }) => name in measures));
    this.choice.hidden = there.length === 0;
    if (there.length === 0) return void fill(this.body, make('p', {}, say('noHistory')));
    const wanted = params.get('measure');
    const measure = there.includes(wanted) ? wanted : there[0];
    fill(this.select, ...there.map((name) => make('option', { value: name, selected: name === measure }, say(`measure-${name}`))));
    const shown = found.filter(({ measures }) => measure in measures);
    fill(this.body, measure === 'share' && make('p.facts', {}, say('chanceLine')),
      course(shown, measure, say('courseOf', say(`measure-${measure}`))), numbers(shown, KINDS[PLOTTED[measure]]));
  }

  async begin() {
    fill(this.note);
    try {
      await ask('POST', collectionPath(this.collection, 'evaluations'), { role: 'admin' });
      this.told.textContent = say('measuringNow');
      this.begun();
    } catch (error) {
      fill(this.told);
      const isPlain = error.code === 'no_categories';
      fill(this.note, isPlain ? make('p.warn', { role: 'alert' }, say('noCategories')) : failure(error, () => this.begin()));
    }
  }
}

async function newest(collection, kind, signal) {
  const query = { kind, limit: SHOWN };
  return (await ask('GET', collectionPath(collection, 'evaluations'), { query, signal })).evaluations;
}

/** All that is drawn, and what it is of, the newest first. */
function numbers(found, names) {
  const head = ['when', 'lens', 'generation', 'engine', 'itemsAsked', 'nearest', ...names.map((name) => `short-${name}`)];
  return table(say('history'), head.map((each) => say(each)), found.map((each) => [
    time(secondsOf(each)), each.lens, number(each.generation), each.engine, number(each.queries), number(each.k),
    ...names.map((name) => (name in each.measures ? number(each.measures[name], 3) : '–')),
  ]));
}
