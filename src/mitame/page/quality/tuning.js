// What a tuning has measured: recall against speed, one line per way to build an index.

import { ask, collectionPath } from '../api.js';
import { fill, make } from '../dom.js';
import { number, say } from '../words.js';
import { bytes } from './indexes.js';
import { panel } from './panel.js';
import { plot } from './plot.js';
import { table } from './table.js';

const HEAD = ['engine', 'settings', 'recall', 'rate', 'half', 'most', 'memory'];

/** The panel; hidden where nothing was tuned. */
export class Tuning {
  constructor() {
    this.body = make('div.tunings');
    this.element = panel(say('tuning'), this.body);
  }

  async show(collection, signal) {
    const { reports } = await ask('GET', collectionPath(collection, 'tuning'), { signal });
    this.element.hidden = reports.length === 0;
    fill(this.body, ...reports.map((each) => report(each)));
  }
}

function report({ lens, rows, questions, wish, choice, trials }) {
  const measured = trials.filter(({ points }) => points.length);
  const told = measured.map((trial) => [trial, bestOf(trial, wish.recall)]).sort(([, a], [, b]) => a.cpu_seconds - b.cpu_seconds);
  return make('div.tuning', {},
    make('h3', {}, lens),
    make('p', { lang: 'en' }, choice.why),
    make('p.facts', {}, say('tuningOf', number(rows), number(questions), wish.k, wish.recall)),
    plot(measured, wish.recall, say('plotOf', lens)),
    table(say('trialsOf', lens), HEAD.map((each) => say(each)), told.map(([trial, point]) => [
      isChosen(trial, choice) ? make('strong', {}, `${trial.engine} ✓`) : trial.engine,
      Object.entries(trial.settings).map(([name, value]) => `${name}=${value}`).join(' '),
      number(point.recall, 3), say('perSecond', number(1 / Math.max(point.cpu_seconds, 1e-9), 0)),
      milliseconds(point.p50), milliseconds(point.p99), bytes(trial.memory),
    ])));
}

/** The quickest point that has the recall, or else the one with most of it. */
function bestOf({ points }, recall) {
  return points.find((each) => each.recall >= recall) ?? points.reduce((best, each) => (each.recall > best.recall ? each : best));
}

function isChosen({ engine, settings }, choice) {
  return engine === choice.engine && JSON.stringify(Object.entries(settings).sort()) === JSON.stringify(Object.entries(choice.settings).sort());
}

function milliseconds(seconds) {
  return `${number(seconds * 1000, seconds < 0.001 ? 2 : 1)} ms`;
}
