// Adding pictures: dropped or chosen, with how each of them gets on, and what is wrong, in place.

import { ask, collectionPath } from '../api.js';
import { fill, freshId, make, set } from '../dom.js';
import { failure } from '../failure.js';
import { icon } from '../icons.js';
import { number, say } from '../words.js';
import { chosen, dropped, folderOf } from './dropped.js';
import { UNREADABLE, uploads } from './uploads.js';

const MOST_TOLD = 500;
const EVERY = 80; // milliseconds between two looks

/** The panel. */
export class Adding {
  /** @param {() => string|null} collection that pictures are added to */
  constructor(collection) {
    this.collection = collection;
    this.left = new AbortController();
    this.rows = new WeakMap();
    this.timer = 0;
    this.heldBefore = null;
    this.element = this.draw();
    const { signal } = this.left;
    uploads.addEventListener('change', () => this.soon(), { signal });
    this.listenForDrops(signal);
    this.look();
  }

  draw() {
    const [titleId, categoryId, listId] = ['adding', 'category', 'categories'].map(freshId);
    this.category = make('input', { id: categoryId, list: listId, maxlength: 200, autocomplete: 'off' });
    this.known = make('datalist', { id: listId });
    this.folders = make('input', { type: 'checkbox', id: freshId('folders'), on: { change: () => set(this.category, 'disabled', this.folders.checked) } });
    this.replace = make('input', { type: 'checkbox', id: freshId('replace') });
    this.bar = make('progress', { 'aria-label': say('progress') });
    this.count = make('p.count');
    this.halt = button('stop', () => uploads.stop());
    this.hold = make('div');
    this.repair = make('div.actions');
    this.list = make('ul.uploads', { role: 'list', tabindex: '0', 'aria-label': say('files') });
    this.state = make('div.state', { hidden: true }, make('div.progress', {}, this.bar, this.count, this.halt), this.hold, this.repair, this.list);
    this.told = make('p.unseen', { role: 'status', 'aria-live': 'polite' });
    return make('section.panel.adding', { 'aria-labelledby': titleId },
      make('h2', { id: titleId }, say('addPictures')),
      make('div.drop', {}, icon('picture'), make('p', {}, say('dropPictures')),
        make('div.actions', {}, this.chooser('chooseFiles', { accept: 'image/*', class: 'files' }), this.chooser('chooseFolder', { webkitdirectory: true, class: 'folder' }))),
      make('div.options', {},
        make('div.field', {}, make('label', { for: categoryId }, say('category')), this.category, this.known),
        check(this.folders, say('folderCategories')), check(this.replace, say('replaceItems'))),
      this.state, this.told);
  }

  chooser(words, options) {
    const input = make('input', { type: 'file', multiple: true, hidden: true, ...options, on: { change: () => {
      const found = chosen(input);
      input.value = '';
      this.add(found);
    } } });
    return make('div.chooser', {}, make('button', { type: 'button', on: { click: () => input.click() } }, say(words)), input);
  }

  listenForDrops(signal) {
    const carries = ({ dataTransfer }) => dataTransfer?.types.includes('Files');
    const over = (is) => this.element.classList.toggle('over', is);
    addEventListener('dragover', (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      over(true);
    }, { signal });
    addEventListener('dragleave', ({ relatedTarget }) => { if (relatedTarget === null) over(false); }, { signal });
    addEventListener('drop', (event) => {
      over(false);
      if (!carries(event)) return;
      event.preventDefault();
      dropped(event.dataTransfer).then((found) => this.add(found), (error) => fill(this.hold, failure(error, () => fill(this.hold), 'close')));
    }, { signal });
  }

  /** Categories that there are, to choose from. */
  async suggest(collection) {
    const { facets } = await ask('POST', collectionPath(collection, 'items:facets'), { json: { keys: ['category'], limit: 100 } }).catch(() => ({ facets: [] }));
    const values = facets.flatMap((facet) => facet.values.map(({ value }) => value)).filter((value) => typeof value === 'string');
    fill(this.known, ...values.map((value) => make('option', { value })));
  }

  add(found) {
    const collection = this.collection();
    if (collection === null || !found.length) return;
    const category = this.category.value.trim() || null;
    uploads.add(found.map(({ file, path }) => ({
      collection, file, id: path, replace: this.replace.checked,
      category: this.folders.checked ? folderOf(path) : category,
    })));
    this.look();
    this.state.scrollIntoView({ block: 'nearest' });
  }

  /** Looks again soon: changes come in hundreds. */
  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.look();
    }, EVERY);
  }

  look() {
    const { total, done, failed, sending, latest, held, isBusy } = uploads;
    this.state.hidden = total === 0;
    set(this.bar, 'max', total || 1);
    set(this.bar, 'value', done + failed.length);
    this.count.textContent = say(isBusy ? 'addingNow' : 'added', done, total, failed.length);
    this.told.textContent = isBusy || total === 0 ? '' : this.count.textContent;
    this.halt.hidden = !isBusy;
    if (held !== this.heldBefore) fill(this.hold, held !== null && failure(held, () => uploads.goOn()));
    this.heldBefore = held;
    fill(this.repair, ...this.repairs(failed, isBusy));
    fill(this.list, ...[...failed.slice(0, MOST_TOLD), ...sending, ...latest].map((upload) => this.row(upload)));
  }

  /** What can be done about those that failed. */
  repairs(failed, isBusy) {
    if (isBusy) return [];
    const count = (...states) => failed.filter(({ state }) => states.includes(state)).length;
    const [broken, there] = [count('refused', 'stopped'), count('there')];
    return [
      broken > 0 && button('retryFailed', () => uploads.again(['refused', 'stopped']), number(broken)),
      there > 0 && button('replaceThem', () => uploads.again(['there'], { replace: true }), number(there)),
    ].filter(Boolean);
  }

  row(upload) {
    const { id, state, problem, file } = upload;
    const known = this.rows.get(upload);
    if (known?.state === state && known.problem === problem) return known.row;
    const reason = problem === null || state === 'there' ? null : reasonOf(problem);
    const row = make(`li.upload.${state}`, {},
      make('span.file', { title: id }, id),
      make('span.how', {}, say(`upload-${state}`)),
      reason !== null && make('span.reason', { lang: problem.message ? 'en' : null }, reason));
    if (state === 'sending') row.append(make('progress', { 'aria-label': say('uploadOf', id, file.size) }));
    this.rows.set(upload, { state, problem, row });
    return row;
  }

  leave() {
    this.left.abort();
    clearTimeout(this.timer);
  }
}

function reasonOf({ code, message }) {
  return message || say(code === UNREADABLE ? 'fileUnreadable' : 'failUnreachable');
}

function check(input, words) {
  return make('div.choice-row', {}, input, make('label', { for: input.id }, words));
}

function button(words, work, ...values) {
  return make('button', { type: 'button', on: { click: work } }, say(words, ...values));
}
