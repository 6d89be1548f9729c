// Recall to the right, speed upwards in powers of ten: the upper right corner is the best.

import { make } from '../dom.js';
import { number } from '../words.js';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT, LEFT, BOTTOM, EDGE] = [720, 320, 78, 34, 12];
const COLOURS = 6; // classes in the style sheet; those beyond are hollow and dashed

/**
 * @param {Array<{engine: string, points: Array<{recall: number, cpu_seconds: number}>}>} trials
 * @param {number} wished recall, drawn as a dashed line
 * @param {string} label what a screen reader calls it; the table beside has the numbers
 * @returns {HTMLElement} the plot with the engines' names below
 */
export function plot(trials, wished, label) {
  const points = trials.flatMap((each) => each.points);
  const rates = points.map(rateOf);
  const lowest = Math.min(wished, ...points.map(({ recall }) => recall));
  const [from, to] = [Math.floor(Math.log10(Math.min(...rates))), Math.ceil(Math.log10(Math.max(...rates)))];
  const x = (recall) => LEFT + ((recall - lowest) / Math.max(1e-9, 1 - lowest)) * (WIDTH - LEFT - EDGE);
  const y = (rate) => HEIGHT - BOTTOM - ((Math.log10(rate) - from) / Math.max(1, to - from)) * (HEIGHT - BOTTOM - EDGE);
  const engines = [...new Set(trials.map(({ engine }) => engine))];
  const drawn = element('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label });
  for (let power = from; power <= to; power += 1) drawn.append(...line(LEFT, y(10 ** power), WIDTH - EDGE, y(10 ** power), number(10 ** power)));
  drawn.append(text(x(lowest), HEIGHT - 10, number(lowest, 2), 'start'), text(x(1), HEIGHT - 10, number(1, 2), 'end'),
    element('line', { class: 'wished', x1: x(wished), x2: x(wished), y1: EDGE, y2: HEIGHT - BOTTOM }));
  for (const { engine, points: found } of trials) {
    const at = found.map((each) => [x(each.recall), y(rateOf(each))]);
    const kind = kindOf(engines.indexOf(engine));
    drawn.append(element('polyline', { class: kind, points: at.map((each) => each.join(',')).join(' ') }),
      ...at.map(([cx, cy]) => element('circle', { class: kind, cx, cy, r: 3 })));
  }
  return make('div', {}, drawn, make('ul.engine-names', {}, ...engines.map((engine, place) => make('li', {}, sample(place), engine))));
}

function kindOf(place) {
  return `engine-${place % COLOURS}${place < COLOURS ? '' : ' hollow'}`;
}

function sample(place) {
  const drawn = element('svg', { class: 'plot sample', viewBox: '0 0 28 10', 'aria-hidden': 'true' });
  drawn.append(element('polyline', { class: kindOf(place), points: '0,5 28,5' }), element('circle', { class: kindOf(place), cx: 14, cy: 5, r: 3 }));
  return drawn;
}

function rateOf({ cpu_seconds: seconds }) {
  return 1 / Math.max(seconds, 1e-9);
}

function line(x1, y1, x2, y2, words) {
  return [element('line', { class: 'rule', x1, y1, x2, y2 }), text(x1 - 6, y1 + 4, words, 'end')];
}

function text(x, y, words, anchor) {
  const found = element('text', { x, y, 'text-anchor': anchor });
  found.textContent = words;
  return found;
}

function element(name, attributes) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}
