// Duplicates: groups of pictures that are nearly the same, to be decided on.

import { changed, go, here, kept } from '../address.js';
import { ask, collectionPath } from '../api.js';
import { fill, freshId, make } from '../dom.js';
import { Group } from '../duplicates/group.js';
import { WORDS } from '../duplicates/words.js';
import { failure } from '../failure.js';
import { nextPage } from '../pages.js';
import { collection } from '../place.js';
import { addWords, say } from '../words.js';

addWords(WORDS);
const PAGE = 20;
const SHOWN = { undecided: false, decided: true, allGroups: null };

/** See `views.js`. */
export function mount(main) {
  return new Duplicates(main);
}

class Duplicates {
  constructor(main) {
    this.stopped = new AbortController();
    this.groups = [];
    main.classList.add('duplicates');
    this.facts = make('p.facts', { role: 'status' });
    this.note = make('div.note');
    this.list = make('ul.groups');
    this.next = make('div.actions');
    const id = freshId('shown');
    this.which = make('select', { id, on: { change: ({ target }) => this.go(target.value) } },
      ...Object.keys(SHOWN).map((each) => make('option', { value: each }, say(each))));
    fill(main,
      make('div.head', {}, make('div', {}, make('h1', {}, say('duplicates')), make('p.lead', {}, say('duplicatesLead')), this.facts),
        make('div.choice', {}, make('label', { for: id }, say('shownGroups')), this.which)),
      make('p.hint', {}, say('duplicateKeys')), this.note, this.list, this.next);
  }

  /** Shows the groups that the parameters ask for, from the first one on. */
  async update(params) {
    this.stopped.abort();
    this.stopped = new AbortController();
    const shown = Object.hasOwn(SHOWN, params.get('show')) ? params.get('show') : 'undecided';
    this.which.value = shown;
    this.asked = { decided: SHOWN[shown], lens: params.get('lens') };
    this.groups = [];
    fill(this.list);
    fill(this.next);
    await this.more(null);
  }

  async more(cursor) {
    const { signal } = this.stopped;
    try {
      const name = await collection();
      const { decided, lens } = this.asked;
      const json = { limit: PAGE, cursor, decided, lens };
      const told = name === null ? { groups: [], total: 0, cursor: null } : await ask('POST', collectionPath(name, 'duplicates'), { json, signal });
      if (signal.aborted) return;
      this.add(told, name);
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.note, failure(error, () => this.more(cursor)));
    }
  }

  add({ groups, total, cursor }, name) {
    this.facts.textContent = say('duplicateGroups', total);
    const added = groups.map((each) => new Group(each, name, kept(), (group) => this.decided(group)));
    const isFirst = this.groups.length === 0;
    this.groups.push(...added);
    this.list.append(...added.map(({ element }) => element));
    if (!isFirst) added[0]?.focus();
    fill(this.note, this.groups.length === 0 && make('p.nothing', {}, say('noDuplicates')));
    fill(this.next, nextPage('moreGroups', cursor, (next) => this.more(next)));
  }

  /** The focus goes to the next group that is to be decided. */
  decided(group) {
    const rest = this.groups.slice(this.groups.indexOf(group) + 1);
    const next = rest.find(({ decision }) => decision === null);
    if (next) next.focus();
    else group.focus();
  }

  go(shown) {
    go('duplicates', changed(here().params, { show: shown === 'undecided' ? null : shown }));
  }

  leave() {
    this.stopped.abort();
  }
}
