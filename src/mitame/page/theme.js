// Light, dark, or as the system has it.

export const THEMES = ['system', 'light', 'dark'];
const KEPT = 'mitame.theme';

/** The theme that was chosen. */
export function theme() {
  return document.documentElement.dataset.theme ?? 'system';
}

/** Chooses a theme and keeps the choice. */
export function setTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  keep(KEPT, name === 'system' ? null : name);
}

/** Keeps a word between visits, where the browser lets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // It lasts as long as the page does.
  }
}

/** A word that was kept; null for none. */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
