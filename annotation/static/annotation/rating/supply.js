/* The pairs this page holds: the one on the screen and those fetched ahead, each made ready to be
   shown before it is needed. */

// The queue lends at most so many to one person.
const MOST_HELD = 3;

export function createSupply({ api, outbox, prepare, onProgress }) {
  const ready = new Map(); // id -> { pair, content: Promise of prepared nodes }
  const settled = new Set(); // answered or skipped on this page
  let order = [];
  let asking = null;
  let empty = null;
  let version = null; // of the study, as the server last said

  function usable(id) {
    return !settled.has(id) && !outbox.settles(id);
  }

  async function ask() {
    const before = outbox.changes;
    const answer = await api.post("next", {
      // The server still counts as held what is answered here but not yet stored.
      want: Math.min(MOST_HELD, 2 + outbox.size),
      have: [...ready.keys()],
    });
    for (const pair of answer.pairs) {
      if (!ready.has(pair.id) && pair.left && usable(pair.id)) {
        ready.set(pair.id, { pair, practice: answer.practice, content: prepare(pair) });
      }
    }
    order = answer.pairs.map((pair) => pair.id).filter((id) => ready.has(id) && usable(id));
    empty = answer.empty;
    version = answer.version;
    // Counts that were taken while an answer was on its way may or may not hold it.
    onProgress(answer.progress, outbox.waiting === 0 && outbox.changes === before);
    return answer;
  }

  return {
    /* Fill up from the server. Several calls at once share one request. */
    refill() {
      asking ??= ask().finally(() => {
        asking = null;
      });
      return asking;
    },
    /* The first usable pair, or null. `except` is on the screen already. */
    peek(except = null) {
      order = order.filter(usable);
      const id = order.find((candidate) => candidate !== except);
      return id === undefined ? null : ready.get(id);
    },
    /* The pair was answered or skipped: it is not shown again, unless by undo. */
    settle(id) {
      settled.add(id);
      ready.delete(id);
    },
    /* The answer to the pair was discarded: it may be shown again. */
    reopen(id) {
      settled.delete(id);
    },
    /* Lost to others before it was seen. */
    drop(id) {
      ready.delete(id);
      order = order.filter((other) => other !== id);
    },
    get heldIds() {
      return order.filter(usable);
    },
    get empty() {
      return empty;
    },
    get version() {
      return version;
    },
  };
}
