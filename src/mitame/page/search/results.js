// The answer: how sure it is, in words, and the grid.

import { fill, freshId, make } from '../dom.js';
import { icon } from '../icons.js';
import { number, say } from '../words.js';
import { LIMITS } from './question.js';

/** The part of the page that answers are shown in. */
export class Results {
  /**
   * @param {import('../grid.js').Grid} grid
   * @param {(changes: Object) => void} change asks anew with another `limit` or `once`
   */
  constructor(grid, change) {
    this.grid = grid;
    this.change = change;
    const titleId = freshId('answers');
    this.title = make('h2', { id: titleId, tabindex: '-1' });
    this.facts = make('p.facts', {});
    this.tools = make('div.tools');
    this.note = make('div.note');
    // What has changed is told once, in one sentence, to those who can't see it.
    this.told = make('p.unseen', { role: 'status', 'aria-live': 'polite' });
    this.element = make('section.results', { 'aria-labelledby': titleId },
      make('div.results-head', {}, make('div', {}, this.title, this.facts), this.tools), this.told, this.note, grid.element);
    this.fillTitle(say('answers'));
    this.wait();
  }

  fillTitle(text) {
    this.title.textContent = text;
  }

  /** Something is under way: what is shown stays until it is there. */
  wait() {
    this.element.setAttribute('aria-busy', 'true');
  }

  focus() {
    this.title.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  /** Items at random. */
  some({ entries }, question, again) {
    this.ready(say('someTitle'), '', entries, say('someTold', entries.length));
    fill(this.note, entries.length === 0 && make('p.warn', {}, say('noneWithFilters')));
    fill(this.tools, make('button', { type: 'button', on: { click: again } }, icon('again'), make('span', {}, say('others'))), this.limits(question));
  }

  /** What looks like what was asked about. */
  answer({ entries, reliable, reason, ms, exact, lens }, question) {
    const count = say('count', entries.length);
    const facts = [count, lens, `${number(ms, 1)} ms`, exact && say('exact')].filter(Boolean).join(' · ');
    this.ready(say('answersTitle'), facts, entries, reliable ? say('told', entries.length) : say('toldUnsure', entries.length));
    const why = entries.length < question.limit && reason ? make('p.why', { lang: 'en' }, reason) : null;
    fill(this.note, this.doubt(entries, reliable), why);
    fill(this.tools, this.once(question), this.limits(question));
  }

  /** Something instead of an answer. */
  say(element) {
    this.ready('', '', [], '');
    fill(this.tools);
    fill(this.note, element);
  }

  ready(title, facts, entries, told) {
    this.element.removeAttribute('aria-busy');
    this.fillTitle(title);
    this.title.hidden = title === '';
    this.facts.textContent = facts;
    this.told.textContent = told;
    this.grid.show(entries);
  }

  doubt(entries, reliable) {
    if (entries.length === 0) return make('p.warn', {}, icon('warning'), make('span', {}, say('noneWithFilters')));
    if (reliable) return null;
    return make('p.warn', {}, icon('warning'), make('span', {}, make('strong', {}, say('unsureTitle')), ' ', say('unsureText')));
  }

  limits(question) {
    const id = freshId('limit');
    return make('div.choice', {}, make('label', { for: id }, say('limit')),
      make('select', { id, on: { change: (event) => this.change({ limit: Number(event.target.value) }) } },
        ...LIMITS.map((each) => make('option', { value: each, selected: each === question.limit }, number(each)))));
  }

  once(question) {
    const id = freshId('once');
    return make('div.choice-row', {},
      make('input', { id, type: 'checkbox', checked: question.once, on: { change: (event) => this.change({ once: event.target.checked }) } }),
      make('label', { for: id }, say('once')));
  }
}
