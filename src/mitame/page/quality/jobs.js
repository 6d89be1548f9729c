// Long work, with how far it is; looked at again and again while there is some.

import { ask } from '../api.js';
import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { number, say, time } from '../words.js';
import { panel } from './panel.js';

const SHOWN = 12;
const OFTEN = 1000; // milliseconds, while something is under way
const SELDOM = 10_000;
const OPEN = ['queued', 'running'];

/** The panel. */
export class Jobs {
  /** @param {() => void} ended called when something that was under way has come to its end */
  constructor(ended) {
    this.ended = ended;
    this.list = make('ul.jobs', { role: 'list' });
    this.note = make('div.note');
    this.timer = 0;
    this.open = new Set();
    this.element = panel(say('jobs'), this.note, this.list);
  }

  async show(collection, signal) {
    this.about = { collection, signal };
    clearTimeout(this.timer);
    const { jobs } = await ask('GET', 'v1/jobs', { query: { collection, limit: SHOWN }, signal });
    fill(this.list, ...jobs.map((job) => this.row(job)));
    fill(this.note, jobs.length === 0 && make('p.facts', {}, say('noJobs')));
    const open = new Set(jobs.filter(({ kind, state }) => OPEN.includes(state) && kind !== 'follow').map(({ id }) => id));
    const hasEnded = [...this.open].some((id) => !open.has(id));
    this.open = open;
    this.timer = setTimeout(() => this.again(), open.size ? OFTEN : SELDOM);
    if (hasEnded) this.ended();
  }

  async again() {
    if (this.about.signal.aborted) return;
    try {
      await this.show(this.about.collection, this.about.signal);
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.again()));
    }
  }

  row(job) {
    const { id, kind, state, progress, message, error, created, eta_seconds: left } = job;
    const isOpen = OPEN.includes(state);
    const facts = [time(created), isOpen && left !== null ? say('timeLeft', left) : null, message].filter(Boolean).join(' · ');
    return make(`li.job.${state}`, {},
      make('span.kind', {}, say(`job-${kind}`)),
      make('span.how', {}, say(`job-${state}`), isOpen && progress !== null ? ` ${number(progress * 100, 0)} %` : ''),
      isOpen && make('progress', { max: 1, value: progress, 'aria-label': say(`job-${kind}`) }),
      make('span.facts', {}, facts),
      error !== null && make('span.reason', { lang: 'en' }, error.detail),
      isOpen && make('button', { type: 'button', on: { click: () => this.stop(id) } }, say('stopJob')));
  }

  async stop(id) {
    try {
      await ask('DELETE', `v1/jobs/${encodeURIComponent(id)}`, { role: 'write' });
      await this.again();
    } catch (error) {
      fill(this.note, failure(error, () => this.stop(id)));
    }
  }

  leave() {
    clearTimeout(this.timer);
  }
}
