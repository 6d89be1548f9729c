// Questions that must be answered before anything else. The browser's own dialog element keeps the
// focus inside and gives it back at the end.

import { freshId, make } from './dom.js';
import { say } from './words.js';

/**
 * Asks for a text.
 * @param {{title: string, text: string, label: string, type: string, confirm: string,
 *   wrong?: (text: string) => string}} about `wrong` says what is wrong with a text, or nothing
 * @returns {Promise<string|null>} null where it was cancelled
 */
export function form({ title, text, label, type, confirm, wrong = () => '' }) {
  return new Promise((done) => {
    const [titleId, textId, fieldId] = ['title', 'text', 'field'].map(freshId);
    const field = make('input', { id: fieldId, type, required: true, autocomplete: 'off', spellcheck: 'false',
      on: { input: () => field.setCustomValidity(wrong(field.value)) } });
    const dialog = make('dialog.dialog', { 'aria-labelledby': titleId, 'aria-describedby': textId },
      make('form', { method: 'dialog', on: { submit: () => { dialog.returnValue = 'ok'; } } },
        make('h2', { id: titleId }, title),
        make('p', { id: textId }, text),
        make('label', { for: fieldId }, label),
        field,
        make('div.actions', {},
          make('button', { type: 'button', on: { click: () => dialog.close('') } }, say('cancel')),
          make('button.primary', { type: 'submit', value: 'ok' }, confirm))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(dialog.returnValue === 'ok' && field.value.trim() ? field.value : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}

/**
 * Asks whether to go on.
 * @param {{title: string, text: string, confirm: string}} about
 * @returns {Promise<boolean>} false where it was cancelled
 */
export function confirmed({ title, text, confirm }) {
  return new Promise((done) => {
    const [titleId, textId] = ['title', 'text'].map(freshId);
    const dialog = make('dialog.dialog', { role: 'alertdialog', 'aria-labelledby': titleId, 'aria-describedby': textId },
      make('h2', { id: titleId }, title),
      make('p', { id: textId }, text),
      make('div.actions', {},
        make('button', { type: 'button', on: { click: () => dialog.close('') } }, say('cancel')),
        make('button.primary', { type: 'button', on: { click: () => dialog.close('ok') } }, confirm)));
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(dialog.returnValue === 'ok');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
