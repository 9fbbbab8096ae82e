/* Keeps a key that is still down, or comes too early, from answering a pair nobody has seen. */

const DELAY_MS = 250;

export function createArming({ onChange }) {
  const down = new Set();
  let stale = new Set();
  let paintedAt = Infinity;
  let covered = false;
  let timer = 0;
  let told = false;

  function isArmed() {
    return !covered && stale.size === 0 && performance.now() - paintedAt >= DELAY_MS;
  }

  function tell() {
    clearTimeout(timer);
    const left = paintedAt + DELAY_MS - performance.now();
    if (left > 0 && Number.isFinite(left)) {
      timer = setTimeout(tell, left);
    }
    if (isArmed() !== told) {
      told = !told;
      onChange(told);
    }
  }

  window.addEventListener("keydown", (event) => down.add(event.code), true);
  window.addEventListener(
    "keyup",
    (event) => {
      down.delete(event.code);
      stale.delete(event.code);
      tell();
    },
    true,
  );
  window.addEventListener("blur", () => {
    // The release of a key happens elsewhere then, and never arrives.
    down.clear();
    stale.clear();
    tell();
  });

  return {
    disarm() {
      paintedAt = Infinity;
      stale = new Set(down);
      tell();
    },
    painted() {
      paintedAt = performance.now();
      tell();
    },
    /* Something lies over the place of the pair: what is there, or comes there, is not seen. */
    cover() {
      covered = true;
      tell();
    },
    uncover() {
      covered = false;
      stale = new Set(down);
      // A pair that is not there yet is seen when it has been painted.
      paintedAt = paintedAt === Infinity ? Infinity : performance.now();
      tell();
    },
    get armed() {
      return isArmed();
    },
  };
}

export function nextPaint() {
  // The first callback runs before the frame is painted, the second after it.
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}
