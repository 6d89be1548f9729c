// Browse: the categories, and all pictures that pass conditions.

import { changed, go, here, kept, linkTo } from '../address.js';
import { ask, collectionPath } from '../api.js';
import { Categories } from '../browse/categories.js';
import { WORDS } from '../browse/words.js';
import { fill, make, set } from '../dom.js';
import { failure } from '../failure.js';
import { Grid } from '../grid.js';
import { icon } from '../icons.js';
import { nextPage } from '../pages.js';
import { collection } from '../place.js';
import { Filters } from '../search/filters.js';
import { asking, moreLike, questionOf } from '../search/question.js';
import { toServer } from '../search/where.js';
import { addWords, say } from '../words.js';

addWords(WORDS);
const PAGE = 60;

/** See `views.js`. */
export function mount(main) {
  return new Browse(main);
}

class Browse {
  constructor(main) {
    this.stopped = new AbortController();
    this.wide = matchMedia('(min-width: 760px)');
    main.classList.add('browse');
    this.facts = make('p.facts', { role: 'status' });
    this.note = make('div.note');
    this.categories = new Categories((where) => linkTo('browse', asking(kept(), { where })));
    this.filters = new Filters((where) => this.go(where.length ? { where, all: null } : { where, all: 'true' }));
    this.grid = new Grid({ link: (id) => linkTo('search', moreLike(kept(), 'id', id)) });
    this.next = make('div.actions');
    this.back = make('a.button', {}, say('allCategories'));
    this.every = make('a.button', {}, say('everything'));
    this.bad = make('a.button', {}, say('bad'));
    const place = make('details.filters-place', { open: this.wide.matches }, make('summary', {}, icon('filter'), say('filters')), this.filters.element);
    this.columns = make('div.columns', {}, make('div.side', {}, place), make('section.results', { 'aria-label': say('passing') }, this.grid.element, this.next));
    fill(main,
      make('div.head', {}, make('div', {}, make('h1', {}, say('browse')), make('p.lead', {}, say('browseLead')), this.facts), make('div', {}, this.back, this.every, this.bad)),
      this.note, this.categories.element, this.columns);
  }

  /** Shows the categories, or what passes the conditions. */
  async update(params) {
    this.stopped.abort();
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    const { where } = questionOf(params);
    try {
      const name = await collection();
      if (signal.aborted) return;
      fill(this.note);
      set(this.back, 'href', linkTo('browse', kept()));
      set(this.every, 'href', linkTo('browse', changed(kept(), { all: 'true' })));
      set(this.bad, 'href', linkTo('bad', kept()));
      if (name === null) return void this.nothing();
      const isList = where.length > 0 || params.get('all') === 'true';
      if (isList) await this.list(name, where, signal);
      else if ((await this.categories.show(name, signal)) === 0) return void this.go({ all: 'true' }, true);
      if (signal.aborted) return;
      if (!isList) this.facts.textContent = '';
      this.back.hidden = !isList;
      this.every.hidden = isList;
      this.columns.hidden = !isList;
      this.categories.element.hidden = isList;
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.update(here().params)));
    }
  }

  async list(name, where, signal) {
    this.columns.hidden = false;
    this.entries = [];
    fill(this.next);
    const filter = where.length ? { filter: toServer(where) } : {};
    const [{ count }] = await Promise.all([
      ask('POST', collectionPath(name, 'items:count'), { json: filter, signal }),
      this.filters.show(name, where, signal),
      this.page(name, filter, null, signal),
    ]);
    if (signal.aborted) return;
    this.facts.textContent = say('count', count);
    fill(this.note, count === 0 && make('p.nothing', {}, say(where.length ? 'noneWithFilters' : 'browseNothing')));
  }

  async page(name, filter, cursor, signal) {
    const json = { ...filter, limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const told = await ask('POST', collectionPath(name, 'items:scroll'), { json, signal });
    if (signal.aborted) return;
    const first = this.entries.length;
    this.entries.push(...told.items.map(entryOf));
    this.grid.show(this.entries);
    if (first > 0) this.grid.element.children[first]?.querySelector('a').focus();
    fill(this.next, nextPage('morePictures', told.cursor, (next) => this.more(name, filter, next, signal)));
  }

  async more(name, filter, cursor, signal) {
    try {
      await this.page(name, filter, cursor, signal);
      fill(this.note);
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.more(name, filter, cursor, signal)));
    }
  }

  nothing() {
    this.columns.hidden = true;
    this.back.hidden = this.every.hidden = this.bad.hidden = true;
    fill(this.note, make('p.nothing', {}, say('noCollection')));
  }

  go({ where, all }, replace = false) {
    const params = where === undefined ? here().params : asking(here().params, { where });
    go('browse', changed(params, { all }), { replace });
  }

  leave() {
    this.stopped.abort();
  }
}

function entryOf({ id, category, image, images }) {
  const first = images?.[0];
  return { id, category, image: image ?? null, ratio: first?.width && first?.height ? first.width / first.height : 1 };
}
