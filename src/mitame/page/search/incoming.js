// Pictures that are dropped anywhere on the page, or pasted.

import { make } from '../dom.js';
import { icon } from '../icons.js';
import { say } from '../words.js';
import { isUrl } from './bar.js';

const FIELDS = 'input, textarea, select, [contenteditable]';

/**
 * Listens for pictures until it is told to stop.
 * @param {Object} does
 * @param {(files: File[]) => void} does.files
 * @param {(url: string) => void} does.url
 * @returns {() => void} stops it
 */
export function listenForPictures({ files, url }) {
  const veil = make('div.veil', { hidden: true, 'aria-hidden': 'true' }, make('div', {}, icon('picture'), say('dropHere')));
  document.body.append(veil);
  const take = (event, carried) => {
    const found = [...carried.files];
    const text = (carried.getData('text/uri-list') || carried.getData('text/plain')).split(/\r?\n/)[0].trim();
    if (found.length) files(found);
    else if (isUrl(text)) url(text);
    else return;
    event.preventDefault();
  };
  const carries = ({ dataTransfer }) => ['Files', 'text/uri-list'].some((kind) => dataTransfer?.types.includes(kind));
  const listeners = {
    dragenter: (event) => { if (carries(event)) veil.hidden = false; },
    dragover: (event) => { if (carries(event)) event.preventDefault(); },
    dragleave: (event) => { if (event.relatedTarget === null) veil.hidden = true; },
    drop: (event) => {
      veil.hidden = true;
      event.preventDefault();
      take(event, event.dataTransfer);
    },
    paste: (event) => {
      if (event.clipboardData.files.length || !event.target.closest?.(FIELDS)) take(event, event.clipboardData);
    },
  };
  for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener);
  return () => {
    veil.remove();
    for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener);
  };
}
