// Rows of pictures of one height that fill the width, each picture whole.

const NARROWEST = 0.66;
const WIDEST = 2.6;

/**
 * Widths and heights of pictures in rows.
 * @param {number[]} ratios width over height of each; extreme ones are cut off
 * @param {number} width of a row, in pixels
 * @param {number} height that rows are to have about
 * @param {number} gap between two pictures
 * @returns {Array<{width: number, height: number}>} of each picture; the last row is not stretched
 */
export function justified(ratios, width, height, gap) {
  const found = [];
  let row = [];
  for (const ratio of ratios.map(within)) {
    const [before, after] = [heightOf(row, width, gap), heightOf([...row, ratio], width, gap)];
    // Where the next row begins is decided by which height is nearer to the wanted one.
    if (row.length && after < height && before - height < height - after) {
      found.push(...filled(row, width, before, gap));
      row = [];
    }
    row.push(ratio);
  }
    const rest = row.length ? heightOf(row, width, gap) : 0;
  // The last row fills the width only where that needs no stretching to speak of.
  if (row.length) found.push(...(rest <= height * 1.15 ? filled(row, width, rest, gap) : filled(row, null, lastHeight(found, height), gap)));
  return found;
}

/** Of a row that is not filled: as the row above it, or as wanted. */
function lastHeight(found, height) {
  return found.length ? found.at(-1).height : height;
}

function within(ratio) {
  return Math.min(WIDEST, Math.max(NARROWEST, ratio || 1));
}

/** The height at which a row fills the width. */
function heightOf(row, width, gap) {
  const sum = row.reduce((total, ratio) => total + ratio, 0);
  return (width - gap * (row.length - 1)) / sum;
}

/** Sizes in whole pixels; the last picture takes what rounding has left of the width. */
function filled(row, width, height, gap) {
  const widths = row.map((ratio) => Math.floor(ratio * height));
  if (width !== null) {
    const used = widths.reduce((total, each) => total + each, 0) + gap * (row.length - 1);
    widths[widths.length - 1] += Math.max(0, Math.floor(width) - used);
  }
  return widths.map((each) => ({ width: each, height: Math.floor(height) }));
}
