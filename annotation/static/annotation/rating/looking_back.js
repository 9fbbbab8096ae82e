/* An own answer shown again, to be changed: the last one, or an earlier one by its pair. */

import { gettext } from "../../evalsite/words.js";

export function createLookingBack({ api, view, notify, nameOf }) {
  return {
    /* The decision as the server has it, or null after saying why there is none. */
    async fetch(assignment, number) {
      let answer;
      try {
        answer = await api.post("undo", assignment === null ? {} : { assignment });
      } catch (error) {
        notify(
          error.kind === "network"
            ? gettext("There is no connection now. Try again in a moment.")
            : error.message,
        );
        return null;
      }
      if (answer.pair === null) {
        notify(gettext("There is no answer to change yet."));
        return null;
      }
      const { pair, answers, rationale, tags, confidence } = answer;
      return {
        entry: { pair, content: view.prepare(pair) },
        answers,
        remarks: { rationale, tags, confidence },
        words: nameOf(answers),
        number,
        isEarlier: assignment !== null,
      };
    },
  };
}

/* The pair whose answer the address asks to change; it is asked once. */
export function takeAskedChange() {
  const found = /^#change=([0-9a-f-]{36})$/.exec(window.location.hash);
  if (found === null) {
    return null;
  }
  history.replaceState(null, "", window.location.pathname + window.location.search);
  return found[1];
}
