// A box over a picture: that part is asked about. Drawn with mouse, finger or pen, moved and sized
// with keys, too.

import { make, set } from '../dom.js';
import { say } from '../words.js';

const SMALLEST = 0.03;
const STEP = 0.02;
const FIRST = [0.25, 0.25, 0.75, 0.75];
const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

/** The box of one stage, an element that a picture fills exactly. */
export class Box {
  /**
   * @param {HTMLElement} stage
   * @param {number[]|null} box left, top, right, bottom as shares of the picture
   * @param {(box: number[]|null) => void} chosen called when a box is done, moved or taken away
   */
  constructor(stage, box, chosen) {
    this.stage = stage;
    this.chosen = chosen;
    this.shade = make('div.box', { tabindex: '0', role: 'group', 'aria-roledescription': say('boxKind') },
      ...['nw', 'ne', 'sw', 'se'].map((corner) => make(`span.corner.${corner}`)));
    this.shade.addEventListener('keydown', (event) => this.keyed(event));
    stage.append(this.shade);
    stage.addEventListener('pointerdown', (event) => this.begin(event));
    this.draw(box);
  }

  /** Shows a box without asking anything. */
  draw(box) {
    this.box = box;
    this.shade.hidden = box === null;
    if (box === null) return;
    const [left, top, right, bottom] = box.map((each) => each * 100);
    Object.assign(this.shade.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
    set(this.shade, 'aria-label', say('boxLabel', ...[left, top, right, bottom].map(Math.round)));
  }

  /** Draws a box in the middle and goes there, for those who use keys. */
  start() {
    this.settle(FIRST);
    this.shade.focus();
  }

  /** Takes the box away. */
  clear() {
    this.settle(null);
  }

  settle(box) {
    this.draw(box);
    this.chosen(box);
  }

  begin(event) {
    const isTouch = event.pointerType === 'touch';
    // A finger that is put on a picture without a box scrolls the page, unless it was asked for one.
    if (event.button !== 0 || (isTouch && !this.stage.classList.contains('boxing'))) return;
    event.preventDefault();
    const area = this.stage.getBoundingClientRect();
    const place = (moved) => [clip((moved.clientX - area.left) / area.width), clip((moved.clientY - area.top) / area.height)];
    const former = this.box;
    const change = this.changeFrom(event, place(event));
    const move = (moved) => this.draw(change(place(moved)));
    const end = (last) => {
      this.stage.removeEventListener('pointermove', move);
      this.stage.removeEventListener('pointerup', end);
      this.stage.removeEventListener('pointercancel', end);
      const isBox = this.box !== null && isLarge(this.box);
      if (last.type === 'pointercancel' || !isBox) this.draw(former);
      else if (String(this.box) !== String(former)) this.chosen(this.box);
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener('pointermove', move);
    this.stage.addEventListener('pointerup', end);
    this.stage.addEventListener('pointercancel', end);
  }

  /** What a pointer's move does: sizes at a corner, moves within the box, draws anew elsewhere. */
  changeFrom(event, [x, y]) {
    const corner = event.target.closest('.corner');
    if (corner !== null && this.box !== null) {
      const [left, top, right, bottom] = this.box;
      const fixed = [corner.matches('.nw, .sw') ? right : left, corner.matches('.nw, .ne') ? bottom : top];
      return (now) => between(fixed, now);
    }
    if (event.target === this.shade && this.box !== null) {
      const former = this.box;
      return ([atX, atY]) => moved(former, atX - x, atY - y);
    }
    return (now) => between([x, y], now);
  }

  keyed(event) {
    if (event.key === 'Delete' || event.key === 'Backspace' || event.key === 'Escape') {
      event.preventDefault();
      this.clear();
      return;
    }
    const step = ARROWS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const box = event.shiftKey ? sized(this.box, ...step) : moved(this.box, ...step);
    if (isLarge(box)) this.settle(box);
  }
}

function clip(share) {
  return Math.min(1, Math.max(0, share));
}

function between([x, y], [otherX, otherY]) {
  return [Math.min(x, otherX), Math.min(y, otherY), Math.max(x, otherX), Math.max(y, otherY)];
}

/** The box elsewhere, of the same size, within the picture. */
function moved([left, top, right, bottom], x, y) {
  const [byX, byY] = [Math.min(1 - right, Math.max(-left, x)), Math.min(1 - bottom, Math.max(-top, y))];
  return [left + byX, top + byY, right + byX, bottom + byY];
}

function sized([left, top, right, bottom], x, y) {
  return [left, top, clip(right + x), clip(bottom + y)];
}

function isLarge([left, top, right, bottom]) {
  return right - left >= SMALLEST && bottom - top >= SMALLEST;
}
