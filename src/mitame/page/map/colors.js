// A colour per category: the most frequent ones have one of their own, the others share a grey.

const LIGHT = ['#b5361f', '#1f5fb3', '#1d7a46', '#8a5a00', '#7a3fb0', '#00798a', '#b0307f', '#566b00', '#9c4a3c', '#3b4cc0', '#5d6b2f', '#94502a'];
const DARK = ['#ff9478', '#8fb8ff', '#7fdca3', '#f0c060', '#cba6ff', '#6fd6e6', '#ff9bd2', '#c3d55a', '#f0b0a4', '#a9b4ff', '#c0cf8f', '#e6ab84'];
const GREY = { light: '#8b857c', dark: '#8f897f' };

/** Categories by how many points they have, the most frequent first; null stands for none. */
export function counted(points) {
  const { categories } = points.head;
  const counts = new Array(categories.length + 1).fill(0);
  for (let place = 0; place < points.count; place += 1) counts[Math.min(points.category[place], categories.length)] += 1;
  return counts.map((count, place) => ({ place, name: categories[place] ?? null, count }))
    .filter(({ count }) => count > 0).sort((one, other) => (one.name === null) - (other.name === null) || other.count - one.count);
}

/** The colour of each of these categories as CSS has it, in their order. */
export function palette(ranked, isDark) {
  const own = isDark ? DARK : LIGHT;
  return ranked.map(({ name }, rank) => (name === null ? undefined : own[rank]) ?? GREY[isDark ? 'dark' : 'light']);
}

/** Colours by place as pixels have them; 0 where a category is not shown. */
export function pixels(ranked, colors, size, isSeen) {
  const found = new Uint32Array(size + 1);
  ranked.forEach(({ place }, rank) => {
    if (isSeen(place)) found[place] = packed(colors[rank]);
  });
  return found;
}

export const MOST_COLORS = LIGHT.length;

function packed(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // bytes from the right on every usual machine
}
