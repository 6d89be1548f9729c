// Two answers to the same question side by side, and a vote on which is better.

import { ask, collectionPath } from '../api.js';
import { go, here, linkTo, changed } from '../address.js';
import { fill, freshId, make } from '../dom.js';
import { failure } from '../failure.js';
import { icon } from '../icons.js';
import { nameOf, picture } from '../picture.js';
import { number, say } from '../words.js';
import { panel } from './panel.js';
import { choicesOf, chosenOf, nameOfSide, versionsOf } from './sides.js';

const SHOWN = 8;
const SIDES = ['left', 'right'];
const VOTES = ['left', 'neither', 'right'];

/**
 * The panel. What is compared stands in the address: `item`, `left`, `right`, and the generations
 * that are asked alone, `left-generation` and `right-generation`.
 */
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
    const { generations } = await ask('GET', collectionPath(collection, 'generations'), { signal });
    const chosen = SIDES.map((side, place) => chosenOf(choices, params, side, place));
    this.left = chosen[0].value;
    this.draw(choices, versionsOf(generations, chosen), chosen);
    const item = params.get('item') ?? await this.other(signal);
    if (item === null) return;
    await Promise.all([this.ask(item, chosen, signal), this.count(signal)]);
  }

  /** Goes to an older generation beside what answers now, both by what stands left. */
  beside(generation) {
    this.go({ left: this.left, right: this.left, 'left-generation': generation, 'right-generation': null });
    this.element.scrollIntoView({ block: 'start' });
    this.controls.querySelector('select.left-generation')?.focus();
  }

  draw(choices, versions, chosen) {
    const focused = document.activeElement?.className;
    const fields = SIDES.map((side, place) => make('div.side-choice', {},
      this.field(side, say(side), choices, chosen[place].value),
      versions.length > 1 && this.field(`${side}-generation`, say(`${side}Generation`), versions, `${chosen[place].generation ?? ''}`)));
    const next = make('button', { type: 'button', class: 'next', on: { click: () => this.go({ item: null }) } }, icon('again'), make('span', {}, say('otherQuestion')));
    fill(this.controls, ...fields, next);
    if (/^(left|right)/.test(focused)) this.controls.querySelector(`select.${focused}`)?.focus();
  }

  field(name, words, options, chosen) {
    const id = freshId(name);
    return make('div.field', {}, make('label', { for: id }, words),
      make('select', { id, class: name, on: { change: (event) => this.go({ [name]: event.target.value }) } },
        ...options.map(({ value, words: each }) => make('option', { value, selected: value === chosen }, each))));
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
      const [{ image = null }, ...answers] = await Promise.all([
        ask('GET', collectionPath(this.collection, 'items', item), { signal }), ...chosen.map((side) => this.answer(item, side, signal)),
      ]);
      signal.throwIfAborted();
      const link = linkTo('search', new URLSearchParams({ c: this.collection, like: `id:${item}` }));
      fill(this.question, thumbnail(image, 88), make('p', {}, say('askedFor'), ' ', make('a', { href: link }, nameOf(item))));
      this.showBoth(chosen, answers);
      if (answers.every(({ neighbors }) => neighbors)) this.offer(item, chosen, answers);
    } catch (error) {
      if (error.name === 'AbortError') return;
      fill(this.sides);
      fill(this.note, failure(error, () => this.go({ item: null })));
    }
  }

  /** An answer, or what was wrong: a generation may be gone, and the other side still answers. */
  async answer(id, { lens, exact, generation }, signal) {
    const json = { id, lens, exact, limit: SHOWN, with: ['explain'], ...(generation !== null && { generation }) };
    try {
      return await ask('POST', collectionPath(this.collection, 'query'), { json, signal });
    } catch (error) {
      if (error.name === 'AbortError' || generation === null) throw error;
      return { error };
    }
  }

  showBoth(chosen, answers) {
    const [left, right] = answers.map(({ neighbors = [] }) => new Set(neighbors.map(({ id }) => id)));
    const shared = new Set([...left].filter((id) => right.has(id)));
    fill(this.sides, ...answers.map((answer, place) => this.side(answer, chosen[place], SIDES[place], shared)));
    this.told.textContent = say('inCommon', shared.size, Math.max(left.size, right.size));
  }

  side({ neighbors, took_ms: ms, explain, exact, error }, chosen, side, shared) {
    const id = freshId('side');
    const head = make('h3', { id }, nameOfSide(chosen));
    if (error) return make(`section.side-answer.${side}-side`, { 'aria-labelledby': id }, head, failure(error, () => this.go({ [`${side}-generation`]: null })));
    const engine = exact ? say('exactly') : explain.index.engine;
    return make(`section.side-answer.${side}-side`, { 'aria-labelledby': id },
      head, make('p.facts', {}, `${engine} · ${number(ms, 1)} ms`),
      make('ol.compared', {}, ...neighbors.map((each) => make(shared.has(each.id) ? 'li.shared' : 'li', {},
        thumbnail(each.explain?.content_hash ? each.image : null, 96), make('span.id', { title: each.id }, nameOf(each.id)),
        make('span.facts', {}, number(each.score, 2), !shared.has(each.id) && ` · ${say('onlyHere')}`),
        each.since && make(`span.facts.since-${each.since}`, {}, say(`since-${each.since}`))))));
  }

  offer(item, chosen, answers) {
    const send = async (better) => {
      const [left, right] = answers.map(({ neighbors, generation }, place) => ({
        lens: chosen[place].lens, exact: chosen[place].exact, generation, delta: chosen[place].generation === null, ids: neighbors.map(({ id }) => id),
      }));
      try {
        await ask('POST', collectionPath(this.collection, 'comparisons'), { json: { item, left, right, better }, role: 'write' });
        this.go({ item: null });
      } catch (error) {
        fill(this.note, failure(error, () => send(better)));
      }
    };
    const isSame = chosen[0].value === chosen[1].value && chosen[0].generation === chosen[1].generation;
    fill(this.vote, ...(isSame ? [] : VOTES.map((each) => make('button', { type: 'button', class: `is-${each}`, on: { click: () => send(each) } }, say(`better-${each}`)))));
  }

  async count(signal) {
    const { totals } = await ask('GET', collectionPath(this.collection, 'comparisons'), { query: { limit: 1 }, signal });
    fill(this.totals, ...totals.map(({ sides, first, second, neither }) => make('li', {}, say('votes', nameOfSide(sides[0]), first, nameOfSide(sides[1]), second, neither))));
  }
}

function thumbnail(image, side) {
  const frame = make(image === null ? 'span.frame.missing' : 'span.frame');
  if (image !== null) frame.append(picture(image, side));
  return frame;
}
