/* Word by word, what only one of two responses says. Off for every new pair; how often and for how
   long it was looked at goes with the vote. The comparing is a library's, fetched at first use. */

import { gettext } from "../../evalsite/words.js";

// Two long texts without a word in common would take seconds; nobody could read the result.
const LONGEST_MS = 400;

/* What each side is made of: [{ text, own }], or null where the texts differ too much. */
export function partsOf(diffWords, left, right) {
  const changes = diffWords(left, right, { timeout: LONGEST_MS });
  if (changes === undefined) {
    return null;
  }
  const sides = { left: [], right: [] };
  for (const { value, added, removed } of changes) {
    if (!added) {
      sides.left.push({ text: value, own: Boolean(removed) });
    }
    if (!removed) {
      sides.right.push({ text: value, own: Boolean(added) });
    }
  }
  return sides;
}

function nodeOf(parts) {
  const holder = document.createElement("div");
  holder.className = "diffed";
  holder.dir = "auto";
  for (const { text, own } of parts) {
    if (own && text.trim() !== "") {
      const mark = document.createElement("mark");
      mark.className = "own";
      mark.textContent = text;
      holder.append(mark);
    } else {
      holder.append(text);
    }
  }
  return holder;
}

export function createDifferences({ library, view, onChange, notify }) {
  let wanted = false; // by the last press, whatever is still being fetched
  let on = false;
  let since = 0;
  let uses = 0;
  let shownMs = 0;
  let fetched = null;

  function set(value) {
    if (on && !value) {
      shownMs += performance.now() - since;
    } else if (value && !on) {
      since = performance.now();
      uses += 1;
    }
    on = value;
    onChange(on);
  }

  async function show() {
    let diffWords;
    try {
      fetched ??= import(library);
      ({ diffWordsWithSpace: diffWords } = await fetched);
    } catch {
      fetched = null;
      wanted = false;
      notify(gettext("The differences cannot be shown now: there is no connection to the server."));
      return;
    }
    if (!wanted || on) {
      return; // pressed again meanwhile, or another pair is on the screen
    }
    const { left, right } = view.sources();
    const sides = partsOf(diffWords, left, right);
    if (sides === null) {
      wanted = false;
      notify(gettext("These two texts have too little in common to compare word by word."));
      return;
    }
    view.showInstead({ left: nodeOf(sides.left), right: nodeOf(sides.right) });
    set(true);
  }

  return {
    toggle() {
      wanted = !wanted;
      if (wanted) {
        show();
      } else if (on) {
        view.showInstead(null);
        set(false);
      }
    },
    /* A new pair: seen without it first. */
    start() {
      wanted = false;
      set(false);
      uses = 0;
      shownMs = 0;
    },
    /* What goes with the vote. */
    read() {
      const now = on ? performance.now() - since : 0;
      return uses === 0 ? {} : { diff_uses: uses, diff_ms: Math.round(shownMs + now) };
    },
  };
}
