/* Keeps a key that is still down, or comes too early, from answering a pair nobody has seen. */

const DELAY_MS = 250;

export function createArming() {
  const down = new Set();
  let stale = new Set();
  let paintedAt = Infinity;

  window.addEventListener("keydown", (event) => down.add(event.code), true);
  window.addEventListener(
    "keyup",
    (event) => {
      down.delete(event.code);
      stale.delete(event.code);
    },
    true,
  );
  window.addEventListener("blur", () => {
    // The release of a key happens elsewhere then, and never arrives.
    down.clear();
    stale.clear();
  });

  return {
    disarm() {
      paintedAt = Infinity;
      stale = new Set(down);
    },
    painted() {
      paintedAt = performance.now();
    },
    get armed() {
      return stale.size === 0 && performance.now() - paintedAt >= DELAY_MS;
    },
  };
}

export function nextPaint() {
  // The first callback runs before the frame is painted, the second after it.
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}
