// A group of pictures that are nearly the same, side by side, with what is decided about it.

import { linkTo } from '../address.js';
import { ask, collectionPath } from '../api.js';
import { fill, make, set } from '../dom.js';
import { failure } from '../failure.js';
import { nameOf, picture } from '../picture.js';
import { moreLike } from '../search/question.js';
import { say } from '../words.js';

const SHOWN = 12;
const SIDE = 190;
const MOST = 1000;
const VERDICTS = { s: 'same', d: 'different' };

export class Group {
  /**
   * @param {{ids: string[], size: number, decision: {id: string, value: string}|null}} told
   * @param {string} collection
   * @param {URLSearchParams} kept parameters that links keep
   * @param {(group: Group) => void} done called once it is decided
   */
  constructor(told, collection, kept, done) {
    this.ids = told.ids;
    this.size = told.size;
    this.decision = told.decision;
    this.collection = collection;
    this.kept = kept;
    this.done = done;
    this.note = make('div.note');
    this.tools = make('div.actions');
    this.element = make('li.group', { on: { keydown: (event) => this.keyed(event) } },
      make('ul.twins', { 'aria-label': say('groupOf', this.size, this.ids[0]) }, ...this.ids.slice(0, SHOWN).map((id) => this.twin(id)),
        this.size > SHOWN && make('li.rest', {}, say('moreInGroup', this.size - SHOWN))),
      this.note, this.tools);
    this.show();
  }

  twin(id) {
    const path = collectionPath(this.collection, 'items', id, 'thumbnail');
    return make('li', {}, make('a.tile-link', { href: linkTo('search', moreLike(this.kept, 'id', id)) },
      make('span.frame', {}, picture(path, SIDE)), make('span.caption', {}, make('span.id', { title: id }, nameOf(id)))));
  }

  show() {
    const button = (value, words) => make('button', { type: 'button', 'data-verdict': value, on: { click: () => this.decide(value) } }, say(words));
    const [a, b] = this.ids;
    const why = make('a.button', { href: linkTo('why', new URLSearchParams([...this.kept, ['a', a], ['b', b]])) }, say('sideBySide'));
    set(this.element, 'data-decided', this.decision?.value ?? null);
    if (this.decision !== null) {
      fill(this.tools, make(`span.match.${this.decision.value === 'same' ? 'same' : 'weak'}`, {}, say(this.decision.value === 'same' ? 'decidedSame' : 'decidedDifferent')),
        make('button.quiet', { type: 'button', on: { click: () => this.withdraw() } }, say('undoDecision')), why);
    } else if (this.size > MOST) fill(this.tools, make('p.hint', {}, say('tooManyToDecide')), why);
    else fill(this.tools, button('same', 'isSame'), button('different', 'isDifferent'), why);
  }

  focus() {
    this.tools.querySelector('button, a')?.focus();
  }

  async decide(value) {
    if (this.decision !== null || this.size > MOST) return;
    const path = `${collectionPath(this.collection, 'duplicates')}:decide`;
    await this.work(async () => {
      const { id } = await ask('POST', path, { json: { ids: this.ids, value }, role: 'write' });
      this.decision = { id, value };
    }, () => this.decide(value));
    if (this.decision !== null) this.done(this);
  }

  async withdraw() {
    await this.work(async () => {
      await ask('DELETE', collectionPath(this.collection, 'duplicates', 'decisions', this.decision.id), { role: 'write' });
      this.decision = null;
    }, () => this.withdraw());
    this.focus();
  }

  async work(work, again) {
    set(this.element, 'aria-busy', 'true');
    try {
      await work();
      fill(this.note);
      this.show();
    } catch (error) {
      fill(this.note, failure(error, again));
    }
    set(this.element, 'aria-busy', null);
  }

  keyed(event) {
    const value = VERDICTS[event.key.toLowerCase()];
    if (value === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.decide(value);
  }
}
