// Why: two pictures beside each other, and what they have in common.

import { changed, go, here, kept, linkTo } from '../address.js';
import { ask, collectionPath } from '../api.js';
import { fill, freshId, make } from '../dom.js';
import { failure } from '../failure.js';
import { Grid } from '../grid.js';
import { collection } from '../place.js';
import { moreLike } from '../search/question.js';
import { Seen } from '../why/seen.js';
import { WORDS } from '../why/words.js';
import { addWords, number, say } from '../words.js';

addWords(WORDS);
const LIMIT = 50;
const HEATS = ['similarity', 'share', 'none'];
const WORDS_OF = { similarity: 'heatSimilarity', share: 'heatShare', none: 'heatNone' };

/** See `views.js`. */
export function mount(main) {
  return new Why(main);
}

class Why {
  constructor(main) {
    this.stopped = new AbortController();
    this.shown = null;
    this.main = main;
    main.classList.add('compare');
    this.note = make('div.note');
    this.body = make('div.compare-body');
    fill(main, make('div', {}, make('h1', {}, say('whyTitle')), make('p.lead', {}, say('whyLead'))), this.note, this.body);
  }

  /** Compares the two items that the parameters name. */
  async update(params) {
    const [a, b] = [params.get('a'), params.get('b')];
    const wanted = JSON.stringify([params.get('c'), params.get('lens'), a, b]);
    this.stopped.abort(); // whatever is still asked, the address names something else now
    if (wanted === this.shown) return void this.paint(params.get('heat'));
    this.shown = null;
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    fill(this.body);
    try {
      const name = await collection();
      if (a === null || b === null || name === null) return void fill(this.note, make('p.nothing', {}, say('whyNothing')));
      const json = { id: a, other: b, lens: params.get('lens'), limit: LIMIT };
      const told = await ask('POST', collectionPath(name, 'compare'), { json, signal });
      if (signal.aborted) return;
      this.shown = wanted;
      fill(this.note, told.note !== null && make('p.hint', {}, say('noParts'), ' ', make('span', { lang: 'en' }, told.note)));
      this.show(told, name, a, b);
      this.paint(params.get('heat'));
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.update(here().params)));
    }
  }

  show(told, name, a, b) {
    const path = (id) => collectionPath(name, 'items', id, 'thumbnail');
    this.sides = [a, b].map((id, side) => new Seen(id, path(id), (part) => this.point(side, part)));
    this.grids = told.patches === null ? null : [told.patches.first, told.patches.second];
    this.sides.forEach((each, side) => each.know(this.grids?.[side] ?? null));
    const common = new Grid({ link: (id) => linkTo('search', moreLike(kept(), 'id', id)) });
    fill(this.body, make('div.pair', {}, ...this.sides.map(({ element }) => element)), this.grids !== null && this.heats(),
      make('section', {}, make('h2', {}, say('byLens')), this.table(told.lenses), make('p.hint', {}, say('rankTold', told.rank, told.limit))),
      told.common.length > 0 && make('section', {}, make('h2', {}, say('commonTitle')), make('p.hint', {}, say('commonTold', told.common.length, told.limit)), common.element));
    common.show(told.common.map((id) => ({ id, category: null, image: path(id), ratio: 1 })));
  }

  heats() {
    const id = freshId('heat');
    this.which = make('select', { id, on: { change: ({ target }) => this.go(target.value) } },
      ...HEATS.map((each) => make('option', { value: each }, say(WORDS_OF[each]))));
    return make('div.tools', {}, make('div.choice', {}, make('label', { for: id }, say('heatOf')), this.which));
  }

  table(lenses) {
    const head = [say('lens'), say('score').split(/[:：]/)[0], say('distance'), ''];
    const rows = lenses.map(({ lens, score, distance, match }) => make('tr', {}, make('th', { scope: 'row' }, lens), make('td', {}, number(score, 3)),
      make('td', {}, number(distance, 3)), make('td', {}, make(`span.match.${match}`, {}, say(match)))));
    return make('table', {}, make('thead', {}, make('tr', {}, ...head.map((each) => (each ? make('th', { scope: 'col' }, each) : make('td'))))), make('tbody', {}, ...rows));
  }

  /** Colours both pictures on one scale, so that they can be compared. */
  paint(heat) {
    if (!this.grids) return;
    this.heat = HEATS.includes(heat) ? heat : 'similarity';
    this.which.value = this.heat;
    const found = this.heat === 'none' ? null : this.grids.map((each) => each[this.heat]);
    const all = found?.flat(2) ?? [0];
    this.sides.forEach((each, side) => each.paint(found?.[side] ?? null, Math.min(...all), Math.max(...all)));
  }

  /** Marks a part of one picture, and the one that it is most like in the other. */
  point(side, part) {
    if (!this.grids) return;
    const [own, other] = [this.sides[side], this.sides[1 - side]];
    own.show(part);
    if (part < 0) return void other.show(-1);
    const [row, column] = own.cell(part);
    const { match, similarity, share } = this.grids[side];
    other.show(match[row][column]);
    own.tell(part, (this.heat === 'share' ? share : similarity)[row][column], other.columns);
  }

  go(heat) {
    go('why', changed(here().params, { heat: heat === 'similarity' ? null : heat }), { replace: true });
  }

  leave() {
    this.stopped.abort();
  }
}
