// An item's category and attributes, changed in a dialog; never over somebody else's change.

import { ask, askWithTag, collectionPath } from '../api.js';
import { fill, freshId, make } from '../dom.js';
import { failure } from '../failure.js';
import { nameOf, picture } from '../picture.js';
import { say } from '../words.js';
import { Attributes } from './attributes.js';

/**
 * Lets the reader change an item.
 * @returns {Promise<Object|null>} the item as it is afterwards; null where there is nothing new
 */
export async function edit(collection, id) {
  const path = collectionPath(collection, 'items', id);
  const editor = new Editor(path, await askWithTag('GET', path));
  return editor.open();
}

class Editor {
  constructor(path, { told, tag }) {
    this.path = path;
    this.place = make('div.fields');
    this.note = make('div.note');
    this.result = null;
    const titleId = freshId('item');
    this.dialog = make('dialog.dialog.editor', { 'aria-labelledby': titleId },
      make('form', { on: { submit: (event) => this.submit(event) } },
        make('div.editor-head', {}, this.frame(told), make('h2', { id: titleId, title: told.id }, nameOf(told.id))),
        this.place, this.note,
        make('div.actions', {},
          make('button', { type: 'button', on: { click: () => this.dialog.close() } }, say('cancel')),
          make('button.primary', { type: 'submit' }, say('save')))));
    this.show(told, tag);
  }

  frame({ image }) {
    const frame = make('span.frame');
    if (image === undefined) frame.classList.add('missing');
    else frame.append(picture(image, 56));
    return frame;
  }

  show({ category, attributes }, tag) {
    this.tag = tag;
    this.before = category ?? '';
    const id = freshId('category');
    this.category = make('input', { id, value: this.before, maxlength: 200, autocomplete: 'off' });
    this.attributes = new Attributes(attributes);
    fill(this.place, make('div.field', {}, make('label', { for: id }, say('category')), this.category), this.attributes.element);
  }

  open() {
    return new Promise((done) => {
      this.dialog.addEventListener('close', () => {
        this.dialog.remove();
        done(this.result);
      });
      document.body.append(this.dialog);
      this.dialog.showModal();
      this.category.focus();
    });
  }

  async submit(event) {
    event.preventDefault();
    if (!this.attributes.check()) return;
    const json = this.touched();
    if (Object.keys(json).length === 0) return void this.dialog.close();
    try {
      this.result = await ask('PATCH', this.path, { json, headers: { 'If-Match': this.tag }, role: 'write' });
      this.dialog.close();
    } catch (error) {
      if (error.status === 412) await this.conflict().catch((other) => this.failed(other));
      else this.failed(error);
    }
  }

  /** What the reader has changed: all else stays as it is, whatever this page can show of it. */
  touched() {
    return {
      ...(this.category.value === this.before ? {} : { category: this.category.value.trim() || null }),
      ...(this.attributes.isTouched ? { attributes: this.attributes.value } : {}),
    };
  }

  /** Somebody else was quicker: the reader sees what is there now, and decides. */
  async conflict() {
    const { told, tag } = await askWithTag('GET', this.path);
    const theirs = [told.category ?? say('none'), ...Object.entries(told.attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)];
    fill(this.note, make('div.conflict.warn', { role: 'alert' }, make('div', {},
      make('p', {}, make('strong', {}, say('conflict'))),
      make('ul', {}, ...theirs.map((each) => make('li', {}, each))),
      make('div.actions', {},
        this.decision('takeTheirs', () => {
          this.show(told, tag);
          this.result = told;
        }),
        this.decision('keepMine', () => { this.tag = tag; })))));
  }

  decision(words, work) {
    return make('button', { type: 'button', on: { click: () => {
      work();
      fill(this.note);
      this.dialog.querySelector('[type=submit]').focus();
    } } }, say(words));
  }

  failed(error) {
    fill(this.note, failure(error, () => this.dialog.querySelector('form').requestSubmit()));
  }
}
