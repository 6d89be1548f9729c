// How long answers take, and which step of them.

import { askForText } from '../api.js';
import { fill, make } from '../dom.js';
import { number, say } from '../words.js';
import { panel } from './panel.js';
import { histograms, quantile } from './histograms.js';
import { table } from './table.js';

const ROUTES = {
  '/v1/collections/{collection}/items/{id}/similar': 'routeSimilar',
  '/v1/collections/{collection}/query': 'routeQuery',
  '/v1/collections/{collection}/items/{id}/thumbnail': 'routeThumbnail',
};
const STAGES = ['decode', 'embed', 'table', 'engine', 'delta', 'hydrate'];

/** The panel. */
export class Times {
  constructor() {
    this.body = make('div');
    this.element = panel(say('times'), this.body);
  }

  async show(signal) {
    const text = await askForText('metrics', { signal });
    const routes = histograms(text, 'mitame_request_duration_seconds', 'route').filter(({ name }) => name in ROUTES);
    const stages = histograms(text, 'mitame_stage_duration_seconds', 'stage');
    const rows = [
      ...routes.map((each) => row(each, say(ROUTES[each.name]))),
      ...stages.map((each) => row(each, STAGES.includes(each.name) ? say(`stage-${each.name}`) : each.name)),
    ];
    fill(this.body, make('p.facts', {}, say('timesSince')),
      rows.length ? table(say('times'), ['what', 'times-count', 'half', 'most'].map((each) => say(each)), rows) : make('p', {}, say('noTimes')));
  }
}

function row(histogram, words) {
  return [words, number(histogram.count), milliseconds(quantile(histogram, 0.5)), milliseconds(quantile(histogram, 0.99))];
}

/** Two digits that count. */
function milliseconds(seconds) {
  const value = seconds * 1000;
  return `${number(value, value < 1 ? 2 : value < 10 ? 1 : 0)} ms`;
}
