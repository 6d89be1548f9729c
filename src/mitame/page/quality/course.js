// A measure over time: to the right when it was measured, upwards its value, one line per lens.

import { make } from '../dom.js';
import { number, say, time } from '../words.js';
import { canvas, element, kindOf, legend, rule, text } from './drawing.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, EDGE] = [720, 280, 56, 34, 14];
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2]; // between rules: round, and 1 is on a rule
const MOST_STEPS = 5;
const MINUTE = 60; // a time is told to the minute: what lies within one has one place

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
  const { lowest, step } = scaleOf(Math.min(0.95, ...values, chance ?? 1));
  const [until, since] = [secondsOf(found[0]), secondsOf(found.at(-1))];
  const isOnce = until - since < MINUTE;
  const x = (each) => LEFT + (isOnce ? 0.5 : (secondsOf(each) - since) / (until - since)) * (WIDTH - LEFT - EDGE);
  const y = (value) => HEIGHT - BOTTOM - ((value - lowest) / (1 - lowest)) * (HEIGHT - BOTTOM - EDGE);
  const drawn = canvas(WIDTH, HEIGHT, label);
  for (let value = lowest; value < 1 + step / 2; value += step) {
    drawn.append(...rule(LEFT, WIDTH - EDGE, y(value), number(value, 2)));
  }
  if (chance !== null) drawn.append(element('line', { class: 'wished', x1: LEFT, x2: WIDTH - EDGE, y1: y(chance), y2: y(chance) }));
  drawn.append(...times(found, x, isOnce));
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

/** Where the rules begin, and how far apart they are, so that a value lies between them. */
function scaleOf(value) {
  const step = STEPS.find((each) => 1 - value <= MOST_STEPS * each + 1e-9);
  return { lowest: 1 - Math.ceil((1 - value) / step - 1e-9) * step, step };
}

/** The first and the last time below the plot. */
function times(found, x, isOnce) {
  const [last, first] = [found[0], found.at(-1)];
  const words = [last, first].map((each) => time(secondsOf(each)));
  if (isOnce) return [text((LEFT + WIDTH - EDGE) / 2, HEIGHT - 10, words[0], 'middle')];
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
