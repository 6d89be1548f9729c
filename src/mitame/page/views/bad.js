// Bad files: what could not be read as a picture, with the reason.

import { ask, collectionPath } from '../api.js';
import { WORDS } from '../bad/words.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { nextPage } from '../pages.js';
import { collection } from '../place.js';
import { addWords, language, say } from '../words.js';

addWords(WORDS);
const PAGE = 100;

/** See `views.js`. */
export function mount(main) {
  return new Bad(main);
}

class Bad {
  constructor(main) {
    this.stopped = new AbortController();
    main.classList.add('bad');
    this.facts = make('p.facts', { role: 'status' });
    this.note = make('div.note');
    this.list = make('ul.bad-files');
    this.next = make('div.actions');
    fill(main, make('div', {}, make('h1', {}, say('bad')), make('p.lead', {}, say('badLead')), this.facts), this.note, this.list, this.next);
  }

  /** Shows the files of the collection that the address names. */
  async update() {
    this.stopped.abort();
    this.stopped = new AbortController();
    fill(this.list);
    fill(this.next);
    await this.more(null);
  }

  async more(after) {
    const { signal } = this.stopped;
    try {
      const name = await collection();
      if (name === null) return void fill(this.note, make('p.nothing', {}, say('noCollection')));
      const told = await ask('GET', collectionPath(name, 'bad-files'), { query: { limit: PAGE, after }, signal, role: 'admin' });
      if (signal.aborted) return;
      this.facts.textContent = say('badCount', told.total);
      fill(this.note, told.total === 0 && make('p.nothing', {}, say('noBadFiles')));
      this.list.hidden = told.total === 0;
      const added = told.files.map((each) => this.row(each));
      this.list.append(...added);
      fill(this.next, nextPage('moreFiles', told.after, (next) => this.more(next)));
      if (after !== null) added[0]?.focus();
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.more(after)));
    }
  }

  row({ location, reason, remedy, since }) {
    const time = new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'short' }).format(since * 1000);
    return make('li', { tabindex: '-1' }, make('span.location', {}, location), make('span.reason', { lang: 'en' }, reason),
      remedy && make('span.remedy', { lang: 'en' }, remedy), make('span.since', {}, say('badSince', time)));
  }

  leave() {
    this.stopped.abort();
  }
}
