// What the page says, in the reader's language. One module per language, all with the same keys.

import { keep, kept } from './theme.js';

/** Languages by code, each called as its readers call it. */
export const LANGUAGES = { en: 'English', ja: '日本語' };
const KEPT = 'mitame.language';

let words = {};
const more = {};
let code = 'en';

/** The code of the language in use. */
export function language() {
  return code;
}

/** Loads the language that was chosen, or else the browser's, or else English. */
export async function loadWords(wanted = chosen()) {
  ({ words } = await import(`./words/${wanted}.js`));
  code = wanted;
  document.documentElement.lang = wanted;
}

/** Changes the language and keeps the choice; what is shown is to be made anew. */
export async function setLanguage(wanted) {
  keep(KEPT, wanted);
  await loadWords(wanted);
}

/** Adds a view's own words, in every language: they come with the view. */
export function addWords(added) {
  for (const [each, found] of Object.entries(added)) more[each] = { ...more[each], ...found };
}

/** The words for a key; further arguments go where they are to stand. */
export function say(key, ...values) {
  const found = words[key] ?? more[code]?.[key];
  if (found === undefined) throw new Error(`no words for ${key}`);
  return typeof found === 'function' ? found(...values) : found;
}

/** A number as the language writes it. */
export function number(value, digits) {
  const options = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(code, options).format(value);
}

/** A moment, given in seconds since 1970, as the language and the reader's place have it. */
export function time(seconds) {
  return new Intl.DateTimeFormat(code, { dateStyle: 'medium', timeStyle: 'short' }).format(seconds * 1000);
}

function chosen() {
  const wanted = [kept(KEPT), ...(navigator.languages ?? [])].filter(Boolean);
  return wanted.map((each) => each.split('-')[0]).find((each) => Object.hasOwn(LANGUAGES, each)) ?? 'en';
}
