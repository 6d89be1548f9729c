// A measure over time: to the right when it was measured, upwards its value, one line per lens.

import { make } from '../dom.js';
import { number, say, time } from '../words.js';
import { canvas, element, kindOf, legend, rule, text } from './drawing.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, EDGE] = [720, 280, 56, 34, 14];
const STEPS = 5;

/** When something was measured, in seconds since 1970. */
export function secondsOf({ at }) {
  return Date.parse(at) / 1000;
}

/**
 * @param {Array<Object>} found evaluations that have the measure, the newest first
 * @param {string} measure its name
 * @param {string} label what a screen reader calls the plot; the table beside has the numbers
 * @returns {HTMLElement} the plot with the lenses' names below
 */
export function course(found, measure, label) {
  const values = found.map(({ measures }) => measures[measure]);
  const chance = measure === 'share' ? found[0].measures.chance : null;
  const lowest = Math.min(0.95, Math.floor(Math.min(...values, chance ?? 1) * 20) / 20);
  const [until, since] = [secondsOf(found[0]), secondsOf(found.at(-1))];
  const x = (each) => LEFT + (until === since ? 0.5 : (secondsOf(each) - since) / (until - since)) * (WIDTH - LEFT - EDGE);
  const y = (value) => HEIGHT - BOTTOM - ((value - lowest) / (1 - lowest)) * (HEIGHT - BOTTOM - EDGE);
  const drawn = canvas(WIDTH, HEIGHT, label);
  for (let step = 0; step <= STEPS; step += 1) {
    const value = lowest + (step / STEPS) * (1 - lowest);
    drawn.append(...rule(LEFT, WIDTH - EDGE, y(value), number(value, 2)));
  }
  if (chance !== null) drawn.append(element('line', { class: 'wished', x1: LEFT, x2: WIDTH - EDGE, y1: y(chance), y2: y(chance) }));
  drawn.append(...times(found, x));
  const lenses = [...new Set(found.map(({ lens }) => lens))].sort();
  for (const [place, lens] of lenses.entries()) {
    for (const run of runs(found.filter((each) => each.lens === lens).toReversed())) {
      const at = run.map((each) => [x(each), y(each.measures[measure])]);
      drawn.append(element('polyline', { class: kindOf(place), points: at.map((each) => each.join(',')).join(' ') }),
        ...run.map((each, step) => point(each, measure, { class: kindOf(place), cx: at[step][0], cy: at[step][1], r: 3.5 })));
    }
  }
  return make('div', {}, drawn, legend(lenses));
}

/** The first and the last time below the plot. */
function times(found, x) {
  const [last, first] = [found[0], found.at(-1)];
  const words = [last, first].map((each) => time(secondsOf(each)));
  if (words[0] === words[1]) return [text((LEFT + WIDTH - EDGE) / 2, HEIGHT - 10, words[0], 'middle')];
  return [text(x(first), HEIGHT - 10, words[1], 'start'), text(x(last), HEIGHT - 10, words[0], 'end')];
}

/** What can be compared follows each other: another embedder, or number of neighbours, begins a new line. */
function runs(found) {
  const made = [];
  for (const each of found) {
    const before = made.at(-1)?.at(-1);
    if (before?.fingerprint === each.fingerprint && before.k === each.k) made.at(-1).push(each);
    else made.push([each]);
  }
  return made;
}

function point(found, measure, attributes) {
  const [drawn, told] = [element('circle', attributes), element('title', {})];
  told.textContent = say('measuredPoint', found.lens, number(found.measures[measure], 3), time(secondsOf(found)), found.generation);
  drawn.append(told);
  return drawn;
}
