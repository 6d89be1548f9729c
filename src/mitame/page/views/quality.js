// Quality: how good the answers are, how long they take, which snapshot gives them.

import { here } from '../address.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { askAnew, collection, described } from '../place.js';
import { Comparing } from '../quality/comparing.js';
import { Evaluations } from '../quality/evaluations.js';
import { Generations } from '../quality/generations.js';
import { Indexes } from '../quality/indexes.js';
import { Jobs } from '../quality/jobs.js';
import { Times } from '../quality/times.js';
import { Tuning } from '../quality/tuning.js';
import { WORDS } from '../quality/words.js';
import { isEmpty } from '../search/nothing.js';
import { addWords, say } from '../words.js';

addWords(WORDS);

/** See `views.js`. */
export function mount(main) {
  return new Quality(main);
}

class Quality {
  constructor(main) {
    this.stopped = new AbortController();
    this.indexes = new Indexes();
    this.generations = new Generations(() => this.update(), (each) => this.comparing.beside(each));
    this.jobs = new Jobs(() => {
      askAnew();
      this.update();
    });
    this.times = new Times();
    this.comparing = new Comparing();
    this.tuning = new Tuning();
    this.evaluations = new Evaluations(() => this.update());
    this.note = make('div.note');
    this.panels = make('div.panels', {}, this.indexes.element, this.evaluations.element, this.comparing.element, this.tuning.element, this.generations.element, this.jobs.element, this.times.element);
    main.classList.add('quality');
    fill(main, make('div.head', {}, make('div', {}, make('h1', {}, say('quality')), make('p.facts', {}, say('qualityLead')))), this.note, this.panels);
  }

  /** Shows a collection. */
  async update() {
    this.stopped.abort();
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    try {
      const name = await collection();
      this.panels.hidden = name === null;
      if (name === null) return void fill(this.note, isEmpty(null));
      const told = await described(name);
      signal.throwIfAborted();
      fill(this.note);
      this.indexes.show(told);
      await Promise.all([this.generations.show(name, signal), this.jobs.show(name, signal), this.times.show(signal), this.tuning.show(name, signal), this.evaluations.show(name, here().params, signal), this.comparing.show(name, told, here().params, signal)]);
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.update()));
    }
  }

  leave() {
    this.stopped.abort();
    this.jobs.leave();
  }
}
