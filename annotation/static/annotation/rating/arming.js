/* Keeps a key that is still down, or comes too early, from answering a pair nobody has seen. */

const DELAY_MS = 250;

export function createArming({ onChange }) {
  const down = new Set();
  let stale = new Set();
  let paintedAt = Infinity;
  // A pair was painted behind a dialog, where nobody saw it.
  let behind = false;
  let timer = 0;
  let told = false;

  function isArmed() {
    return !behind && stale.size === 0 && performance.now() - paintedAt >= DELAY_MS;
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

  // It does not bubble, but every dialog's is met on the way down.
  document.addEventListener(
    "close",
    () => {
      if (behind && !isCovered()) {
        behind = false;
        stale = new Set(down);
        paintedAt = performance.now();
        tell();
      }
    },
    true,
  );

  return {
    disarm() {
      behind = false;
      paintedAt = Infinity;
      stale = new Set(down);
      tell();
    },
    painted() {
      behind = isCovered();
      paintedAt = performance.now();
      tell();
    },
    get armed() {
      return isArmed();
    },
  };
}

function isCovered() {
  return document.querySelector("dialog[open]") !== null;
}

export function nextPaint() {
  // The first callback runs before the frame is painted, the second after it.
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}
