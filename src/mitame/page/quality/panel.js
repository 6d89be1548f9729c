// A part of the view, with its title.

import { freshId, make } from '../dom.js';

/** @param {...Node} children @returns {HTMLElement} */
export function panel(title, ...children) {
  const id = freshId('panel');
  return make('section.panel', { 'aria-labelledby': id }, make('h2', { id }, title), ...children);
}
