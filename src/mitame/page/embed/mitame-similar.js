// <mitame-similar item="sku-1">: what looks like an item, on a page of any other site.
// One module, nothing else is loaded. See docs/embed.md for its attributes, events and parts.

const SIDES = [128, 192, 256, 384, 512, 768];
const MOST = 48;
const USUAL = 8;
const SECONDS = 10;
const NEAR = '300px';
const LABELS = { en: 'Similar items', ja: '似ているもの' };

const STYLE = `
:host { display: block; min-height: 1px; font: inherit; color: inherit }
:host([hidden]), :host([data-state="empty"]), :host([data-state="failed"]), section[hidden] { display: none }
ul {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--mitame-size, 140px), 100%), 1fr));
  gap: var(--mitame-gap, 16px); margin: 0; padding: 0; list-style: none;
}
a { display: block; color: inherit; text-decoration: none; border-radius: var(--mitame-radius, 8px) }
a:focus-visible { outline: 3px solid var(--mitame-focus, currentColor); outline-offset: 3px }
a:hover .caption { text-decoration: underline }
.frame {
  display: block; aspect-ratio: var(--mitame-ratio, 1); overflow: hidden; border-radius: var(--mitame-radius, 8px);
  background: var(--mitame-ground, rgb(127 127 127 / .12));
}
img { display: block; width: 100%; height: 100%; object-fit: var(--mitame-fit, contain) }
.caption { display: block; margin-top: .4em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
`;

let sheet = null;

/** Shared by all elements of a page; made by script, which a page's style-src has no part in. */
function style() {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}

/** Where this file came from: the server, unless another one is named. */
const HOME = new URL('../', import.meta.url).href;

class MitameSimilar extends HTMLElement {
  static observedAttributes = ['item', 'limit', 'server', 'collection', 'key', 'lens', 'filter', 'link', 'picture', 'caption', 'label', 'weak', 'lang'];

  #stopped = new AbortController();
  #section = document.createElement('section');
  #list = document.createElement('ul');
  #isNear = false;
  #isDue = false;
  #watcher = new IntersectionObserver((seen) => this.#came(seen), { rootMargin: NEAR });

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [style()];
    const heading = document.createElement('slot');
    heading.name = 'heading';
    // Some browsers take a list without bullets for none.
    this.#list.setAttribute('role', 'list');
    this.#list.setAttribute('part', 'list');
    this.#section.hidden = true;
    this.#section.append(heading, this.#list);
    root.append(this.#section);
  }

  connectedCallback() {
    this.#watcher.observe(this);
  }

  disconnectedCallback() {
    this.#watcher.disconnect();
    this.#stopped.abort();
    this.#isNear = false;
  }

