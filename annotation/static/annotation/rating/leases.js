/* Keeps the pairs of this page reserved while somebody is reading, and warns before they go. */

const BEAT_MS = 60000;
// Nobody is reading any more: leases are left to run out, so that others get the pairs.
const AWAY_MS = 5 * 60000;
const WARN_MS = 3 * 60000;

export function createLeases({ api, supply, current, idleMs, onLost, onAnswered, onWarn }) {
  let deadline = Infinity;
  let warned = false;

  async function renew() {
    const shown = current();
    const held = [...new Set([...supply.heldIds, ...(shown ? [shown] : [])])];
    if (held.length === 0) {
      return;
    }
    let answer;
    try {
      answer = await api.post("renew", { displayed: shown, held });
    } catch {
      return; // the next beat tries again; a late vote is still accepted
    }
    for (const { id, state, seconds } of answer.leases) {
      if (id === shown && id === current()) {
        deadline = performance.now() + seconds * 1000;
        if (state === "lost") {
          onLost(id);
        } else if (state === "answered" || state === "released") {
          onAnswered(id);
        }
      } else if (state !== "live") {
        supply.drop(id);
      }
    }
  }

  function beat() {
    if (document.visibilityState === "visible" && idleMs() < AWAY_MS) {
      renew();
      return;
    }
    const left = deadline - performance.now();
    if (current() && left > 0 && left < WARN_MS && !warned) {
      warned = true;
      onWarn(Math.max(1, Math.round(left / 60000)));
    }
  }

  setInterval(beat, BEAT_MS);

  return {
    /* A pair was just shown. */
    shown() {
      deadline = Infinity;
      warned = false;
      renew();
    },
    renew,
  };
}
