// What plots are drawn with: SVG elements, words, rules with a number, colours by place in a list.

import { make } from '../dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const COLOURS = 6; // classes in the style sheet; those beyond are hollow and dashed

/** An element of SVG. */
export function element(name, attributes) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

/** The whole plot. @param {string} label what a screen reader calls it; a table has the numbers */
export function canvas(width, height, label) {
  return element('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
}

/** Words at a place. @param {string} anchor which end of them is there: `start`, `middle`, `end` */
export function text(x, y, words, anchor) {
  const found = element('text', { x, y, 'text-anchor': anchor });
  found.textContent = words;
  return found;
}

/** A line across, with words before it. */
export function rule(x1, x2, y, words) {
  return [element('line', { class: 'rule', x1, y1: y, x2, y2: y }), text(x1 - 6, y + 4, words, 'end')];
}

/** The class of a line or point, by its place in the list of names. */
export function kindOf(place) {
  return `engine-${place % COLOURS}${place < COLOURS ? '' : ' hollow'}`;
}

/** Which colour is which name's. */
export function legend(names) {
  return make('ul.engine-names', {}, ...names.map((each, place) => make('li', {}, sample(place), each)));
}

function sample(place) {
  const drawn = element('svg', { class: 'plot sample', viewBox: '0 0 28 10', 'aria-hidden': 'true' });
  drawn.append(element('polyline', { class: kindOf(place), points: '0,5 28,5' }), element('circle', { class: kindOf(place), cx: 14, cy: 5, r: 3 }));
  return drawn;
}
