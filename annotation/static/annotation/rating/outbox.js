/* What was decided and is not yet stored by the server. It outlives the page: identifiers,
   answers, durations and the annotator's own words; never a prompt or a response. */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60000;
const PATIENCE_MS = 1000;
// Storage that other code may read by its beginning: see evalsite/static/evalsite/sign_out.js.
const PREFIX = "evalsite.outbox.";

export function newKey() {
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  // Only offered on secure origins; a plain address within a company is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function createOutbox({
  name,
  page,
  account,
  api,
  reasonOf,
  wishOf,
  onChange,
  onStored,
  onRefused,
  onDiscarded,
}) {
  const key = PREFIX + name;
  // Storage is the truth, since other tabs write it too; without storage, this list is.
  let entries = [];
  let storageWorks = true;
  let sending = false;
  let trouble = ""; // the kind of the last failure, while entries wait because of it
  let attempt = 0;
  let timer = 0;
  let storedOnce = false;
  let changes = 0;
  let starting = null; // from here on until other tabs have let this one send
  let carrying = null; // while a vote is on its way that brings pairs back

  function read() {
    if (storageWorks) {
      try {
        entries = JSON.parse(localStorage.getItem(key) ?? "null")?.entries ?? [];
      } catch {
        storageWorks = false;
      }
    }
    return entries;
  }

  function change(next) {
    changes += 1;
    entries = next;
    try {
      if (entries.length === 0) {
        localStorage.removeItem(key);
      } else {
        localStorage.setItem(key, JSON.stringify({ page, account, entries }));
      }
    } catch {
      storageWorks = false; // blocked or full: entries live with this page, and closing it warns
    }
    onChange(state());
  }

  function state() {
    const stuck = read().filter((entry) => entry.refusal);
    return {
      waiting: entries.length - stuck.length,
      stuck: stuck.length,
      refusal: stuck[0]?.refusal ?? "",
      trouble,
      storedOnce,
    };
  }

  function remove(entry) {
    change(read().filter((other) => other.id !== entry.id));
  }

  async function drain(options = {}) {
    if (sending) {
      return;
    }
    sending = true;
    clearTimeout(timer);
    let begun;
    starting = new Promise((resolve) => {
      begun = resolve;
    });
    const begin = () => {
      const sent = sendAll(options);
      starting = null;
      begun();
      return sent;
    };
    const emptied = navigator.locks
      ? await navigator.locks.request(key, begin)
      : await begin(); // the keys make a second send from another tab harmless
    sending = false;
    onChange(state());
    // Something may have been added between the last look and now.
    if (emptied && read().some((entry) => !entry.refusal)) {
      drain(options);
    }
  }

  /* True when nothing is left to send; false when it has to wait for a better moment. */
  async function sendAll(options) {
    for (;;) {
      const entry = read().find((candidate) => !candidate.refusal);
      if (!entry) {
        trouble = ""; // another tab may have sent what waited
        return true;
      }
      onChange(state());
      // A page that is left needs no pairs.
      const next = options.keepalive ? null : wishOf(entry);
      const delivery = deliver(entry, next === null ? entry.body : { ...entry.body, next }, options);
      carrying = next === null ? null : delivery.catch(() => {});
      try {
        await delivery;
      } catch (error) {
        if (error.kind === "refused") {
          refused(entry, error);
          continue;
        }
        trouble = error.kind;
        wait();
        return false;
      } finally {
        carrying = null;
      }
    }
  }

  async function deliver(entry, body, options) {
    succeeded(entry, await api.post(entry.kind, body, options));
  }

  function succeeded(entry, stored) {
    attempt = 0;
    trouble = "";
    storedOnce = true;
    remove(entry);
    onStored(entry, stored);
  }

  function refused(entry, error) {
    attempt = 0;
    trouble = "";
    // Only what the server has is let go, and a skip that it does not take now: the pair stays.
    // The rest is kept until the annotator decides about it.
    if (error.body.stored === true || error.code === "skip_limit") {
      remove(entry);
    } else {
      const refusal = reasonOf(error);
      change(read().map((other) => (other.id === entry.id ? { ...other, refusal } : other)));
    }
    onRefused(entry, error);
  }

  function wait() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    attempt += 1;
    timer = setTimeout(drain, FIRST_WAIT_MS / 2 + Math.random() * longest);
  }

  window.addEventListener("storage", (event) => {
    if (event.key === key) {
      onChange(state());
    }
  });

  return {
    add(kind, body) {
      change([...read(), { id: newKey(), kind, body }]);
      // While it waits after a failure, a new entry is a good moment to try again.
      return drain();
    },
    retry() {
      attempt = 0;
      change(read().map(({ refusal, ...entry }) => entry));
      return drain();
    },
    discardStuck() {
      const stuck = this.stuck;
      change(read().filter((entry) => !entry.refusal));
      onDiscarded(stuck);
    },
    get stuck() {
      return read().filter((entry) => entry.refusal);
    },
    /* Whether something is unsent, or refused and kept nowhere but in this page. */
    get isLostOnLeaving() {
      return state().waiting > 0 || (!storageWorks && entries.length > 0);
    },
    get waiting() {
      return state().waiting;
    },
    drain,
    state,
    get size() {
      return read().length;
    },
    /* Once a vote that is on its way and brings pairs has arrived or failed; at once without one.
       Other tabs that send for longer are not waited for. */
    async carried() {
      await Promise.race([starting, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      await carrying;
    },
    /* Grows whenever something is added or settled. */
    get changes() {
      return changes;
    },
    get unsentVotes() {
      return read().filter(
        (entry) => entry.kind === "vote" && !entry.body.revises && !entry.refusal,
      ).length;
    },
    /* Whether a vote or a skip of this pair is on its way. */
    settles(assignment) {
      return read().some(
        (entry) => entry.kind !== "flag" && entry.body.assignment === assignment,
      );
    },
  };
}
