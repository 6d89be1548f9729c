// Conditions that were chosen: pairs of a name and what its values are to be, a list of any of
// them or a range `{gte, lte}`.

/** As the server's routes take a filter in JSON. */
export function toServer(where) {
  return { must: where.map(([key, wanted]) => (Array.isArray(wanted) ? { key, match: wanted } : { key, range: wanted })) };
}

/** The same as text, for query strings; null for none. */
export function toText(where) {
  if (!where.length) return null;
  return where.flatMap(([key, wanted]) => textsOf(quoted(key), wanted)).join(',');
}

/** What was chosen for a name; undefined for nothing. */
export function chosenFor(where, key) {
  return where.find(([name]) => name === key)?.[1];
}

/** Conditions without those for a name. */
export function without(where, key) {
  return where.filter(([name]) => name !== key);
}

/** Conditions with another choice for a name; an empty one takes it away. */
export function choosing(where, key, wanted) {
  const isEmpty = Array.isArray(wanted) ? wanted.length === 0 : Object.keys(wanted).length === 0;
  return isEmpty ? without(where, key) : [...without(where, key), [key, wanted]];
}

function textsOf(key, wanted) {
  if (Array.isArray(wanted)) return [`${key}=${wanted.map(written).join('|')}`];
  const signs = { gte: '>=', lte: '<=', gt: '>', lt: '<' };
  return Object.entries(wanted).map(([name, bound]) => `${key}${signs[name]}${written(bound)}`);
}

function written(value) {
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text) {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
