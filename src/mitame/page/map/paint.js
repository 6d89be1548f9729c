// Points on a canvas, straight into its pixels: a hundred thousand take a few milliseconds, and no
// graphics card is needed.

const LARGEST = 8;

/**
 * Paints points.
 * @param {HTMLCanvasElement} canvas
 * @param {import('./points.js').Points} points
 * @param {import('./camera.js').Camera} camera
 * @param {Uint32Array} colors by the place of the category; the last one for none
 * @param {number} ratio pixels of the screen per pixel of CSS
 */
export function paint(canvas, points, camera, colors, ratio) {
  const [width, height] = [Math.round(camera.width * ratio), Math.round(camera.height * ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d');
  const image = kept(context, width, height);
  const pixels = new Uint32Array(image.data.buffer);
  pixels.fill(0);
  const [scale, left, top] = [camera.scale * ratio, camera.left * ratio, camera.top * ratio];
  const size = Math.max(2, Math.min(LARGEST, Math.round((2.6 + Math.log2(camera.zoom) / 2) * ratio)));
  const none = colors.length - 1;
  const { x, y, category, count } = points;
  const [lastX, lastY] = [width - size, height - size];
  for (let place = 0; place < count; place += 1) {
    const px = (x[place] * scale + left) | 0;
    const py = (y[place] * scale + top) | 0;
    if (px < 0 || py < 0 || px > lastX || py > lastY) continue;
    const color = colors[Math.min(category[place], none)];
    if (color === 0) continue;
    let row = py * width + px;
    for (let down = 0; down < size; down += 1, row += width) {
      for (let right = 0; right < size; right += 1) pixels[row + right] = color;
    }
  }
  context.putImageData(image, 0, 0);
}

let last = null;

function kept(context, width, height) {
  if (last === null || last.width !== width || last.height !== height) last = context.createImageData(width, height);
  return last;
}

/** The point nearest to a pixel, if one is near enough; -1 else. */
export function nearest(points, camera, px, py, most) {
  const [x, y] = camera.at(px, py);
  let best = -1;
  let least = (most / camera.scale) ** 2;
  for (let place = 0; place < points.count; place += 1) {
    const away = (points.x[place] - x) ** 2 + (points.y[place] - y) ** 2;
    if (away < least) [best, least] = [place, away];
  }
  return best;
}
