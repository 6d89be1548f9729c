// Asks the server. Paths are below the page's own address, so that it works behind a prefix, too.

import { askForKey, key } from './key.js';

/** What the server refused, or that it can't be reached. */
export class Problem extends Error {
  /**
   * @param {{status: number, code: string, detail: string, remedy?: string}} told as the server
   *   says it; status 0 where there was no answer
   */
  constructor({ status, code, detail, remedy = '' }) {
    super(detail);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The address of a path of the server, whether or not it begins with a slash. */
export function addressOf(path) {
  return new URL(path.replace(/^\/+/, ''), document.baseURI.split('#')[0]).href;
}

/** A path with its places filled: `collectionPath('shop', 'items', 'a/b')`. */
export function collectionPath(collection, ...parts) {
  return ['v1/collections', ...[collection, ...parts].map((part) => encodeURIComponent(part).replace(/%3A/g, ':'))].join('/');
}

/**
 * A request whose answer is JSON.
 * @param {string} method of HTTP
 * @param {string} path as `addressOf` takes it
 * @param {{json?: Object, form?: FormData, query?: Object, signal?: AbortSignal}} [options]
 * @throws {Problem}
 */
export async function ask(method, path, options = {}) {
  const answer = await send(method, path, options);
  return answer.json();
}

/** A picture of the server as a file, for callers that need a key, which `img` can't send. */
export async function askForFile(path, options = {}) {
  const answer = await send('GET', path, options);
  return answer.blob();
}

async function send(method, path, options) {
  for (;;) {
    const used = key();
    const answer = await once(method, path, options, used);
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (answer.status !== 401) throw problem;
    // Another request may have been told the key meanwhile: then it is tried at once.
    const given = key() === used ? await askForKey({ wrong: used !== null }) : key();
    if (given === null) throw problem;
  }
}

async function once(method, path, { json, form, query, signal }, used) {
  const url = new URL(addressOf(path));
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  const headers = {};
  if (used !== null) headers.Authorization = `Bearer ${used}`;
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  const body = json === undefined ? form : JSON.stringify(json);
  try {
    return await fetch(url, { method, headers, body, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ status: 0, code: 'unreachable', detail: '' });
  }
}

async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const detail = typeof told.detail === 'string' ? told.detail : answer.statusText;
  return new Problem({ status: answer.status, code: told.code ?? '', detail, remedy: told.remedy });
}
