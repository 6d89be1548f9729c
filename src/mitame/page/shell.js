// The frame around all views: name, navigation, collection, lens, theme, language.

import { changed, go, here, kept, linkTo } from './address.js';
import { fill, freshId, make, set } from './dom.js';
import { icon } from './icons.js';
import { collection, collections, described } from './place.js';
import { THEMES, setTheme, theme } from './theme.js';
import { FIRST, VIEWS } from './views.js';
import { LANGUAGES, language, say } from './words.js';

export class Shell {
  /** @param {(language: string) => Promise<void>} anew shows everything again, in another language */
  constructor(anew) {
    this.anew = anew;
    this.main = make('main', { id: 'main', tabindex: '-1' });
    this.places = make('div.places');
    this.links = new Map();
    this.turn = 0;
  }

  /** Draws the frame in the language of now. */
  draw() {
    this.links = new Map(Object.entries(VIEWS).filter(([, { isAside }]) => !isAside).map(([name, { title }]) => [name, make('a', { href: `#${name}` }, say(title))]));
    fill(document.body,
      make('a.skip', { href: '#main', on: { click: (event) => this.skip(event) } }, say('skip')),
      make('header.top', {},
        make('a.name', { href: `#${FIRST}`, 'aria-label': say('home') },
          make('img', { src: new URL('icon.svg', import.meta.url).href, alt: '', width: 28, height: 28 }),
          make('span', {}, 'mitame'), make('span.kanji', { lang: 'ja', 'aria-hidden': 'true' }, '見た目')),
        this.links.size > 1 && make('nav', { 'aria-label': say('views') }, ...this.links.values()),
        this.places,
        make('div.looks', {}, this.themeButton(), this.languageButton())),
      this.main);
  }

  /** Marks the view that is shown; links keep the collection and the lens. */
  mark(name) {
    for (const [each, link] of this.links) {
      set(link, 'href', linkTo(each, kept()));
      set(link, 'aria-current', each === name ? 'page' : null);
    }
  }

  /** Draws the choice of collection and lens; quietly nothing where the server doesn't say. */
  async place() {
    this.turn += 1;
    const mine = this.turn;
    const choices = await this.choices().catch(() => []);
    if (mine === this.turn) redraw(this.places, choices);
  }

  async choices() {
    const [name, names] = [await collection(), await collections()];
    if (name === null) return [];
    const known = names.includes(name) ? names : [name, ...names];
    const found = [choice(say('collection'), known, name, (c) => moveTo({ c, lens: null }))];
    const lenses = Object.keys((await described(name)).lenses);
    const lens = here().params.get('lens') ?? lenses[0];
    if (lenses.length > 1) found.push(choice(say('lens'), lenses, lens, (chosen) => changeTo({ lens: chosen === lenses[0] ? null : chosen })));
    return found;
  }

  themeButton() {
    const button = make('button.quiet', { type: 'button', on: { click: () => {
      setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      show();
    } } });
    const show = () => {
      const label = say('theme', say(theme()));
      fill(button, icon(theme()));
      set(button, 'aria-label', label);
      set(button, 'title', label);
    };
    show();
    return button;
  }

  languageButton() {
    const codes = Object.keys(LANGUAGES);
    const next = codes[(codes.indexOf(language()) + 1) % codes.length];
    const change = async () => {
      await this.anew(next);
      document.querySelector('button.language')?.focus();
    };
    return make('button.quiet.language', { type: 'button', lang: next, on: { click: change } }, LANGUAGES[next]);
  }

  skip(event) {
    event.preventDefault();
    this.main.focus();
  }
}

/** A select with its label. */
function choice(label, names, current, chosen) {
  const id = freshId('choice');
  const options = names.map((name) => make('option', { value: name, selected: name === current }, name));
  return make('div.choice', {},
    make('label', { for: id }, label),
    make('select', { id, on: { change: (event) => chosen(event.target.value) } }, ...options));
}

/** Puts new choices in place of the former ones, without taking the focus away. */
function redraw(places, choices) {
  const at = [...places.querySelectorAll('select')].indexOf(document.activeElement);
  fill(places, ...choices);
  if (at >= 0) places.querySelectorAll('select')[at]?.focus();
}

/** Another collection: what was asked of the former one is left behind. */
function moveTo({ c }) {
  go(here().view || FIRST, new URLSearchParams({ c }));
}

function changeTo(changes) {
  const { view, params } = here();
  go(view || FIRST, changed(params, changes));
}
