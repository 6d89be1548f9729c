// The beginning: words, the frame around all views, and the view that the address names.

import { here } from './address.js';
import { fill, make } from './dom.js';
import { failure } from './failure.js';
import { Shell } from './shell.js';
import { FIRST, VIEWS } from './views.js';
import { loadWords, say, setLanguage } from './words.js';

const shell = new Shell((language) => setLanguage(language).then(begin).catch(broken));
let shown = { name: null, view: null };
let turn = 0;

async function begin() {
  leave();
  shell.draw();
  await follow();
}

/** Shows what the address says. A later address overtakes an earlier one that still loads. */
async function follow() {
  turn += 1;
  const mine = turn;
  try {
    await show(mine);
  } catch (error) {
    if (mine === turn) broken(error);
  }
}

async function show(mine) {
  const { view: named, params } = here();
  const name = Object.hasOwn(VIEWS, named) ? named : FIRST;
  shell.mark(name);
  if (shown.name !== name) {
    const module = await VIEWS[name].load();
    if (mine !== turn) return;
    leave();
    const main = make('div.view');
    fill(shell.main, main);
    shown = { name, view: module.mount(main) };
  }
  document.title = `${say(VIEWS[name].title)} · mitame`;
  shell.place();
  await shown.view.update(params);
}

function leave() {
  shown.view?.leave?.();
  shown = { name: null, view: null };
}

/** Tells of what no view has dealt with; the next address is shown by a new view. */
function broken(error) {
  if (error?.name === 'AbortError') return;
  leave();
  fill(shell.main, failure(error));
}

addEventListener('hashchange', follow);
loadWords().then(begin).catch(broken);
