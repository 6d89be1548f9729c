// The beginning: words, the frame around all views, and the view that the address names.

import { here } from './address.js';
import { fill, make } from './dom.js';
import { failure } from './failure.js';
import { Shell } from './shell.js';
import { FIRST, VIEWS } from './views.js';
import { loadWords, say } from './words.js';

const shell = new Shell(() => begin());
let shown = { name: null, view: null };
let turn = 0;

async function begin() {
  await loadWords();
  shown.view?.leave?.();
  shown = { name: null, view: null };
  shell.draw();
  await follow();
}

/** Shows what the address says. A later address overtakes an earlier one that still loads. */
async function follow() {
  turn += 1;
  const mine = turn;
  const { view: named, params } = here();
  const name = named in VIEWS ? named : FIRST;
  shell.mark(name);
  if (shown.name !== name) {
    const module = await VIEWS[name].load();
    if (mine !== turn) return;
    shown.view?.leave?.();
    const main = make('div.view');
    fill(shell.main, main);
    shown = { name, view: module.mount(main) };
  }
  document.title = `${say(VIEWS[name].title)} · mitame`;
  shell.place();
  await shown.view.update(params);
}

function broken(error) {
  if (error?.name !== 'AbortError') fill(shell.main, failure(error));
}

addEventListener('hashchange', () => follow().catch(broken));
begin().catch(broken);
