// Files with their place in folders, from a drop or a choice.

const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$)/i;
const DEEPEST = 32;

/**
 * @typedef {Object} Placed
 * @property {File} file
 * @property {string} path with the names of folders; the file's name alone where there are none
 */

/** Of a file input. @returns {Placed[]} */
export function chosen(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isWanted);
}

/** Of a drop, folders walked through. @returns {Promise<Placed[]>} */
export async function dropped(carried) {
  // Both must be taken at once: they are gone when the event is over.
  const entries = [...carried.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...carried.files];
  if (!entries.some(({ isDirectory }) => isDirectory)) return files.map((file) => ({ file, path: file.name })).filter(isWanted);
  const found = [];
  for (const entry of entries) await walk(entry, found, DEEPEST);
  return found.filter(isWanted);
}

async function walk(entry, found, left) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    found.push({ file, path: entry.fullPath.replace(/^\/+/, '') });
  } else if (left > 0) {
    const reader = entry.createReader();
    // A reader tells of some at a time, and of none at the end.
    for (let some = await read(reader); some.length; some = await read(reader)) {
      for (const each of some) await walk(each, found, left - 1);
    }
  }
}

function read(reader) {
  return new Promise((done, failed) => reader.readEntries(done, failed));
}

function isWanted({ path }) {
  return !path.split('/').some((part) => HIDDEN.test(part));
}

/** The folder that a file is in; null for none. */
export function folderOf(path) {
  return path.split('/').at(-2) ?? null;
}
