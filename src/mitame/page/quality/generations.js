// The snapshots that can be served: switched to, or rolled back to.

import { ask, collectionPath } from '../api.js';
import { confirmed } from '../dialog.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { askAnew } from '../place.js';
import { number, say, time } from '../words.js';
import { bytes } from './indexes.js';
import { panel } from './panel.js';
import { table } from './table.js';

/** The panel. */
export class Generations {
  /**
   * @param {() => void} changed called when another one is served, or one is being made
   * @param {(generation: number) => void} compare called with one that is to be compared
   */
  constructor(changed, compare) {
    this.changed = changed;
    this.compare = compare;
    this.body = make('div');
    this.note = make('div.note');
    this.told = make('p.unseen', { role: 'status', 'aria-live': 'polite' });
    this.merge = make('button', { type: 'button', class: 'merge', on: { click: () => this.begin() } }, say('mergeNow'));
    this.element = panel(say('generations'), make('p.facts', {}, say('generationsText')), this.note, this.told, this.body, make('div.actions', {}, this.merge));
  }

  async show(collection, signal) {
    this.collection = collection;
    const { generations, delta } = await ask('GET', collectionPath(collection, 'generations'), { signal });
    const served = generations.find((each) => each.served)?.number ?? 0;
    const rows = generations.toReversed().map((each) => [
      number(each.number), time(each.created), number(each.items), bytes(each.bytes), this.state(each, served),
    ]);
    fill(this.body, rows.length ? table(say('generations'), ['generation', 'made', 'items', 'size', 'state'].map((each) => say(each)), rows) : make('p', {}, say('noGenerations')),
      make('p.facts', {}, say('delta', delta)));
  }

  state({ number: each, served, problem }, now) {
    if (served) return make('span.served', {}, say('served'));
    if (problem !== null) return make('span.broken', { lang: 'en' }, problem);
    const words = each < now ? 'rollBack' : 'switchTo';
    return make('span.choices', {},
      make('button', { type: 'button', class: 'compare', 'aria-label': say('compareWithNowOf', each), on: { click: () => this.compare(each) } }, say('compareWithNow')),
      make('button', { type: 'button', 'aria-label': say(`${words}Of`, each), on: { click: () => this.activate(each, words) } }, say(words)));
  }

  async activate(generation, words) {
    const isSure = await confirmed({ title: say(`${words}Of`, generation), text: say('activateText'), confirm: say(words) });
    if (!isSure) return;
    await this.doing(async () => {
      await ask('POST', collectionPath(this.collection, 'generations', `${generation}:activate`), { role: 'admin' });
      this.told.textContent = say('activated', generation);
    });
  }

  begin() {
    return this.doing(() => ask('POST', collectionPath(this.collection, 'merge'), { role: 'write' }));
  }

  async doing(work) {
    try {
      await work();
      fill(this.note);
      askAnew();
      this.changed();
    } catch (error) {
      fill(this.note, failure(error, () => this.doing(work)));
    }
  }
}
