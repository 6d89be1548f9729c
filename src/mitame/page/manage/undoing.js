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
    this.button = make('button.primary.undo', { type: 'button', on: { click: () => removals.undo() } }, say('undo'));
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
    const errors = [...new Set(failed.map(({ error }) => error))];
    fill(this.failures, ...errors.map((error) => this.failure(error, failed.filter((each) => each.error === error))));
  }

  /** What could not be removed, and why. What somebody has changed is looked at before it is removed. */
  failure(error, [{ id }, ...more]) {
    const isChanged = error.status === 412;
    return make('div', {}, make('p', {}, say(isChanged ? 'notRemovedChanged' : 'notRemoved', id, more.length)),
      isChanged ? failure(error, () => removals.forget(error), 'close') : failure(error, () => removals.again(error)));
  }

  leave() {
    removals.isPaused = false;
    this.left.abort();
  }
}
