// Pictures that were dropped, pasted, chosen or taken. They stay in this browser, so that back and
// reload work; the address only names them.

const DATABASE = 'mitame';
const STORE = 'pictures';
/** How many are kept; the oldest ones go. */
export const MOST_FILES = 24;

const here = new Map();
const urls = new Map();

/** Keeps a file; its name for the address. */
export async function keepFile(file) {
  const id = freshName();
  here.set(id, file);
  try {
    const database = await opened();
    const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
    await done(store.put({ id, file, at: Date.now() }));
    await forgetOld(store);
  } catch {
    // No storage, as in some private windows: it lasts as long as the page does.
  }
  return id;
}

/** A file that was kept; null where this browser has none of that name. */
export async function fileOf(id) {
  if (here.has(id)) return here.get(id);
  try {
    const database = await opened();
    const found = await done(database.transaction(STORE).objectStore(STORE).get(id));
    if (found) here.set(id, found.file);
  } catch {
    // As above.
  }
  return here.get(id) ?? null;
}

/** An address under which the file can be shown; null where there is no such file. */
export async function addressOfFile(id) {
  const file = await fileOf(id);
  if (file === null) return null;
  if (!urls.has(id)) urls.set(id, URL.createObjectURL(file));
  return urls.get(id);
}

function freshName() {
  // Not randomUUID, which browsers have on secure pages only.
  return [...crypto.getRandomValues(new Uint8Array(9))].map((byte) => byte.toString(36).padStart(2, '0')).join('');
}

let opening = null;

function opened() {
  opening ??= new Promise((found, failed) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at');
    request.onsuccess = () => found(request.result);
    request.onerror = () => failed(request.error);
  });
  return opening;
}

function done(request) {
  return new Promise((found, failed) => {
    request.onsuccess = () => found(request.result);
    request.onerror = () => failed(request.error);
  });
}

async function forgetOld(store) {
  const keys = await done(store.index('at').getAllKeys());
  for (const key of keys.slice(0, -MOST_FILES)) store.delete(key);
}
