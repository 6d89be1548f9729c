// Map: all pictures of a collection on a plane, beside those that look like them.

import { changed, go, here, kept, linkTo } from '../address.js';
import { collectionPath } from '../api.js';
import { fill, freshId, later, make, set } from '../dom.js';
import { failure } from '../failure.js';
import { icon } from '../icons.js';
import { Camera } from '../map/camera.js';
import { MOST_COLORS, counted, palette, pixels } from '../map/colors.js';
import { listen } from '../map/gestures.js';
import { nearest, paint } from '../map/paint.js';
import { Pictures } from '../map/pictures.js';
import { points } from '../map/points.js';
import { WORDS } from '../map/words.js';
import { nameOf, picture } from '../picture.js';
import { collection } from '../place.js';
import { moreLike } from '../search/question.js';
import { addWords, number, say } from '../words.js';

addWords(WORDS);
const NEAR_PX = 14;
const SHARPEST = 2;

/** See `views.js`. */
export function mount(main) {
  return new MapView(main);
}

class MapView {
  constructor(main) {
    this.camera = new Camera();
    this.points = null;
    this.shown = null;
    this.only = null;
    this.frame = 0;
    this.hovered = -1;
    this.left = new AbortController();
    const link = (id) => linkTo('search', moreLike(kept(), 'id', id));
    this.pictures = new Pictures(link);
    this.draw(main);
    const { signal } = this.left;
    listen(this.plane, signal, {
      move: (right, down) => this.changed(() => this.camera.move(right, down)),
      approach: (factor, x, y) => this.changed(() => this.camera.approach(factor, x, y)),
      whole: () => this.changed(() => this.camera.whole()),
      point: (x, y) => this.point(x, y),
      click: (x, y) => this.click(x, y),
      away: () => this.tell(-1),
    });
    this.settled = later(140, () => this.choose());
    this.remember = later(300, () => this.address());
    this.sized = new ResizeObserver(([{ contentRect: { width, height } }]) => this.resize(width, height));
    this.sized.observe(this.plane);
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.dark.addEventListener('change', () => this.recolor(), { signal });
    this.theme = new MutationObserver(() => this.recolor());
    this.theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  }

  draw(main) {
    main.classList.add('map');
    const keys = freshId('keys');
    this.title = make('h1', {}, say('map'));
    this.facts = make('p.facts', { role: 'status' });
    this.note = make('div.note');
    this.canvas = make('canvas', { 'aria-hidden': 'true' });
    this.label = make('div.map-label', { hidden: true, 'aria-hidden': 'true' });
    this.plane = make('div.plane', { tabindex: '0', role: 'group', 'aria-describedby': keys }, this.canvas, this.pictures.element, this.label);
    this.legend = make('ul.legend');
    const button = (drawn, words, work) => make('button', { type: 'button', 'aria-label': say(words), title: say(words), on: { click: () => this.changed(work) } }, icon(drawn));
    this.tools = make('div.map-tools', {},
      button('plus', 'closer', () => this.camera.approach(1.6)),
      button('minus', 'farther', () => this.camera.approach(1 / 1.6)),
      button('box', 'wholeMap', () => this.camera.whole()));
    fill(main,
      make('div.head', {}, make('div', {}, this.title, make('p.lead', {}, say('mapLead')), this.facts)),
      make('p.unseen', { id: keys }, say('mapKeys')),
      this.note,
      make('div.map-body', {}, make('div.plane-place', {}, this.plane, this.tools), this.legend));
    this.body = main.lastElementChild;
  }

  /** Shows the map of the collection and lens that the parameters name. */
  async update(params) {
    try {
      const name = await collection();
      if (this.left.signal.aborted) return;
      const wanted = JSON.stringify([name, params.get('lens')]);
      if (wanted !== this.shown) await this.load(name, params.get('lens'), wanted);
      if (this.points === null) return;
      if ((this.camera.text ?? '') !== (params.get('at') ?? '')) {
        this.camera.text = params.get('at');
        this.repaint();
        this.choose();
      }
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.shown = null;
      this.body.hidden = true;
      fill(this.note, failure(error, () => this.update(here().params)));
    }
  }