  attributeChangedCallback(name, before, after) {
    if (before !== after && this.#isNear) this.#soon();
  }

  #came(seen) {
    if (this.#isNear || !seen.some(({ isIntersecting }) => isIntersecting)) return;
    this.#isNear = true;
    this.#watcher.disconnect();
    this.#soon();
  }

  /** Several attributes that change at once are one question. */
  #soon() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.isConnected) this.#load();
    });
  }

  async #load() {
    this.#stopped.abort();
    const stopped = new AbortController();
    this.#stopped = stopped;
    const timer = setTimeout(() => stopped.abort(new Error('no answer in time')), SECONDS * 1000);
    try {
      const found = await this.#found(stopped.signal);
      if (this.#stopped === stopped) this.#show(found);
    } catch (error) {
      // Another question took its place, or the element is gone: that one speaks.
      if (this.#stopped === stopped && this.isConnected) this.#hide('failed', error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #found(signal) {
    const item = this.getAttribute('item');
    if (!item) return [];
    const place = ['v1', 'collections', this.getAttribute('collection') || 'default', 'items', item, 'similar'];
    const url = this.#url(place.map(encodeURIComponent).join('/'));
    url.searchParams.set('limit', this.#limit());
    for (const name of ['lens', 'filter']) {
      if (this.getAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
    }
    const answer = await this.#ask(url, signal);
    const { neighbors } = await answer.json();
    return this.hasAttribute('weak') ? neighbors : neighbors.filter(({ match }) => match !== 'weak');
  }

  /** The key goes into a header, never into an address, and to this server only. */
  async #ask(url, signal) {
    const key = this.getAttribute('key');
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const answer = await fetch(url, { headers, signal, credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer' });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`.trim());
    return answer;
  }

  #url(path) {
    const server = new URL(this.getAttribute('server') || HOME, document.baseURI);
    if (!server.pathname.endsWith('/')) server.pathname += '/';
    return new URL(path.replace(/^\/+/, ''), server);
  }

  #limit() {
    const wanted = Number.parseInt(this.getAttribute('limit'), 10);
    return Math.min(MOST, Math.max(1, wanted || USUAL));
  }

  #show(found) {
    if (!found.length) return void this.#hide('empty', null);
    const code = (this.closest('[lang]')?.lang || navigator.language).split('-')[0];
    this.#list.setAttribute('aria-label', this.getAttribute('label') || LABELS[code] || LABELS.en);
    this.#list.replaceChildren(...found.map((each) => this.#tile(each)));
    this.#section.hidden = false;
    this.dataset.state = 'shown';
    found.forEach((each, place) => this.#picture(each, this.#list.children[place].querySelector('.frame')));
    this.#tell('similar-shown', { ids: found.map(({ id }) => id) });
  }

  /** A product page has other things to show: nothing of this one stays, and the page is told why. */
  #hide(why, error) {
    this.#list.replaceChildren();
    this.#section.hidden = true;
    this.dataset.state = why;
    this.#tell('similar-hidden', { why, error });
  }

  #tell(name, detail, more = {}) {
    return this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail, ...more }));
  }

  #tile(item) {
    const caption = written(this.getAttribute('caption'), item, String) || nameOf(item.id);
    const link = addressIn(this.getAttribute('link'), item);
    const inner = element(link === null ? 'span' : 'a', 'link', element('span', 'frame'), element('span', 'caption', caption));
    if (link !== null) {
      inner.href = link;
      // The name stays when a page hides the captions.
      inner.setAttribute('aria-label', caption);
      inner.addEventListener('click', (event) => {
        if (!this.#tell('similar-chosen', { id: item.id }, { cancelable: true })) event.preventDefault();
      });
    }
    return element('li', 'item', inner);
  }

  async #picture(item, frame) {
    const image = element('img', 'picture');
    image.alt = '';
    image.decoding = 'async';
    const own = addressIn(this.getAttribute('picture'), item);
    image.addEventListener('error', () => image.remove());
    frame.append(image);
    if (own !== null) image.src = own;
    else if (item.image) await this.#fetched(item.image, image, frame.clientWidth).catch(() => image.remove());
    else image.remove();
  }

  /** An img element can't send the key, so it shows what was fetched with it. */
  async #fetched(path, image, width) {
    const url = this.#url(path);
    const wanted = width * (devicePixelRatio || 1);
    url.searchParams.set('side', SIDES.find((side) => side >= wanted) ?? SIDES.at(-1));
    const answer = await this.#ask(url, this.#stopped.signal);
    const blob = URL.createObjectURL(await answer.blob());
    image.addEventListener('load', () => URL.revokeObjectURL(blob), { once: true });
    image.src = blob;
  }
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  made.className = name;
  made.setAttribute('part', name);
  made.append(...children);
  return made;
}

/** A template with its places filled; null where there is none, or a place has nothing to it. */
function written(template, item, how) {
  if (!template) return null;
  let isWhole = true;
  const text = template.replace(/\{(id|category|attributes\.([^{}]+))\}/g, (_, name, attribute) => {
    const value = attribute === undefined ? item[name] : item.attributes?.[attribute];
    if (value === null || value === undefined) isWhole = false;
    return how(value);
  });
  return isWhole ? text : null;
}

/**
 * The address of a page or picture that a template says; null for none, and for what would run as a
 * script. A value that is all of the address is taken as it is, one in the midst of it is encoded.
 */
function addressIn(template, item) {
  const text = written(template, item, /^\{[^{}]+\}$/.test(template ?? '') ? String : encodeURIComponent);
  if (text === null) return null;
  try {
    const url = new URL(text, document.baseURI);
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** An id that is a path in short: its last part. */
function nameOf(id) {
  return id.slice(id.replace(/\/+$/, '').lastIndexOf('/') + 1);
}

if (!customElements.get('mitame-similar')) customElements.define('mitame-similar', MitameSimilar);
