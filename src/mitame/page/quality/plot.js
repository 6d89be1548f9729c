// Recall to the right, speed upwards in powers of ten: the upper right corner is the best.

import { make } from '../dom.js';
import { number } from '../words.js';
import { canvas, element, kindOf, legend, rule, text } from './drawing.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, EDGE] = [720, 320, 78, 34, 12];

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
  const drawn = canvas(WIDTH, HEIGHT, label);
  for (let power = from; power <= to; power += 1) drawn.append(...rule(LEFT, WIDTH - EDGE, y(10 ** power), number(10 ** power)));
  drawn.append(text(x(lowest), HEIGHT - 10, number(lowest, 2), 'start'), text(x(1), HEIGHT - 10, number(1, 2), 'end'),
    element('line', { class: 'wished', x1: x(wished), x2: x(wished), y1: EDGE, y2: HEIGHT - BOTTOM }));
  for (const { engine, points: found } of trials) {
    const at = found.map((each) => [x(each.recall), y(rateOf(each))]);
    const kind = kindOf(engines.indexOf(engine));
    drawn.append(element('polyline', { class: kind, points: at.map((each) => each.join(',')).join(' ') }),
      ...at.map(([cx, cy]) => element('circle', { class: kind, cx, cy, r: 3 })));
  }
  return make('div', {}, drawn, legend(engines));
}

function rateOf({ cpu_seconds: seconds }) {
  return 1 / Math.max(seconds, 1e-9);
}
