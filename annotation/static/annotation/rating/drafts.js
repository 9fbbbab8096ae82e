/* Answers that were begun. The server keeps them, so that they are there on any device; what it
   has not got yet stays in this browser, and no longer. */

const WAIT_MS = 1000;

export function createDrafts({ api, preferences, served }) {
  let known = served; // what the server has, as far as this page knows
  let timer = 0;

  const unsent = () => preferences.get("draft", null);

  async function send(options = {}) {
    clearTimeout(timer);
    const draft = unsent();
    if (draft === null) {
      return;
    }
    try {
      await api.post("draft", draft, options);
    } catch (error) {
      if (error.kind !== "refused") {
        return; // the next change, or leaving the page, tries again
      }
    }
    known = draft;
    if (unsent() === draft) {
      preferences.set("draft", null);
    }
  }

  return {
    /* What was begun on a pair: what is only here is newer than what the server has. */
    of(assignment) {
      return [unsent(), known].find((draft) => draft?.assignment === assignment) ?? {};
    },
    save(draft) {
      preferences.set("draft", draft);
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
