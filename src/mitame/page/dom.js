// Elements are made here and nowhere else. Text is only ever set as text, so that a tag in an
// item's name stays what it is: letters.

const REFUSED = /^(on|style$|srcdoc$|innerhtml$|outerhtml$)/i;
const ADDRESSES = new Set(['href', 'src']);
const SAFE = new Set(['http:', 'https:', 'blob:']);

/**
 * An element.
 * @param {string} tag its name, with classes behind dots: `li.tile.weak`
 * @param {Object} [options] attributes by name; `on` holds listeners by event. null and false leave
 *   an attribute out, true sets it empty.
 * @param {...(Node|string|number|null|false)} children text is put in as text
 */
export function make(tag, options = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  const { on = {}, ...attributes } = options;
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

/** Sets an attribute, or takes it away where the value is null, undefined or false. */
export function set(element, name, value) {
  if (REFUSED.test(name)) throw new Error(`no attribute ${name} here`);
  if (ADDRESSES.has(name) && value !== null && !isSafe(value)) throw new Error(`no address: ${value}`);
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** Puts these in the place of all that an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null && child !== false && child !== undefined));
}

/** Whether an address leads to a page or picture, and runs nothing (`javascript:` would). */
function isSafe(value) {
  try {
    return SAFE.has(new URL(value, document.baseURI).protocol);
  } catch {
    return false;
  }
}

let count = 0;

/** An id that no other element has, for labels. */
export function freshId(what) {
  count += 1;
  return `${what}-${count}`;
}

/** A function that waits until it has not been called for so many milliseconds. */
export function later(milliseconds, work) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}
