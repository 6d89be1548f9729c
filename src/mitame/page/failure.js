// An error, told in place: what is wrong in the reader's language, and what the server says of it.

import { Problem, addressOf } from './api.js';
import { make } from './dom.js';
import { icon } from './icons.js';
import { forgetKey } from './key.js';
import { say } from './words.js';

const BY_STATUS = {
  0: 'failUnreachable', 401: 'failKey', 403: 'failNotAllowed', 404: 'failNotFound', 413: 'failTooLarge',
  415: 'failPicture', 422: 'failRefused', 429: 'failBusy', 503: 'failBusy',
};
const BY_CODE = {
  not_an_image: 'failPicture', damaged_image: 'failPicture', unsupported_image: 'failPicture', empty_image: 'failPicture',
  image_too_large: 'failTooLarge', fetch_failed: 'failAddress', fetch_refused: 'failAddress',
};

/**
 * An element that tells of an error.
 * @param {Error} error
 * @param {() => void} [again] what a button does that tries again
 */
export function failure(error, again = () => location.reload()) {
  const isProblem = error instanceof Problem;
  if (!isProblem) console.error(error);
  const title = isProblem ? say(BY_CODE[error.code] ?? BY_STATUS[error.status] ?? 'failRefused') : say('failBroken');
  return make('div.failure', { role: 'alert' },
    icon('warning'),
    make('div', {},
      make('p.title', {}, title),
      make('p.detail', { lang: 'en' }, error.message),
      error.status === 0 && make('p.detail', {}, addressOf('')),
      make('button', { type: 'button', on: { click: () => retry(error, again) } }, say('tryAgain'))));
}

function retry(error, again) {
  if (error.status === 401 || error.status === 403) forgetKey();
  again();
}
