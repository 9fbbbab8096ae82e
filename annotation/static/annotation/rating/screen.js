/* What stands on the page: a pair, or a sentence that says why there is none. And everything that
   is said in passing. */

import { gettext, interpolate } from "../../evalsite/words.js";

const NOTICE_MS = 12000;

export function createScreen({ ending }) {
  const [state, title, text, action, undo, work, decision, count, last, lastText, undoLast, notice,
    noticeText, announcer] = [
    "state", "state-title", "state-text", "state-action", "state-undo", "work", "decision", "count",
    "last", "last-text", "undo", "notice", "notice-text", "announcer",
  ].map((id) => document.getElementById(id));
  const heading = document.getElementById("prompt-heading");
  let act = () => {};
  let fading = 0;

  action.addEventListener("click", () => act());
  document.getElementById("notice-close").addEventListener("click", () => {
    notice.hidden = true;
  });

  return {
    /* `completion` where work has come to an end: a code to go back with, or null. */
    showState({
      heading: words,
      explanation = "",
      button = "",
      onButton = () => {},
      canUndo = false,
      completion,
    }) {
      work.hidden = true;
      decision.hidden = true;
      state.hidden = false;
      title.textContent = words;
      text.textContent = explanation;
      action.hidden = button === "";
      action.textContent = button;
      act = onButton;
      undo.hidden = !canUndo;
      if (completion === undefined) {
        ending.hide();
      } else {
        ending.show(completion);
      }
    },
    focusState() {
      title.focus({ preventScroll: true });
    },
    showWork(number, round = null) {
      state.hidden = true;
      work.hidden = false;
      decision.hidden = false;
      const place = document.createElement("span");
      place.className = "prompt__number faint";
      place.textContent =
        round === null
          ? nameOf(number)
          : interpolate(gettext("Practice pair %(number)s of %(of)s"), round);
      count.hidden = round !== null;
      heading.replaceChildren(`${gettext("Prompt")} `, place);
    },
    focusPrompt() {
      heading.focus({ preventScroll: true });
    },
    showCount(voted, maximum) {
      count.textContent = interpolate(
        maximum === null ? gettext("%(voted)s rated") : gettext("%(voted)s of %(maximum)s rated"),
        { voted, maximum },
      );
    },
    showLast(words) {
      lastText.textContent = words;
      undoLast.hidden = words === "";
      last.classList.toggle("is-empty", words === "");
    },
    notify(words) {
      clearTimeout(fading);
      noticeText.textContent = words;
      notice.hidden = false;
      fading = setTimeout(() => {
        notice.hidden = true;
      }, NOTICE_MS);
    },
    announce(words) {
      announcer.textContent = words;
    },
  };
}

/* A pair of long ago is shown without its number, which nobody knows by heart. */
function nameOf(number) {
  return number === null
    ? gettext("An earlier pair")
    : interpolate(gettext("Pair %(number)s"), { number });
}
