// Attributes of an item as fields: a name, of what kind, a value.

import { fill, freshId, make } from '../dom.js';
import { icon } from '../icons.js';
import { say } from '../words.js';

const KINDS = ['text', 'number', 'truth', 'list', 'null'];
const SEPARATOR = ', ';

/** Fields for attributes; `value` gives them back. */
export class Attributes {
  /** @param {Object} attributes of an item */
  constructor(attributes) {
    // What is wrong with a row may lie in another one: any change forgives all of them.
    this.rows = make('div.attribute-rows', { on: { input: () => this.forgive() } });
    this.element = make('fieldset', {}, make('legend', {}, say('attributes')), this.rows,
      make('button', { type: 'button', class: 'add-attribute', on: { click: () => this.add('', '').querySelector('input').focus() } }, icon('plus'), make('span', {}, say('addAttribute'))));
    for (const [name, value] of Object.entries(attributes)) this.add(name, value);
    this.before = JSON.stringify(attributes);
  }

  add(name, value) {
    const kind = kindOf(value);
    const names = make('input', { class: 'attribute-name', value: name, required: true, maxlength: 200, 'aria-label': say('attributeName'), autocomplete: 'off' });
    const place = make('span.value');
    const kinds = make('select', { class: 'attribute-kind', 'aria-label': say('attributeKind'), on: { change: () => fill(place, field(kinds.value, textOf(value))) } },
      ...KINDS.map((each) => make('option', { value: each, selected: each === kind }, say(`kind-${each}`))));
    fill(place, field(kind, textOf(value)));
    const row = make('div.attribute', {}, names, kinds, place,
      make('button.quiet', { type: 'button', 'aria-label': say('removeAttribute', name), title: say('removeAttribute', name), on: { click: () => this.remove(row) } }, icon('close')));
    this.rows.append(row);
    // A field can't show all there is, such as a line's end: what is not touched is not read from it.
    row.before = { kind, value, text: place.firstElementChild.value };
    return row;
  }

  /** Whether they can be sent: each name once, and each number as it is. What can't be is pointed at. */
  check() {
    this.forgive();
    const seen = new Set();
    for (const row of this.rows.children) {
      const field = row.querySelector('.attribute-name');
      const name = field.value.trim();
      if (seen.has(name)) field.setCustomValidity(say('sameName'));
      seen.add(name);
      if (this.isTouched && isInexact(row)) row.querySelector('.value input').setCustomValidity(say('inexact'));
    }
    const wrong = [...this.rows.querySelectorAll('input')].find((each) => !each.validity.valid);
    wrong?.reportValidity();
    return wrong === undefined;
  }

  forgive() {
    for (const field of this.rows.querySelectorAll('input')) field.setCustomValidity('');
  }

  remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.forgive();
    (next?.querySelector('input') ?? this.element.querySelector('.add-attribute')).focus();
  }

  /** @returns {Object} attributes as the server takes them */
  get value() {
    const found = [...this.rows.children].map((row) => {
      const [name, kind] = ['.attribute-name', '.attribute-kind'].map((each) => row.querySelector(each).value);
      const shown = row.querySelector('.value').firstElementChild;
      return [name.trim(), isSame(row) ? row.before.value : read(kind, shown)];
    });
    return Object.fromEntries(found);
  }

  /** Whether they are to be others than they were. */
  get isTouched() {
    return JSON.stringify(this.value) !== this.before;
  }
}

/** Whether a row's value is what it was. */
function isSame(row) {
  return row.before.kind === row.querySelector('.attribute-kind').value && row.before.text === row.querySelector('.value').firstElementChild.value;
}

/** Whether a whole number has more digits than this page can read or send without changing some. */
function isInexact(row) {
  if (row.querySelector('.attribute-kind').value !== 'number') return false;
  if (isSame(row)) return Number.isInteger(row.before.value) && !Number.isSafeInteger(row.before.value);
  const text = row.querySelector('.value input').value;
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(Number(text));
}

function field(kind, text) {
  const label = { 'aria-label': say('attributeValue'), autocomplete: 'off', id: freshId('value') };
  if (kind === 'null') return make('span.facts', {}, say('none'));
  if (kind === 'truth') {
    return make('select', label, ...['true', 'false'].map((each) => make('option', { value: each, selected: each === text }, say(each === 'true' ? 'yes' : 'no'))));
  }
  const isNumber = kind === 'number';
  return make('input', { ...label, type: isNumber ? 'number' : 'text', step: isNumber ? 'any' : null, required: isNumber, value: isNumber && Number.isNaN(Number(text)) ? '' : text,
    placeholder: kind === 'list' ? say('listHint') : null });
}

function read(kind, { value }) {
  if (kind === 'null') return null;
  if (kind === 'truth') return value === 'true';
  if (kind === 'number') return Number(value);
  if (kind === 'list') return value.split(',').map((each) => each.trim()).filter(Boolean);
  return value;
}

function kindOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return { number: 'number', boolean: 'truth' }[typeof value] ?? 'text';
}

function textOf(value) {
  if (value === null) return '';
  return Array.isArray(value) ? value.join(SEPARATOR) : String(value);
}
