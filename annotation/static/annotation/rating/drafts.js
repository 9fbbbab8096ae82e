/* Answers that were begun. The server keeps them, so that they are there on any device; what it
   has not got yet stays in this browser, and no longer. Each is dated by the server's clock, so
   that the newest stands wherever it was written and in whatever order it arrives. */

const WAIT_MS = 1000;

/* `served` is what the server had, `now` its clock, both when the page was made. */
export function createDrafts({ api, preferences, served, now }) {
  const ahead = Date.now() - now; // of this device's clock
  let known = served; // what the server has, as far as this page knows
  let sending = null; // the draft that is on its way
  let another = false; // a newer one waits for it
  let timer = 0;

  const unsent = () => preferences.get("draft", null);

  function newestFirst() {
    const drafts = [unsent(), known].filter(Boolean);
    return drafts.sort((one, other) => (other.written_at ?? 0) - (one.written_at ?? 0));
  }

  async function send(options = {}) {
    clearTimeout(timer);
    const draft = unsent();
    if (draft === null || draft === sending) {
      return;
    }
    // One at a time: the newest waits for the one on its way. Not when the page is being left,
    // where waiting may be losing; the dates keep the order.
    if (sending !== null && !options.keepalive) {
      another = true;
      return;
    }
    sending = draft;
    try {
      settle(draft, await api.post("draft", draft, options));
    } catch (error) {
      if (error.kind === "refused") {
        settle(draft, { kept: true }); // sent again it is refused again
      }
      // Otherwise the next change, or leaving the page, tries again.
    }
    if (sending === draft) {
      sending = null;
    }
    if (another && sending === null) {
      another = false;
      send();
    }
  }

  function settle(draft, { kept, draft: instead = null }) {
    if (!kept) {
      known = instead;
    } else if (!(known?.written_at > draft.written_at)) {
      known = draft;
    }
    if (unsent() === draft) {
      preferences.set("draft", null);
    }
  }

  return {
    /* What was begun on a pair, here or elsewhere. */
    of(assignment) {
      const begun = newestFirst().find((draft) => draft.assignment === assignment) ?? {};
      const { answers, rationale = "", tags = [], confidence = null } = begun;
      return { answers, remarks: { rationale, tags, confidence } };
    },
    save(draft) {
      preferences.set("draft", { ...draft, written_at: Date.now() - ahead });
      clearTimeout(timer);
      timer = setTimeout(send, WAIT_MS);
    },
    /* The pair was answered or skipped; what was begun on another one stays. */
    clear(assignment) {
      if (known?.assignment === assignment) {
        known = null;
      }
      if (unsent()?.assignment === assignment) {
        clearTimeout(timer);
        preferences.set("draft", null);
      }
    },
    send,
  };
}
