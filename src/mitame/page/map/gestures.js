// Mouse, finger, pen and keys on the map.

const CLICK_PX = 5;
const STEP_PX = 90;
const WHEEL = 0.0016;

/**
 * Listens to an element.
 * @param {HTMLElement} element
 * @param {AbortSignal} signal ends it
 * @param {Object} does `move(right, down)`, `approach(factor, x?, y?)`, `whole()`, `point(x, y)` where
 *   the pointer is, `click(x, y)`, `away()` when it has gone
 */
export function listen(element, signal, does) {
  const fingers = new Map();
  let travelled = 0;
  const on = (kind, listener, options) => element.addEventListener(kind, listener, { ...options, signal });
  const inside = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  on('pointerdown', (event) => {
    if (event.button !== 0) return;
    if (fingers.size === 0) travelled = 0;
    fingers.set(event.pointerId, inside(event));
  });
  on('pointermove', (event) => {
    const [x, y] = inside(event);
    const before = fingers.get(event.pointerId);
    if (before === undefined) return void does.point(x, y);
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    fingers.set(event.pointerId, [x, y]);
    travelled += Math.hypot(x - before[0], y - before[1]);
    if (travelled > CLICK_PX && !element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
    if (travelled <= CLICK_PX) return;
    if (others.length === 0) return void does.move(x - before[0], y - before[1]);
    const [ox, oy] = others[0];
    does.move((x - before[0]) / 2, (y - before[1]) / 2);
    does.approach(Math.hypot(x - ox, y - oy) / Math.max(1, Math.hypot(before[0] - ox, before[1] - oy)), (x + ox) / 2, (y + oy) / 2);
  });
  const up = (event) => {
    const was = fingers.delete(event.pointerId);
    if (was && event.type === 'pointerup' && travelled <= CLICK_PX && !event.target.closest('a')) does.click(...inside(event));
  };
  on('pointerup', up);
  on('pointercancel', up);
  on('pointerleave', (event) => {
    if (!element.hasPointerCapture(event.pointerId)) fingers.delete(event.pointerId); // it may be lifted elsewhere
    does.away();
  });
  on('click', (event) => {
    if (travelled > CLICK_PX) event.preventDefault(); // it was a drag that ended on a picture
  }, { capture: true });
  on('dragstart', (event) => event.preventDefault());
  on('wheel', (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 0 ? 1 : 16;
    does.approach(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 4 : 1)), ...inside(event));
  }, { passive: false });
  on('keydown', (event) => keyed(event, does));
}

function keyed(event, does) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    ArrowLeft: () => does.move(STEP_PX, 0), ArrowRight: () => does.move(-STEP_PX, 0),
    ArrowUp: () => does.move(0, STEP_PX), ArrowDown: () => does.move(0, -STEP_PX),
    '+': () => does.approach(1.5), '=': () => does.approach(1.5), '-': () => does.approach(1 / 1.5), 0: () => does.whole(),
  };
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}
