// Which part of the map is seen: `scale` pixels for the whole side, and where its corner lies.

const CLOSEST = 4000;
const MARGIN = 24;

export class Camera {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.whole();
  }

  /** The window's size in pixels; what is in its middle stays there. */
  resize(width, height) {
    const wasWhole = this.zoom === 1;
    const [x, y] = this.at(this.width / 2, this.height / 2);
    this.width = width;
    this.height = height;
    if (wasWhole) this.whole();
    else this.look(x, y, this.zoom);
  }

  get fit() {
    return Math.max(1, Math.min(this.width, this.height) - 2 * MARGIN);
  }

  get scale() {
    return this.fit * this.zoom;
  }

  whole() {
    this.look(0.5, 0.5, 1);
  }

  /** Puts a place of the map into the middle, so many times closer than the whole. */
  look(x, y, zoom) {
    this.zoom = Math.min(CLOSEST, Math.max(1, zoom));
    this.left = this.width / 2 - clamp(x) * this.scale;
    this.top = this.height / 2 - clamp(y) * this.scale;
  }

  move(right, down) {
    const [x, y] = this.at(this.width / 2 - right, this.height / 2 - down);
    this.look(x, y, this.zoom);
  }

  /** Comes closer by a factor; what lies under the pixel stays under it. */
  approach(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.at(px, py);
    const zoom = Math.min(CLOSEST, Math.max(1, this.zoom * factor));
    const scale = this.fit * zoom;
    this.look(x + (this.width / 2 - px) / scale, y + (this.height / 2 - py) / scale, zoom);
  }

  /** The place of the map under a pixel. */
  at(px, py) {
    return [(px - this.left) / this.scale, (py - this.top) / this.scale];
  }

  /** As the address has it; null for the whole. */
  get text() {
    if (this.zoom === 1) return null;
    const [x, y] = this.at(this.width / 2, this.height / 2);
    return [x.toFixed(6), y.toFixed(6), this.zoom.toFixed(4)].join(',');
  }

  set text(text) {
    const numbers = (text ?? '').split(',').map(Number);
    if (numbers.length === 3 && numbers.every(Number.isFinite)) this.look(...numbers);
    else this.whole();
  }
}

function clamp(value) {
  return Math.min(1, Math.max(0, value));
}
