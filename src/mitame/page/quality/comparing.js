// Two answers to the same question side by side, and a vote on which is better.

import { ask, collectionPath } from '../api.js';
import { go, here, linkTo, changed } from '../address.js';
import { fill, freshId, make } from '../dom.js';
import { failure } from '../failure.js';
import { icon } from '../icons.js';
import { nameOf, picture } from '../picture.js';
import { number, say } from '../words.js';
import { panel } from './panel.js';

const SHOWN = 8;
const VOTES = ['left', 'neither', 'right'];

/** The panel. What is compared stands in the address: `item`, `left`, `right`. */
export class Comparing {
  constructor() {
    this.controls = make('div.options');
    this.question = make('div.question');
    this.sides = make('div.sides');
    this.vote = make('div.actions.vote');
    this.note = make('div.note');
    this.told = make('p', { role: 'status', 'aria-live': 'polite' });
    this.totals = make('ul.totals');
    this.element = panel(say('compareTitle'), make('p.facts', {}, say('compareText')), this.controls, this.question, this.note, this.sides, this.vote, this.told, this.totals);
  }

  /** @param {Object} told what the server tells of a collection */
  async show(collection, told, params, signal) {
    this.collection = collection;
    const choices = choicesOf(Object.keys(told.lenses));
    this.element.hidden = told.items < 2 || choices.length < 2;
    if (this.element.hidden) return;
    const chosen = ['left', 'right'].map((side, place) => choices.find(({ value }) => value === params.get(side)) ?? choices[place]);
    this.draw(choices, chosen);
    const item = params.get('item') ?? await this.other(signal);
    if (item === null) return;
    await Promise.all([this.ask(item, chosen, signal), this.count(signal)]);
  }

  draw(choices, chosen) {
    const fields = ['left', 'right'].map((side, place) => {
      const id = freshId(side);
      return make('div.field', {}, make('label', { for: id }, say(side)),
        make('select', { id, class: side, on: { change: (event) => this.go({ [side]: event.target.value }) } },
          ...choices.map(({ value, words }) => make('option', { value, selected: value === chosen[place].value }, words))));
    });
    const next = make('button', { type: 'button', class: 'next', on: { click: () => this.go({ item: null }) } }, icon('again'), make('span', {}, say('otherQuestion')));
    const focused = document.activeElement?.className;
    fill(this.controls, ...fields, next);
    if (['left', 'right'].includes(focused)) this.controls.querySelector(`.${focused}`).focus();
  }

  /** Another question, which the address names from then on. */
  async other(signal) {
    const { items } = await ask('GET', collectionPath(this.collection, 'items:random'), { query: { limit: 1 }, signal });
    if (items.length) this.go({ item: items[0].id }, { replace: true });
    return null;
  }

  go(changes, options) {
    go('quality', changed(here().params, changes), options);
  }

  async ask(item, chosen, signal) {
    fill(this.vote);
    fill(this.note);
    try {
      const answers = await Promise.all(chosen.map(({ lens, exact }) => ask('POST', collectionPath(this.collection, 'query'), { json: { id: item, lens, exact, limit: SHOWN, with: ['explain'] }, signal })));
      const { image = null } = await ask('GET', collectionPath(this.collection, 'items', item), { signal });
      signal.throwIfAborted();
      const link = linkTo('search', new URLSearchParams({ c: this.collection, like: `id:${item}` }));
      fill(this.question, thumbnail(image, 88), make('p', {}, say('askedFor'), ' ', make('a', { href: link }, nameOf(item))));
      const shared = new Set(answers[0].neighbors.map(({ id }) => id).filter((id) => answers[1].neighbors.some((each) => each.id === id)));
      fill(this.sides, ...answers.map((answer, place) => this.side(answer, chosen[place], ['left', 'right'][place], shared)));
      this.told.textContent = say('inCommon', shared.size, Math.max(...answers.map(({ neighbors }) => neighbors.length)));
      this.offer(item, chosen, answers);
    } catch (error) {
      if (error.name === 'AbortError') return;
      fill(this.sides);
      fill(this.note, failure(error, () => this.go({ item: null })));
    }
  }

  side({ neighbors, took_ms: ms }, { words }, side, shared) {
    const id = freshId('side');
    return make(`section.side-answer.${side}-side`, { 'aria-labelledby': id },
      make('h3', { id }, words), make('p.facts', {}, `${number(ms, 1)} ms`),
      make('ol.compared', {}, ...neighbors.map((each) => make(shared.has(each.id) ? 'li.shared' : 'li', {},
        thumbnail(each.explain?.content_hash ? each.image : null, 96), make('span.id', { title: each.id }, nameOf(each.id)),
        make('span.facts', {}, number(each.score, 2), !shared.has(each.id) && ` · ${say('onlyHere')}`)))));
  }

  offer(item, chosen, answers) {
    const send = async (better) => {
      const [left, right] = answers.map(({ neighbors, generation }, place) => ({
        lens: chosen[place].lens, exact: chosen[place].exact, generation, ids: neighbors.map(({ id }) => id),
      }));
      try {
        await ask('POST', collectionPath(this.collection, 'comparisons'), { json: { item, left, right, better }, role: 'write' });
        this.go({ item: null });
      } catch (error) {
        fill(this.note, failure(error, () => send(better)));
      }
    };
    const isSame = chosen[0].value === chosen[1].value;
    fill(this.vote, ...(isSame ? [] : VOTES.map((each) => make('button', { type: 'button', class: `is-${each}`, on: { click: () => send(each) } }, say(`better-${each}`)))));
  }

  async count(signal) {
    const { totals } = await ask('GET', collectionPath(this.collection, 'comparisons'), { query: { limit: 1 }, signal });
    fill(this.totals, ...totals.map(({ sides, first, second, neither }) => make('li', {}, say('votes', sides[0], first, sides[1], second, neither))));
  }
}

function thumbnail(image, side) {
  const frame = make(image === null ? 'span.frame.missing' : 'span.frame');
  if (image !== null) frame.append(picture(image, side));
  return frame;
}

/** Each lens as it is served, and with its truth. */
function choicesOf(lenses) {
  const served = lenses.map((lens) => ({ value: lens, lens, exact: false, words: lens }));
  return [...served, ...lenses.map((lens) => ({ value: `${lens} exact`, lens, exact: true, words: say('truthOf', lens) }))];
}