  async load(name, lens, wanted) {
    this.stopped?.abort();
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    const found = name === null ? null : await points(name, lens, signal);
    signal.throwIfAborted();
    this.shown = wanted;
    this.name = name;
    this.points = found?.count ? found : null;
    this.only = null;
    this.pictures.clear();
    this.body.hidden = this.points === null;
    fill(this.note, this.points === null && make('p.nothing', {}, say('emptyMap')));
    if (this.points === null) return void (this.facts.textContent = '');
    const { method, complete, total } = found.head;
    this.facts.textContent = [say('mapFacts', found.count, total), method === 'principal' && say('principal'), !complete && say('partMap')].filter(Boolean).join(' · ');
    set(this.plane, 'aria-label', say('mapOf', name));
    this.ranked = counted(found);
    this.camera.text = here().params.get('at');
    this.recolor();
    this.choose();
  }

  recolor() {
    if (this.points === null) return;
    const chosen = document.documentElement.dataset.theme;
    this.colors = palette(this.ranked, chosen ? chosen === 'dark' : this.dark.matches);
    this.packed = pixels(this.ranked, this.colors, this.points.head.categories.length, (place) => this.isSeen(place));
    this.key();
    this.repaint();
  }

  isSeen(category) {
    return this.only === null || Math.min(category, this.points.head.categories.length) === this.only;
  }

  /** The list of colours; pressing one shows only its category. */
  key() {
    const told = this.ranked.length > 1 || this.ranked[0].name !== null ? this.ranked.slice(0, MOST_COLORS) : [];
    const focused = document.activeElement?.dataset?.category;
    fill(this.legend, ...told.map(({ place, name, count }, rank) => {
      const chip = make('span.chip', { 'aria-hidden': 'true' });
      chip.style.background = this.colors[rank];
      return make('li', {}, make('button.quiet', { type: 'button', 'aria-pressed': String(this.only === place), 'data-category': place,
        on: { click: () => this.show(this.only === place ? null : place) } },
      chip, make('span.value', {}, name ?? say('noCategory')), make('span.count', {}, number(count))));
    }));
    if (focused !== undefined) this.legend.querySelector(`[data-category="${Number(focused)}"]`)?.focus();
    set(this.legend, 'aria-label', say('categories'));
    this.legend.hidden = told.length === 0;
  }

  show(category) {
    this.only = category;
    this.recolor();
    this.choose();
  }

  changed(work) {
    if (this.points === null) return;
    work();
    this.tell(-1);
    this.repaint();
    this.settled();
    this.remember();
  }

  resize(width, height) {
    if (width < 1 || height < 1) return;
    this.camera.resize(width, height);
    this.repaint();
    this.settled();
  }

  repaint() {
    if (this.frame || this.points === null) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.points === null) return;
      paint(this.canvas, this.points, this.camera, this.packed, Math.min(SHARPEST, devicePixelRatio || 1));
      this.pictures.follow(this.points, this.camera);
    });
  }

  choose() {
    if (this.left.signal.aborted) return;
    if (this.points !== null && this.camera.width > 1) this.pictures.choose(this.name, this.points, this.camera, (category) => this.isSeen(category));
  }

  point(x, y) {
    if (this.points !== null) this.tell(nearest(this.points, this.camera, x, y, NEAR_PX), x, y);
  }

  click(x, y) {
    const place = this.points === null ? -1 : nearest(this.points, this.camera, x, y, NEAR_PX);
    if (place >= 0) go('search', moreLike(kept(), 'id', this.points.id(place)));
  }

  /** Says beside the pointer what lies under it. */
  tell(place, x = 0, y = 0) {
    this.label.hidden = place < 0;
    this.plane.classList.toggle('over', place >= 0);
    if (place < 0) return void (this.hovered = -1);
    if (place !== this.hovered) {
      const id = this.points.id(place);
      const category = this.points.head.categories[this.points.category[place]];
      fill(this.label, make('div.frame', {}, picture(collectionPath(this.name, 'items', id, 'thumbnail'), 128)),
        make('span.id', {}, nameOf(id)), category !== undefined && make('span.category', {}, category));
      this.hovered = place;
    }
    const left = x > this.camera.width / 2 ? x - 160 : x + 18;
    const top = y > this.camera.height / 2 ? y - 190 : y + 18;
    this.label.style.transform = `translate(${left.toFixed(0)}px, ${top.toFixed(0)}px)`;
  }

  address() {
    if (this.left.signal.aborted || this.points === null) return;
    const { text } = this.camera;
    this.camera.text = text; // rounded as the address has it: who gets the address sees the same
    this.repaint();
    go('map', changed(here().params, { at: text }), { replace: true });
  }

  leave() {
    this.left.abort();
    this.stopped?.abort();
    this.sized.disconnect();
    this.theme.disconnect();
    cancelAnimationFrame(this.frame);
  }
}
