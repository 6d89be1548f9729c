// Pictures of items, as sharp as the screen and no larger than that.

import { addressOf, askForFile } from './api.js';
import { make, set } from './dom.js';
import { key } from './key.js';
import { say } from './words.js';

const SIDES = [64, 128, 192, 256, 384, 512, 768, 1024];

/** The side of the thumbnail that is sharp at so many CSS pixels, of few so that they are kept. */
function sideFor(pixels, least = 0) {
  const wanted = Math.max(least, pixels * (devicePixelRatio || 1));
  return SIDES.find((side) => side >= wanted) ?? SIDES.at(-1);
}

/** An item's id in short, where it is a path: its last part. */
export function nameOf(id) {
  return id.slice(id.replace(/\/+$/, '').lastIndexOf('/') + 1);
}

/**
 * An image of the server.
 * @param {string} path of a thumbnail
 * @param {number} pixels of CSS, of its longer side
 * @param {string} alt what it shows; empty where the words beside it say so
 * @param {number} least of the thumbnail's side
 */
export function picture(path, pixels, alt = '', least = 0) {
  const image = make('img', { alt, decoding: 'async', loading: 'lazy', draggable: 'false' });
  image.addEventListener('error', () => missing(image));
  const side = sideFor(pixels, least);
  if (key() === null) set(image, 'src', `${addressOf(path)}?side=${side}`);
  else whenNear(image, () => fetched(image, path, side));
  return image;
}

/** Marks a picture that is not to be had, and says what to do about it. */
function missing(image) {
  const frame = image.closest('.frame, .stage, .seen');
  frame?.classList.add('missing');
  if (frame) set(frame, 'title', say('notShown'));
  image.hidden = true;
}

async function fetched(image, path, side) {
  try {
    const file = await askForFile(path, { query: { side } });
    if (!image.isConnected) return; // another view is shown meanwhile
    const url = URL.createObjectURL(file);
    image.loading = 'eager'; // it is near, and the address is let go once it is loaded
    for (const event of ['load', 'error']) image.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
    set(image, 'src', url);
  } catch {
    missing(image);
  }
}

const waiting = new WeakMap();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    waiting.get(target)?.();
  }
}, { rootMargin: '400px' });

function whenNear(image, work) {
  waiting.set(image, work);
  watcher.observe(image);
}
