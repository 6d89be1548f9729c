// Long lists, page by page.

import { make, set } from './dom.js';
import { say } from './words.js';

/**
 * The button that brings the next page; null where there is none. It stays, with the focus, until
 * that page is there, and pressed again meanwhile it does nothing.
 * @param {string} words of the button
 * @param {string|null} cursor where the next page begins
 * @param {(cursor: string) => Promise<void>} load which shows the page, or tells what went wrong
 */
export function nextPage(words, cursor, load) {
  if (cursor === null) return null;
  let isLoading = false;
  const button = make('button', { type: 'button' }, say(words));
  button.addEventListener('click', async () => {
    if (isLoading) return;
    isLoading = true;
    set(button, 'aria-disabled', 'true');
    await load(cursor);
    isLoading = false;
    set(button, 'aria-disabled', null);
  });
  return button;
}
