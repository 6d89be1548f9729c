// Search by looking: ask with a picture, an item or several of them, and see what looks alike.

import { go, here, kept, linkTo } from '../address.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { Grid } from '../grid.js';
import { icon } from '../icons.js';
import { askAnew, collection, described } from '../place.js';
import { answerTo, keepAnswer, knownAnswer, someOf } from '../search/answers.js';
import { Bar } from '../search/bar.js';
import { Examples } from '../search/examples.js';
import { MOST_FILES, keepFile } from '../search/files.js';
import { Filters } from '../search/filters.js';
import { listenForPictures } from '../search/incoming.js';
import { isEmpty, isMissing } from '../search/nothing.js';
import { Missing, asking, moreLike, questionOf } from '../search/question.js';
import { Results } from '../search/results.js';
import { say } from '../words.js';

const LOOK_AGAIN_MS = 2000;

/** See `views.js`. */
export function mount(main) {
  return new Search(main);
}

class Search {
  constructor(main) {
    this.collection = null;
    this.stopped = new AbortController();
    this.left = new AbortController();
    this.wide = matchMedia('(min-width: 760px)');
    const files = (found) => this.askWithFiles(found).catch((error) => this.failed(error));
    const example = (kind, value) => this.go(moreLike(here().params, kind, value), { focus: true });
    this.bar = new Bar({ example, files, collection: () => this.collection });
    this.examples = new Examples((changes) => this.go(asking(here().params, changes)));
    this.filters = new Filters((where) => this.go(asking(here().params, { where })));
    this.grid = new Grid({
      link: (id) => linkTo('search', moreLike(here().params, 'id', id)),
      weigh: (id, sign) => this.weigh(id, sign),
      why: (id) => whyLink(here().params, id),
    });
    this.grid.element.addEventListener('click', (event) => { this.picked = event.target.closest('.tile-link') !== null; });
    this.results = new Results(this.grid, (changes) => this.go(asking(here().params, changes)));
    this.draw(main);
    this.stop = listenForPictures({ files, url: (url) => example('url', url) });
    addEventListener('keydown', (event) => this.keyed(event), { signal: this.left.signal });
  }

  draw(main) {
    main.classList.add('search');
    this.head = make('h1', {}, say('question'));
    const place = make('details.filters-place', {}, make('summary', {}, icon('filter'), say('filters')), this.filters.element);
    const unfold = ({ matches }) => { place.open = matches; };
    unfold(this.wide);
    this.wide.addEventListener('change', unfold, { signal: this.left.signal });
    this.note = make('div.note', { role: 'status' });
    this.side = make('div.side', {}, this.examples.element, place);
    fill(main, make('div.hero', {}, this.head, make('p', {}, say('lead')), this.bar.element), this.note,
      make('div.columns', {}, this.side, this.results.element));
    this.main = main;
  }

  /** Shows what the parameters ask. */
  async update(params) {
    this.stopped.abort();
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    this.results.wait();
    if (location.hash !== this.cutAt) fill(this.note);
    const question = questionOf(params);
    const isAsked = question.like.length + question.unlike.length > 0;
    this.main.classList.toggle('asked', isAsked);
    try {
      this.collection = await collection();
      const about = this.collection === null ? null : await described(this.collection);
      if (signal.aborted) return;
      this.main.classList.toggle('empty', !about?.items);
      if (!about?.items) return void this.waitForItems(signal);
      this.examples.show(question, this.collection);
      const filters = this.filters.show(this.collection, question.where, signal);
      await Promise.all([this.answer(params, question, isAsked, signal), filters]);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Says that there is nothing yet, and looks again: a server may be indexing its first folder. */
  waitForItems(signal) {
    this.results.say(isEmpty(this.collection));
    const timer = setTimeout(() => {
      askAnew();
      this.update(here().params);
    }, LOOK_AGAIN_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }

  async answer(params, question, isAsked, signal) {
    const seed = params.get('seed');
    const isDrawn = isAsked || seed !== null; // else each time others
    const known = isDrawn ? knownAnswer(linkTo(this.collection, params)) : undefined;
    const fresh = () => (isAsked ? answerTo(this.collection, question, signal) : someOf(this.collection, question, seed, signal));
    const found = known ?? (await fresh());
    if (signal.aborted) return;
    // A draw is shown under its seed, so that back and reload show the same ones.
    const named = isDrawn ? params : asking(params, { seed: String(found.seed) });
    keepAnswer(linkTo(this.collection, named), found);
    if (!isDrawn) return void go('search', named, { replace: true });
    if (isAsked) this.results.answer(found, question);
    else this.results.some(found, question, () => this.go(asking(here().params, { seed: null })));
    if (this.picked) this.results.focus();
    this.picked = false;
  }

  go(params, { focus = false } = {}) {
    this.picked = focus;
    go('search', params);
  }

  weigh(id, sign) {
    const { like, unlike } = questionOf(here().params);
    const rest = (list) => list.filter(({ kind, value }) => kind !== 'id' || value !== id);
    const next = { like: rest(like), unlike: rest(unlike) };
    next[sign].push({ kind: 'id', value: id });
    this.go(asking(here().params, { ...next, box: null, seed: null }));
  }

  async askWithFiles(files) {
    const like = [];
    for (const file of files.slice(0, MOST_FILES)) like.push({ kind: 'file', value: await keepFile(file) });
    this.go(asking(here().params, { like, unlike: [], box: null, seed: null }), { focus: true });
    if (files.length <= MOST_FILES) return;
    this.cutAt = location.hash;
    fill(this.note, make('p.warn', {}, icon('warning'), make('span', {}, say('tooManyFiles', MOST_FILES, files.length))));
  }

  failed(error) {
    if (error.name === 'AbortError') return;
    this.results.say(error instanceof Missing ? isMissing() : failure(error, () => this.update(here().params)));
  }

  keyed(event) {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
    event.preventDefault();
    this.bar.focus();
  }

  leave() {
    this.stopped.abort();
    this.stop();
    this.left.abort();
  }
}

/** Where an answer is put beside the item that was asked about; null where it was something else. */
function whyLink(params, id) {
  const { like, unlike } = questionOf(params);
  if (like.length !== 1 || unlike.length > 0 || like[0].kind !== 'id') return null;
  return linkTo('why', new URLSearchParams([...kept(), ['a', like[0].value], ['b', id]]));
}
