// Where a question begins: an id or an address typed, a picture chosen, taken, pasted or dropped.

import { ask, collectionPath } from '../api.js';
import { fill, freshId, later, make, set } from '../dom.js';
import { icon } from '../icons.js';
import { say } from '../words.js';
import { hasCamera, takePicture } from './camera.js';

const SUGGESTED = 8;
const isPhone = matchMedia('(pointer: coarse)');

/** The bar above a search. */
export class Bar {
  /**
   * @param {Object} does
   * @param {(kind: string, value: string) => void} does.example called with an id or url
   * @param {(files: File[]) => void} does.files called with pictures
   * @param {() => string|null} does.collection whose ids are suggested
   */
  constructor({ example, files, collection }) {
    this.example = example;
    this.files = files;
    this.collection = collection;
    this.options = [];
    this.active = -1;
    this.suggest = later(120, () => this.look());
    this.element = this.draw();
  }

  draw() {
    const [fieldId, listId] = [freshId('ask'), freshId('ids')];
    this.field = make('input', { id: fieldId, type: 'search', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': listId,
      'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false', placeholder: say('askPlaceholder'), enterkeyhint: 'search',
      on: { input: () => this.suggest(), keydown: (event) => this.keyed(event), blur: () => this.close() } });
    this.list = make('ul.suggestions', { id: listId, role: 'listbox', 'aria-label': say('suggestions'), hidden: true });
    return make('form.bar', { role: 'search', on: { submit: (event) => this.submit(event) } },
      make('div.ask', {},
        make('label.unseen', { for: fieldId }, say('askLabel')),
        icon('search'), this.field, make('kbd', { 'aria-hidden': 'true' }, '/'), this.list),
      this.chooser('picture', 'choose', { multiple: true }),
      this.camera());
  }

  /** The button for a phone's own camera; on a computer, where there is none, for what the page shows. */
  camera() {
    const chooser = this.chooser('camera', 'camera', { capture: 'environment' }, (input) => {
      if (isPhone.matches) input.click();
      else takePicture().then((taken) => { if (taken !== null) this.files([taken]); });
    });
    chooser.hidden = !isPhone.matches && !hasCamera();
    return chooser;
  }

  /** A button that opens the browser's choice of files. */
  chooser(drawn, words, options, open = (input) => input.click()) {
    const input = make('input', { type: 'file', accept: 'image/*', hidden: true, ...options, on: { change: () => {
      const files = [...input.files];
      input.value = '';
      if (files.length) this.files(files);
    } } });
    const button = make(drawn === 'picture' ? 'button.primary' : 'button', { type: 'button', on: { click: () => open(input) } }, icon(drawn), make('span', {}, say(words)));
    return make(`div.chooser.by-${drawn}`, {}, button, input);
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  async look() {
    const prefix = this.field.value.trim();
    const found = prefix === '' ? [] : isUrl(prefix) ? [{ kind: 'url', value: prefix }] : await this.ids(prefix);
    if (prefix === this.field.value.trim() && document.activeElement === this.field) this.open(found);
  }

  async ids(prefix) {
    const collection = this.collection();
    if (collection === null) return [];
    const query = { prefix: prefix.slice(0, 1000), limit: SUGGESTED };
    const { ids } = await ask('GET', collectionPath(collection, 'items:suggest'), { query }).catch(() => ({ ids: [] }));
    return ids.map((value) => ({ kind: 'id', value }));
  }

  open(options) {
    this.options = options;
    this.active = -1;
    fill(this.list, ...options.map(({ kind, value }, place) => make('li', { id: `${this.list.id}-${place}`, role: 'option', 'aria-selected': 'false',
      // Before the field loses the focus, which closes the list.
      on: { pointerdown: (event) => { event.preventDefault(); this.take(place); } } },
    kind === 'url' ? say('byAddress', value) : value)));
    this.show();
  }

  close() {
    this.options = [];
    this.active = -1;
    this.show();
  }

  show() {
    const isOpen = this.options.length > 0;
    this.list.hidden = !isOpen;
    set(this.field, 'aria-expanded', String(isOpen));
    set(this.field, 'aria-activedescendant', isOpen && this.active >= 0 ? `${this.list.id}-${this.active}` : null);
    [...this.list.children].forEach((option, place) => set(option, 'aria-selected', String(place === this.active)));
  }

  keyed(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === 'Escape' && this.options.length) {
      event.preventDefault();
      this.close();
    } else if (event.key in steps && this.options.length) {
      event.preventDefault();
      const count = this.options.length + 1; // the field itself is a place, too
      this.active = ((this.active + 1 + steps[event.key] + count) % count) - 1;
      this.show();
    }
  }

  submit(event) {
    event.preventDefault();
    if (this.active >= 0) this.take(this.active);
    else if (this.field.value.trim()) this.ask(this.field.value.trim());
  }

  take(place) {
    const { kind, value } = this.options[place];
    this.finish();
    this.example(kind, value);
  }

  ask(text) {
    this.finish();
    this.example(isUrl(text) ? 'url' : 'id', text);
  }

  finish() {
    this.close();
    this.field.value = '';
  }
}

/** Whether a text is the address of something on the web. */
export function isUrl(text) {
  return /^https?:\/\/\S+$/i.test(text);
}
