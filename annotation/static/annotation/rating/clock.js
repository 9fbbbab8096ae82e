/* How long a pair was really read: the page visible, and some input within the last 30 seconds.
   By the monotonic clock, which no change of the date moves. */

const IDLE_MS = 30000;
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchmove", "scroll"];

export function createClock() {
  let running = false;
  let last = 0;
  let lastInput = 0;
  let total = empty();
  let activeSoFar = 0; // of all pairs of this page
  let longestGap = 0;

  function empty() {
    return { active: 0, elapsed: 0, hidden: 0, firstChoice: null };
  }

  function advance(hidden = document.visibilityState === "hidden") {
    const now = performance.now();
    if (running) {
      total.elapsed += now - last;
      if (hidden) {
        total.hidden += now - last;
      } else {
        const active = Math.max(0, Math.min(now, lastInput + IDLE_MS) - last);
        total.active += active;
        activeSoFar += active;
      }
    }
    last = now;
    return now;
  }

  function noteInput() {
    const before = lastInput;
    lastInput = advance();
    longestGap = Math.max(longestGap, lastInput - before);
  }

  for (const type of INPUT) {
    document.addEventListener(type, noteInput, { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", () => {
    // The change ends a stretch of the other kind.
    advance(document.visibilityState === "visible");
  });

  return {
    start() {
      last = performance.now();
      lastInput = last; // a pair that just appeared is being looked at
      total = empty();
      running = true;
    },
    stop() {
      advance();
      running = false;
    },
    noteChoice() {
      advance();
      total.firstChoice ??= total.elapsed;
    },
    activeMs() {
      advance();
      return activeSoFar;
    },
    /* The longest time without input since this was last asked. */
    takeLongestGap() {
      const gap = longestGap;
      longestGap = 0;
      return gap;
    },
    idleMs() {
      return performance.now() - lastInput;
    },
    read() {
      advance();
      return {
        active_ms: Math.round(total.active),
        elapsed_ms: Math.round(total.elapsed),
        hidden_ms: Math.round(total.hidden),
        first_choice_ms: total.firstChoice === null ? null : Math.round(total.firstChoice),
      };
    },
  };
}
