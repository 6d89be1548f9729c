// A grid of items, each a link to what is like it.

import { make } from './dom.js';
import { icon } from './icons.js';
import { justified } from './justified.js';
import { nameOf, picture } from './picture.js';
import { number, say } from './words.js';

const GAP = 12;
/** The smallest thumbnail of a grid, in pixels: those of few sizes are made before anybody asks. */
const LEAST_SIDE = 256;

/**
 * @typedef {Object} Entry
 * @property {string} id
 * @property {string|null} category
 * @property {string|null} image path of its thumbnail
 * @property {number} ratio width over height
 * @property {number} [score]
 * @property {string} [match] same, similar or weak
 */

/** A grid that lays itself out anew when its width changes. */
export class Grid {
  /**
   * @param {Object} does
   * @param {(id: string) => string} does.link where an entry leads to
   * @param {(id: string, sign: string) => void} [does.weigh] called to add an entry as an example
   *   for (`like`) or against (`unlike`)
   * @param {(id: string) => string|null} [does.why] where it is shown why an entry is alike
   */
  constructor({ link, weigh, why = () => null }) {
    this.link = link;
    this.weigh = weigh;
    this.why = why;
    this.entries = [];
    this.element = make('ul.grid', { role: 'list', on: { keydown: (event) => this.keyed(event) } });
    this.width = 0;
    new ResizeObserver(([{ contentRect: { width } }]) => {
      // In the next frame: sizes that change while they are told would be told again at once.
      if (Math.abs(width - this.width) >= 1) requestAnimationFrame(() => this.lay(width));
    }).observe(this.element);
  }

  /** @param {Entry[]} entries in their order */
  show(entries) {
    this.entries = entries;
    this.element.replaceChildren(...entries.map((entry) => this.tile(entry)));
    this.lay(this.element.getBoundingClientRect().width); // with its fraction, which clientWidth rounds up
  }

  lay(width) {
    this.width = width;
    if (width <= 0 || !this.entries.length) return;
    const sizes = justified(this.entries.map(({ ratio }) => ratio), width, rowHeight(width), GAP);
    sizes.forEach((size, place) => {
      const tile = this.element.children[place];
      tile.style.width = `${size.width}px`;
      const frame = tile.querySelector('.frame');
      frame.style.height = `${size.height}px`;
      if (!frame.childElementCount) this.put(frame, this.entries[place], size);
    });
  }

  /** The picture, once it is known how large it is shown. */
  put(frame, entry, { width, height }) {
    if (entry.image === null) frame.classList.add('missing');
    else frame.append(picture(entry.image, Math.max(width, height), '', LEAST_SIDE));
  }

  tile(entry) {
    const { id, category, score, match } = entry;
    const link = make('a.tile-link', { href: this.link(id), draggable: 'false' },
      make('span.frame'),
      make('span.caption', {},
        make('span.id', { title: id }, nameOf(id)),
        match && make('span.facts', {},
          make(`span.match.${match}`, {}, say(match)),
          make('span.score', { title: say('score') }, number(score, 2))),
        category !== null && make('span.category', { title: category }, category)));
    return make('li.tile', {}, link, this.weigh && this.signs(id));
  }

  signs(id) {
    const sign = (name, drawn, words) => make('button', { type: 'button', 'aria-label': say(words, id), title: say(words, id),
      on: { click: () => this.weigh(id, name) } }, icon(drawn));
    const address = this.why(id);
    const why = address !== null && make('a', { href: address, 'aria-label': say('whyThis', id), title: say('whyThis', id) }, icon('swap'));
    return make('div.signs', {}, why, sign('like', 'plus', 'addLike'), sign('unlike', 'minus', 'addUnlike'));
  }

  /** Arrows move between the tiles; plus and minus weigh the one that has the focus. */
  keyed(event) {
    const tile = event.target.closest('.tile');
    if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.weigh && (event.key === '+' || event.key === '-')) {
      event.preventDefault();
      this.weigh(this.entries[[...this.element.children].indexOf(tile)].id, event.key === '+' ? 'like' : 'unlike');
      return;
    }
    const next = neighborOf(tile, event.key);
    if (!next) return;
    event.preventDefault();
    next.querySelector('.tile-link').focus();
  }
}

function rowHeight(width) {
  return width < 480 ? 124 : 172;
}

/** The tile that a key leads to: beside it, or the nearest one of the row above or below. */
function neighborOf(tile, key) {
  if (key === 'ArrowLeft') return tile.previousElementSibling;
  if (key === 'ArrowRight') return tile.nextElementSibling;
  if (key === 'Home') return tile.parentElement.firstElementChild;
  if (key === 'End') return tile.parentElement.lastElementChild;
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return null;
  const middle = tile.offsetLeft + tile.offsetWidth / 2;
  const step = key === 'ArrowUp' ? 'previousElementSibling' : 'nextElementSibling';
  let row = tile[step];
  while (row && row.offsetTop === tile.offsetTop) row = row[step];
  let best = row;
  for (let each = row; each && each.offsetTop === row.offsetTop; each = each[step]) {
    const away = (one) => Math.abs(one.offsetLeft + one.offsetWidth / 2 - middle);
    if (away(each) < away(best)) best = each;
  }
  return best;
}
