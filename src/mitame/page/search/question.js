// A question as the address has it, and as the server is asked it.

import { changed } from '../address.js';
import { askForFile } from '../api.js';
import { fileOf } from './files.js';
import { toServer } from './where.js';

export const LIMITS = [12, 24, 48, 96, 192];
const USUAL_LIMIT = 24;
const LARGEST_THUMBNAIL = 1024;
const KINDS = ['id', 'url', 'file'];

/**
 * The question that parameters ask.
 * @returns {{like: Example[], unlike: Example[], box: number[]|null, where: Array, limit: number,
 *   once: boolean, lens: string|null}} an example has a kind (id, url, file) and a value; the box is
 *   left, top, right, bottom as shares of the picture
 */
export function questionOf(params) {
  return {
    like: params.getAll('like').map(exampleOf).filter(Boolean),
    unlike: params.getAll('unlike').map(exampleOf).filter(Boolean),
    box: boxOf(params.get('box')),
    where: whereOf(params.get('where')),
    limit: LIMITS.includes(Number(params.get('limit'))) ? Number(params.get('limit')) : USUAL_LIMIT,
    once: params.get('once') === 'true',
    lens: params.get('lens'),
  };
}

/** Parameters with a question's parts changed; those that are left out stay. */
export function asking(params, changes) {
  const texts = {};
  for (const [name, value] of Object.entries(changes)) texts[name] = textOf(name, value);
  return changed(params, texts);
}

/** Parameters that ask for more like one example and forget the former ones; filters stay. */
export function moreLike(params, kind, value) {
  return asking(params, { like: [{ kind, value }], unlike: [], box: null, seed: null });
}

/** Whether a box can be drawn: there is one picture, and it can be shown here. */
export function isBoxable({ like, unlike }) {
  return like.length === 1 && unlike.length === 0 && like[0].kind !== 'url';
}

/**
 * What is sent to the server's query route.
 * @param {Object} question of `questionOf`
 * @param {(id: string) => string} thumbnail path of an item's thumbnail
 * @returns {Promise<{json?: Object, form?: FormData, without?: string}>} `without` is an id that is
 *   to be left out of the answer
 * @throws {Missing} a file is not in this browser
 */
export async function requestOf(question, thumbnail) {
  const { like, unlike, box } = question;
  const options = optionsOf(question);
  if (like.length === 1 && unlike.length === 0) {
    const [{ kind, value }] = like;
    if (kind === 'url') return { json: { ...options, image_url: value } };
    if (kind === 'file') return { form: withPicture(await file(value), { ...options, ...region(box) }) };
    if (box === null) return { json: { ...options, id: value } };
    const picture = await askForFile(thumbnail(value), { query: { side: LARGEST_THUMBNAIL } });
    // The item itself is as near as can be to its own picture's part: nobody asked for that.
    return { form: withPicture(picture, { ...options, limit: options.limit + 1, ...region(box) }), without: value };
  }
  const [positive, negative] = await Promise.all([Promise.all(like.map(sent)), Promise.all(unlike.map(sent))]);
  return { json: { ...options, positive, ...(negative.length ? { negative } : {}) } };
}

/** A file of the address that this browser does not have: it was dropped into another one. */
export class Missing extends Error {}

function optionsOf({ limit, where, lens, once }) {
  return {
    limit,
    with: ['attributes', 'explain'],
    ...(where.length ? { filter: toServer(where) } : {}),
    ...(lens === null ? {} : { lens }),
    ...(once ? { collapse: true } : {}),
  };
}

function region(box) {
  return box === null ? {} : { region: box };
}

function withPicture(picture, query) {
  const form = new FormData();
  form.append('image', picture, 'picture');
  form.append('query', new Blob([JSON.stringify(query)], { type: 'application/json' }));
  return form;
}

async function file(id) {
  const found = await fileOf(id);
  if (found === null) throw new Missing(id);
  return found;
}

async function sent({ kind, value }) {
  if (kind === 'id') return { id: value };
  if (kind === 'url') return { image_url: value };
  return { image_base64: await base64(await file(value)) };
}

function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

function exampleOf(text) {
  const at = text.indexOf(':');
  const kind = text.slice(0, at);
  return KINDS.includes(kind) && at + 1 < text.length ? { kind, value: text.slice(at + 1) } : null;
}

function boxOf(text) {
  const numbers = (text ?? '').split(',').map(Number);
  const [left, top, right, bottom] = numbers;
  const fits = numbers.length === 4 && numbers.every((each) => each >= 0 && each <= 1) && left < right && top < bottom;
  return fits ? numbers : null;
}

function whereOf(text) {
  try {
    const found = JSON.parse(text ?? '[]');
    return Array.isArray(found) ? found.filter((each) => Array.isArray(each) && typeof each[0] === 'string' && each[1]) : [];
  } catch {
    return [];
  }
}

function textOf(name, value) {
  if (name === 'like' || name === 'unlike') return value.map((each) => `${each.kind}:${each.value}`);
  if (name === 'box') return value === null ? null : value.map((each) => each.toFixed(3)).join(',');
  if (name === 'where') return value.length ? JSON.stringify(value) : null;
  if (name === 'limit') return value === USUAL_LIMIT ? null : String(value);
  if (name === 'once') return value ? 'true' : null;
  return value;
}
