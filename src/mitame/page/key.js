// The key, for servers that need one. It is asked for once, kept until the browser's tab is closed,
// sent in a header, and never part of an address.

import { form } from './dialog.js';
import { say } from './words.js';

const KEPT = 'mitame.key';
const SENDABLE = /^[\x20-\x7e]*$/; // in a header
let current = read();
let asking = null;

/** The key that requests are sent with; null for none. */
export function key() {
  return current;
}

/** Forgets the key. */
export function forgetKey() {
  current = null;
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // It was not kept in the first place.
  }
}

/**
 * Asks for a key; those who ask while the question is open get the same answer.
 * @param {{wrong: boolean, role?: string}} about whether a key was sent and refused, and which role
 *   is needed where that is more than reading
 * @returns {Promise<string|null>} null where the reader has none
 */
export function askForKey({ wrong, role }) {
  asking ??= form({
    title: say('keyTitle'),
    text: say(wrong ? 'keyWrong' : role === undefined ? 'keyText' : 'keyRole', role),
    label: say('keyLabel'),
    type: 'password',
    confirm: say('keyConfirm'),
    wrong: (text) => (SENDABLE.test(text.trim()) ? '' : say('keyLetters')),
  }).then((given) => {
    asking = null;
    if (given !== null) keepKey(given.trim());
    return given === null ? null : current;
  });
  return asking;
}

function keepKey(given) {
  current = given;
  try {
    sessionStorage.setItem(KEPT, given);
  } catch {
    // It lasts as long as the page does.
  }
}

function read() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
