// Long work, with how far it is; looked at again and again while there is some.

import { ask } from '../api.js';
import { fill, make, set } from '../dom.js';
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
    this.rows = new Map();
    this.element = panel(say('jobs'), this.note, this.list);
  }

  async show(collection, signal) {
    this.about = { collection, signal };
    clearTimeout(this.timer);
    const { jobs } = await ask('GET', 'v1/jobs', { query: { collection, limit: SHOWN }, signal });
    this.put(jobs);
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

  /** Shows jobs in their order. Rows that stay are not moved: whoever is on a button stays there. */
  put(jobs) {
    const rows = jobs.map((job) => this.rows.get(job.id) ?? new Row(job.kind, () => this.stop(job.id)));
    this.rows = new Map(jobs.map(({ id }, place) => [id, rows[place]]));
    const elements = rows.map(({ element }) => element);
    for (const each of [...this.list.children]) if (!elements.includes(each)) each.remove();
    elements.forEach((each, place) => {
      if (this.list.children[place] !== each) this.list.insertBefore(each, this.list.children[place] ?? null);
    });
    rows.forEach((row, place) => row.show(jobs[place]));
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

/** One job: made once, and told anew how far it is. */
class Row {
  constructor(kind, stop) {
    const name = say(`job-${kind}`);
    this.how = make('span.how');
    this.bar = make('progress', { max: 1, 'aria-label': name });
    this.facts = make('span.facts');
    this.reason = make('span.reason', { lang: 'en', hidden: true });
    this.button = make('button', { type: 'button', on: { click: stop } }, say('stopJob'));
    this.element = make('li', { tabindex: '-1' }, make('span.kind', {}, name), this.how, this.bar, this.facts, this.reason, this.button);
  }

  show({ state, progress, message, error, created, eta_seconds: left }) {
    const isOpen = OPEN.includes(state);
    const hadFocus = document.activeElement === this.button;
    this.element.className = `job ${state}`;
    this.how.textContent = say(`job-${state}`) + (isOpen && progress !== null ? ` ${number(progress * 100, 0)} %` : '');
    this.facts.textContent = [time(created), isOpen && left !== null ? say('timeLeft', left) : null, message].filter(Boolean).join(' · ');
    this.reason.textContent = error?.detail ?? '';
    this.reason.hidden = error === null;
    set(this.bar, 'value', progress);
    this.bar.hidden = this.button.hidden = !isOpen;
    if (hadFocus && !isOpen) this.element.focus(); // its button has gone
  }
}
