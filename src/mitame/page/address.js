// The address bar holds the whole question, behind `#`: so back, share and reload work, and what
// is asked never gets into a server's or a proxy's log with the page's address.

/** Which view the address names, and its parameters. */
export function here() {
  const [view, query = ''] = location.hash.replace(/^#/, '').split(/\?(.*)/s);
  return { view, params: new URLSearchParams(query) };
}

/** The address of a view as a link has it. */
export function linkTo(view, params) {
  const query = params.toString();
  return `#${view}${query ? `?${query}` : ''}`;
}

/** Goes there; with `replace` the back button does not come by here again. */
export function go(view, params, { replace = false } = {}) {
  const address = linkTo(view, params);
  if (address === location.hash) return;
  if (replace) location.replace(address);
  else location.hash = address;
}

/** What every view is about, the collection and the lens: parameters that links to others keep. */
export function kept() {
  return new URLSearchParams([...here().params].filter(([name]) => name === 'c' || name === 'lens'));
}

/** A copy of parameters, some of them changed; null takes one away, a list sets it several times. */
export function changed(params, changes) {
  const found = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    found.delete(name);
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== '') found.append(name, each);
    }
  }
  return found;
}
