// A few pictures over the points, each for those around it: so one sees what lies where. Which they
// are is decided by squares of the map itself, so that moving it does not change them.

import { collectionPath } from '../api.js';
import { fill, make } from '../dom.js';
import { nameOf, picture } from '../picture.js';

const SQUARE = 104;
const SIDE = 64;
const MOST = 120;

export class Pictures {
  /** @param {(id: string) => string} link where a picture leads to */
  constructor(link) {
    this.link = link;
    this.shown = new Map();
    this.element = make('div.map-pictures');
  }

  /** Forgets all: another map is shown. */
  clear() {
    this.shown.clear();
    fill(this.element);
  }

  /** Chooses pictures for what is seen now. Those that are there already stay. */
  choose(collection, points, camera, isSeen) {
    const chosen = chosenOf(points, camera, isSeen);
    for (const [place, each] of this.shown) {
      if (chosen.has(place) || each.contains(document.activeElement)) continue;
      each.remove();
      this.shown.delete(place);
    }
    for (const place of chosen) if (!this.shown.has(place)) this.add(collection, points, place);
    this.follow(points, camera);
  }

  /** Moves the pictures to where their points are now. */
  follow(points, camera) {
    for (const [place, element] of this.shown) {
      const left = points.x[place] * camera.scale + camera.left - SIDE / 2;
      const top = points.y[place] * camera.scale + camera.top - SIDE / 2;
      element.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
    }
  }

  add(collection, points, place) {
    const id = points.id(place);
    const image = picture(collectionPath(collection, 'items', id, 'thumbnail'), SIDE, nameOf(id));
    image.loading = 'eager'; // it is in sight
    const element = make('a.map-picture.frame', { href: this.link(id), title: id, draggable: 'false', 'aria-label': id }, image);
    this.shown.set(place, element);
    this.element.append(element);
  }
}

/** One point of each square that is in sight: the one nearest to its middle, always the same. */
function chosenOf(points, camera, isSeen) {
  const level = 2 ** Math.round(Math.log2(camera.scale / SQUARE));
  const [left, top] = camera.at(0, 0);
  const [right, bottom] = camera.at(camera.width, camera.height);
  const squares = new Map();
  for (let place = 0; place < points.count; place += 1) {
    const [x, y] = [points.x[place], points.y[place]];
    if (x < left || x > right || y < top || y > bottom || !isSeen(points.category[place])) continue;
    const [across, down] = [x * level, y * level];
    const [column, row] = [Math.floor(across), Math.floor(down)];
    const away = (across - column - 0.5) ** 2 + (down - row - 0.5) ** 2;
    const square = column * 1_048_576 + row;
    const best = squares.get(square);
    if (best === undefined || away < best.away) squares.set(square, { place, away });
  }
  return new Set([...squares.values()].slice(0, MOST).map(({ place }) => place));
}
