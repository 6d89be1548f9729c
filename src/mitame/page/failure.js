// An error, told in place: what is wrong in the reader's language, and what the server says of it.

import { Problem, addressOf } from './api.js';
import { make } from './dom.js';
import { icon } from './icons.js';
import { forgetKey } from './key.js';
import { say } from './words.js';

const BY_STATUS = {
  0: 'failUnreachable', 401: 'failKey', 403: 'failNotAllowed', 404: 'failNotFound', 413: 'failTooLarge',
  415: 'failPicture', 422: 'failRefused', 429: 'failBusy', 502: 'failUnreachable', 503: 'failBusy', 504: 'failUnreachable',
};
const BY_CODE = {
  not_an_image: 'failPicture', damaged_image: 'failPicture', unsupported_image: 'failPicture', empty_image: 'failPicture',
  image_too_large: 'failTooLarge', fetch_failed: 'failAddress', fetch_refused: 'failAddress',
  no_json: 'failServer',
};

/**
 * An element that tells of an error.
 * @param {Error} error
 * @param {() => void} [again] what a button does that tries again; once: what then fails is told anew
 * @param {string} [words] of the button, where it does something else
 */
export function failure(error, again = () => location.reload(), words = 'tryAgain') {
  const isProblem = error instanceof Problem;
  if (!isProblem) console.error(error);
  const title = isProblem ? say(titleOf(error)) : say('failBroken');
  return make('div.failure', { role: 'alert' },
    icon('warning'),
    make('div', {},
      make('p.title', {}, title),
      make('p.detail', { lang: 'en' }, error.message),
      error.status === 0 && make('p.detail', {}, addressOf('')),
      button(say(words), () => retry(error, again))));
}

function titleOf({ code, status }) {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return BY_STATUS[status] ?? (status >= 500 ? 'failServer' : 'failRefused');
}

/** Pressed twice quickly, it does its work once. */
function button(words, work) {
  const element = make('button', { type: 'button' }, words);
  element.addEventListener('click', work, { once: true });
  return element;
}

function retry(error, again) {
  if (error.status === 401 || error.status === 403) forgetKey();
  again();
}
