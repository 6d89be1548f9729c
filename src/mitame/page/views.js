// All views, in the order of the navigation. A new one is a module in views/ and a line here.

/**
 * A module in views/ exports `mount(main)`, which fills the element and returns
 * `{ update(params), leave?() }`: what is called with the address' parameters at first and at every
 * change, and before another view takes its place.
 */
export const VIEWS = {
  search: { title: 'search', load: () => import('./views/search.js') },
  browse: { title: 'browse', load: () => import('./views/browse.js') },
  map: { title: 'map', load: () => import('./views/map.js') },
  duplicates: { title: 'duplicates', load: () => import('./views/duplicates.js') },
  why: { title: 'why', load: () => import('./views/why.js'), isAside: true }, // reached from others
  quality: { title: 'quality', load: () => import('./views/quality.js') },
  manage: { title: 'manage', load: () => import('./views/manage.js') },
  bad: { title: 'bad', load: () => import('./views/bad.js'), isAside: true },
};

/** The view that is shown where the address names none. */
export const FIRST = 'search';
