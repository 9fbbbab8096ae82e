/* The pairs this page holds: the one on the screen and those fetched ahead, each made ready to be
   shown before it is needed. */

// The queue lends at most so many to one person.
const MOST_HELD = 3;
// The pair on the screen and the one after it.
const ENOUGH = 2;

export function createSupply({ api, outbox, prepare, onProgress }) {
  const ready = new Map(); // id -> { pair, content: Promise of prepared nodes }
  const settled = new Set(); // answered or skipped on this page
  let order = [];
  let asking = null;
  let empty = null;
  let version = null; // of the study, as the server last said
  let brought = 0; // how often a stored vote came back with pairs

  function usable(id) {
    return !settled.has(id) && !outbox.settles(id);
  }

  function take(answer, exact) {
    for (const pair of answer.pairs) {
      if (!ready.has(pair.id) && pair.left && usable(pair.id)) {
        ready.set(pair.id, { pair, practice: answer.practice, content: prepare(pair) });
      }
    }
    order = answer.pairs.map((pair) => pair.id).filter((id) => ready.has(id) && usable(id));
    empty = answer.empty;
    version = answer.version;
    onProgress(answer.progress, exact);
  }

  /* `unstored`: how many answers the server will still count as held when it reads this. */
  function wish(unstored) {
    return { want: Math.min(MOST_HELD, ENOUGH + unstored), have: [...ready.keys()] };
  }

  async function ask() {
    const before = outbox.changes;
    const answer = await api.post("next", wish(outbox.size));
    // Counts that were taken while an answer was on its way may or may not hold it.
    take(answer, outbox.waiting === 0 && outbox.changes === before);
  }

  async function fill() {
    const before = brought;
    await outbox.carried();
    if (brought === before) {
      await ask();
    }
  }

  /* Several calls at once share one request, be it that of a vote on its way, which brings pairs,
     too. */
  function refill() {
    asking ??= fill().finally(() => {
      asking = null;
    });
    return asking;
  }

  return {
    /* Ask the server what this page may show. */
    refill,
    /* The same, unless enough is held and known to be. */
    topUp() {
      const isFull = outbox.waiting === 0 && order.filter(usable).length >= ENOUGH;
      return isFull ? Promise.resolve() : refill();
    },
    /* What a vote asks for on its way: its own pair is stored before anything is lent. */
    wish: () => wish(outbox.size - 1),
    /* What a stored vote came back with. */
    bring(answer) {
      brought += 1;
      take(answer, outbox.waiting === 0);
    },
    /* The first usable pair, or null. `except` is on the screen already. */
    peek(except = null) {
      order = order.filter(usable);
      const id = order.find((candidate) => candidate !== except);
      return id === undefined ? null : ready.get(id);
    },
    isPractice: (id) => Boolean(ready.get(id)?.practice),
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
