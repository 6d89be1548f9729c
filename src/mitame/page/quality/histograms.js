// What a page of numbers for Prometheus says of how long things take.

const LINE = /^([a-z_]+)_(bucket|sum|count)\{(.*)\} (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/**
 * @typedef {Object} Histogram
 * @property {string} name value of the label that tells it from others
 * @property {number} count
 * @property {number} sum in seconds
 * @property {Array<[number, number]>} buckets upper bound in seconds, and how many took no longer
 */

/**
 * Histograms of a family that have counted something.
 * @param {string} text the page
 * @param {string} family its name
 * @param {string} label by which they differ
 * @returns {Histogram[]}
 */
export function histograms(text, family, label) {
  const found = new Map();
  for (const line of text.split('\n')) {
    const [, named, part, labels, value] = LINE.exec(line) ?? [];
    if (named !== family) continue;
    const { [label]: name, le } = Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, each]) => [key, each]));
    if (!found.has(name)) found.set(name, { name, count: 0, sum: 0, buckets: [] });
    if (part === 'bucket') found.get(name).buckets.push([le === '+Inf' ? Infinity : Number(le), Number(value)]);
    else found.get(name)[part] = Number(value);
  }
  return [...found.values()].filter(({ count }) => count > 0);
}

/** The time in seconds that a share of all took no longer than, between the bounds that are known. */
export function quantile({ buckets, count }, share) {
  const wanted = share * count;
  const place = buckets.findIndex(([, until]) => until >= wanted);
  const [low, before] = place > 0 ? buckets[place - 1] : [0, 0];
  const [high, until] = buckets[place];
  if (high === Infinity) return low;
  return low + (high - low) * ((wanted - before) / Math.max(1, until - before));
}
