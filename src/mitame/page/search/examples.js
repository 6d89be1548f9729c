// What is asked about: one picture, with a box over it, or several for and against.

import { collectionPath } from '../api.js';
import { fill, make, set } from '../dom.js';
import { icon } from '../icons.js';
import { nameOf, picture } from '../picture.js';
import { say } from '../words.js';
import { Box } from './box.js';
import { addressOfFile, fileOf } from './files.js';
import { isBoxable } from './question.js';

const LARGE = 340;
const SMALL = 72;

/** The examples of a question. */
export class Examples {
  /** @param {(changes: Object) => void} change asks anew with `like`, `unlike` or `box` changed */
  constructor(change) {
    this.change = change;
    this.element = make('section.examples', { 'aria-label': say('askedAbout') });
    this.drawn = null;
    this.box = null;
  }

  /** Shows a question's examples; those that are shown already stay as they are. */
  show(question, collection) {
    const { like, unlike, box } = question;
    this.question = question;
    this.element.hidden = like.length + unlike.length === 0;
    const wanted = JSON.stringify([like, unlike, collection]);
    if (wanted === this.drawn) {
      this.box?.draw(box);
      this.mark(box);
      return;
    }
    this.drawn = wanted;
    this.box = null;
    const isOne = like.length === 1 && unlike.length === 0;
    fill(this.element, ...(isOne ? this.one(like[0], collection) : [this.several(collection)]));
    this.mark(box);
  }

  one(example, collection) {
    const stage = make('div.stage');
    const place = make('div.stage-place', {}, stage);
    const about = make('p.about', {}, make('span.id', { title: example.value }, shortOf(example)));
    shown(example, collection, LARGE).then((image) => {
      if (image) stage.prepend(image);
      else stage.classList.add('missing');
    });
    if (example.kind === 'file') fileName(example).then((name) => { about.firstChild.textContent = name; });
    if (!isBoxable(this.question)) return [place, about, make('div.actions', {}, this.removal('like', 0))];
    this.box = new Box(stage, this.question.box, (box) => this.change({ box }));
    this.part = make('button.part', { type: 'button', on: { click: () => this.togglePart(stage) } }, icon('box'), make('span', {}, say('choosePart')));
    return [place, about, make('div.actions', {}, this.part, this.removal('like', 0)), make('p.hint', {}, say('boxHint')), make('p.hint.keys', {}, say('boxKeys'))];
  }

  togglePart(stage) {
    const { box } = this.question;
    stage.classList.toggle('boxing', box === null);
    if (box === null) this.box.start();
    else this.box.clear();
  }

  /** Says of the button what it does now. */
  mark(box) {
    if (this.box !== null) fill(this.part, icon('box'), make('span', {}, say(box === null ? 'choosePart' : 'wholePicture')));
  }

  several(collection) {
    const rows = ['like', 'unlike'].flatMap((sign) => this.question[sign].map((example, place) => this.row(sign, place, example, collection)));
    return make('ul.several', { role: 'list' }, ...rows);
  }

  row(sign, place, example, collection) {
    const frame = make('span.frame');
    const name = make('span.id', { title: example.value }, shortOf(example));
    shown(example, collection, SMALL).then((image) => (image ? frame.append(image) : frame.classList.add('missing')));
    if (example.kind === 'file') fileName(example).then((found) => { name.textContent = found; });
    const flip = make('button.sign', { type: 'button', 'aria-label': say(sign === 'like' ? 'makeUnlike' : 'makeLike', example.value),
      title: say(sign === 'like' ? 'isLike' : 'isUnlike'), on: { click: () => this.flip(sign, place) } }, icon(sign === 'like' ? 'plus' : 'minus'));
    return make(`li.${sign}`, {}, flip, frame, name, this.removal(sign, place));
  }

  removal(sign, place) {
    const remove = () => this.change({ [sign]: this.question[sign].filter((_, each) => each !== place), box: null });
    const button = make('button.remove', { type: 'button', on: { click: remove } }, icon('close'), make('span', {}, say('remove')));
    const { kind, value } = this.question[sign][place];
    set(button, 'aria-label', kind === 'file' ? say('remove') : say('removeThis', value));
    return button;
  }

  flip(sign, place) {
    const other = sign === 'like' ? 'unlike' : 'like';
    const example = this.question[sign][place];
    const rest = this.question[sign].filter((_, each) => each !== place);
    this.change({ [sign]: rest, [other]: [...this.question[other], example], box: null });
  }
}

/** An image of an example; null where it can't be shown here. */
async function shown({ kind, value }, collection, pixels) {
  if (kind === 'id') return picture(collectionPath(collection, 'items', value, 'thumbnail'), pixels, say('pictureOf', value));
  if (kind === 'url') return null; // the server fetches it; this page connects to nothing else
  const address = await addressOfFile(value);
  if (address === null) return null;
  const image = make('img', { src: address, alt: say('yourPicture'), draggable: 'false' });
  image.addEventListener('error', () => {
    image.closest('.frame, .stage')?.classList.add('missing');
    image.hidden = true;
  });
  return image;
}

function shortOf({ kind, value }) {
  if (kind === 'file') return ''; // until its name is read
  return kind === 'id' ? nameOf(value) : value;
}

async function fileName({ value }) {
  return (await fileOf(value))?.name || say('yourPicture');
}
