// One of two pictures, with its parts coloured by what they have in common with the other's.

import { fill, make, set } from '../dom.js';
import { nameOf, picture } from '../picture.js';
import { number, say } from '../words.js';

const SIDE = 640;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Seen {
  /**
   * @param {string} id the item's
   * @param {string} path of its thumbnail
   * @param {(part: number) => void} point called with the part that is pointed at, -1 for none
   */
  constructor(id, path, point) {
    this.point = point;
    this.grid = null;
    this.part = -1;
    this.canvas = make('canvas', { hidden: true, 'aria-hidden': 'true' });
    this.mark = make('div.part-mark', { hidden: true, 'aria-hidden': 'true' });
    this.stage = make('div.seen', {}, picture(path, SIDE, say('pictureOf', nameOf(id))), this.canvas, this.mark);
    this.told = make('p.unseen', { role: 'status' });
    this.element = make('div.side-by', {}, this.stage, make('span.id', { title: id }, nameOf(id)), this.told);
    this.id = id;
    this.stage.addEventListener('pointermove', (event) => this.point(this.at(event)));
    this.stage.addEventListener('pointerleave', () => this.point(-1));
    this.stage.addEventListener('keydown', (event) => this.keyed(event));
  }

  /** Takes what the server says of its parts; null where nothing is known. */
  know(grid) {
    this.grid = grid;
    if (grid === null) return;
    set(this.stage, 'tabindex', '0');
    set(this.stage, 'role', 'group');
    set(this.stage, 'aria-label', say('partsOf', nameOf(this.id)));
  }

  get columns() {
    return this.grid.match[0].length;
  }

  /** Colours the parts by one of the grids; null takes the colours away. */
  paint(values, low, high) {
    this.canvas.hidden = values === null;
    if (values === null) return;
    const [rows, columns] = [values.length, values[0].length];
    const small = new OffscreenCanvas(columns, rows);
    const data = new ImageData(columns, rows);
    values.flat().forEach((value, part) => data.data.set(heat((value - low) / (high - low || 1)), 4 * part));
    small.getContext('2d').putImageData(data, 0, 0);
    Object.assign(this.canvas, { width: columns * 32, height: rows * 32 });
    const context = this.canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
    place(this.canvas, this.grid.box);
  }

  /** Marks a part, or none. */
  show(part) {
    this.part = part;
    this.mark.hidden = part < 0 || this.grid === null;
    if (this.mark.hidden) return;
    const [left, top, right, bottom] = this.grid.box;
    const [across, down] = [(right - left) / this.columns, (bottom - top) / this.grid.match.length];
    const [row, column] = this.cell(part);
    place(this.mark, [left + column * across, top + row * down, left + (column + 1) * across, top + (row + 1) * down]);
  }

  /** Says of a part what it is like, for those who can't see it. */
  tell(part, value, otherColumns) {
    const [row, column] = this.cell(part);
    const match = this.grid.match[row][column];
    const text = say('partTold', row + 1, column + 1, number(value, 2), Math.floor(match / otherColumns) + 1, (match % otherColumns) + 1);
    this.told.textContent = text;
  }

  cell(part) {
    return [Math.floor(part / this.columns), part % this.columns];
  }

  at(event) {
    if (this.grid === null) return -1;
    const frame = this.stage.querySelector('img').getBoundingClientRect();
    const [left, top, right, bottom] = this.grid.box;
    const x = ((event.clientX - frame.left) / frame.width - left) / (right - left);
    const y = ((event.clientY - frame.top) / frame.height - top) / (bottom - top);
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return -1;
    return Math.floor(y * this.grid.match.length) * this.columns + Math.floor(x * this.columns);
  }

  keyed(event) {
    if (this.grid === null || !(event.key in STEPS)) return;
    event.preventDefault();
    const [down, right] = STEPS[event.key];
    const [row, column] = this.part < 0 ? [0, 0] : this.cell(this.part);
    const within = (value, size) => Math.min(size - 1, Math.max(0, value));
    const next = this.part < 0 ? [0, 0] : [within(row + down, this.grid.match.length), within(column + right, this.columns)];
    this.point(next[0] * this.columns + next[1]);
  }
}

function place(element, [left, top, right, bottom]) {
  const percent = (share) => `${(share * 100).toFixed(3)}%`;
  Object.assign(element.style, { left: percent(left), top: percent(top), width: percent(right - left), height: percent(bottom - top) });
}

/** From dark blue over red to bright yellow: also in grey, brighter is more. */
function heat(share) {
  const value = Math.min(1, Math.max(0, share));
  const stops = [[20, 20, 80], [150, 30, 90], [240, 110, 40], [255, 240, 120]];
  const at = value * (stops.length - 1);
  const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
  return [...low.map((each, channel) => each + (high[channel] - each) * (at % 1)), 255];
}
