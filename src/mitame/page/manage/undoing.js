// The notice of what is about to be removed, with the way back.

import { fill, make } from '../dom.js';
import { failure } from '../failure.js';
import { say } from '../words.js';
import { SECONDS, removals } from './removals.js';

/** A notice that shows itself while something waits to be removed, and what could not be. */
export class Undoing {
  constructor() {
    this.left = new AbortController();
    this.words = make('p', { role: 'status', 'aria-live': 'polite' });
    this.button = make('button.primary', { type: 'button', class: 'undo', on: { click: () => removals.undo() } }, say('undo'));
    this.notice = make('div.undoing', { hidden: true }, this.words, this.button);
    this.failures = make('div.note');
    this.element = make('div', {}, this.failures, this.notice);
    // Whoever is about to press the button has all the time in the world.
    const pause = (is) => () => { removals.isPaused = is; };
    for (const event of ['pointerenter', 'focusin']) this.notice.addEventListener(event, pause(true));
    for (const event of ['pointerleave', 'focusout']) this.notice.addEventListener(event, pause(false));
    removals.addEventListener('change', () => this.look(), { signal: this.left.signal });
    this.look();
  }

  look() {
    const { waiting, left, failed } = removals;
    this.notice.hidden = left <= 0;
    if (this.notice.hidden) removals.isPaused = false;
    this.words.textContent = left > 0 ? say('removing', waiting.length, waiting[0].id, SECONDS) : '';
    fill(this.failures, ...failed.map(({ id, error }) => make('div', {},
      make('p', {}, say(error.status === 412 ? 'notRemovedChanged' : 'notRemoved', id)), failure(error, () => removals.forgetFailures()))));
  }

  leave() {
    removals.isPaused = false;
    this.left.abort();
  }
}
