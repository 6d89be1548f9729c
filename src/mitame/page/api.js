// Asks the server. Paths are below the page's own address, so that it works behind a prefix, too.

import { askForKey, key } from './key.js';

/** What the server refused, or that it can't be reached. */
export class Problem extends Error {
  /**
   * @param {{status: number, code: string, detail: string, seconds?: number}} told
   *   as the server says it; status 0 where there was no answer
   */
  constructor({ status, code, detail, seconds = 0 }) {
    super(detail);
    this.status = status;
    this.code = code;
    this.seconds = seconds; // after which it may be asked again
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
 * @param {{json?: Object, form?: FormData, query?: Object, headers?: Object, signal?: AbortSignal,
 *   role?: string}} [options] with a role (`write`, `admin`), a key that may do less is asked for anew
 * @throws {Problem}
 */
export async function ask(method, path, options = {}) {
  return (await askWithTag(method, path, options)).told;
}

/** The same with the answer's ETag; `told` is null where the answer has no body. */
export async function askWithTag(method, path, options = {}) {
  const answer = await send(method, path, options);
  return { told: answer.status === 204 ? null : await read(answer, 'json'), tag: answer.headers.get('ETag') };
}

/** An answer that is no JSON, such as the numbers for Prometheus. */
export async function askForText(path, options = {}) {
  const answer = await send('GET', path, options);
  return read(answer, 'text');
}

/** A picture of the server as a file, for callers that need a key, which `img` can't send. */
export async function askForFile(path, options = {}) {
  const answer = await send('GET', path, options);
  return read(answer, 'blob');
}

async function send(method, path, options) {
  for (;;) {
    const used = key();
    const answer = await once(method, path, options, used);
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    const isTooLittle = answer.status === 403 && used !== null && options.role !== undefined;
    if (answer.status !== 401 && !isTooLittle) throw problem;
    // Another request may have been told the key meanwhile: then it is tried at once.
    const about = { wrong: used !== null && !isTooLittle, role: options.role };
    const given = key() === used ? await askForKey(about) : key();
    if (given === null) throw problem;
  }
}

async function once(method, path, { json, form, query, headers: sent, signal }, used) {
  const url = new URL(addressOf(path));
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  const headers = { ...sent };
  if (used !== null) headers.Authorization = `Bearer ${used}`;
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  const body = json === undefined ? form : JSON.stringify(json);
  return reached(() => fetch(url, { method, headers, body, signal }));
}

/** What an answer holds. It may still break off, or be another's, such as a proxy's page. */
function read(answer, form) {
  return reached(() => answer[form](), answer.status);
}

async function reached(work, status = 0) {
  try {
    return await work();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (error instanceof SyntaxError) throw new Problem({ status, code: 'no_json', detail: error.message });
    if (!(error instanceof TypeError)) throw error; // which is what the network's failures are
    throw new Problem({ status: 0, code: 'unreachable', detail: '' });
  }
}

async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const detail = typeof told.detail === 'string' ? told.detail : answer.statusText;
  const seconds = Number(answer.headers.get('Retry-After')) || 0;
  return new Problem({ status: answer.status, code: told.code ?? '', detail, seconds });
}
