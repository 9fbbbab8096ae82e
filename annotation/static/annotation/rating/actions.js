/* What the buttons and keys of the rating page do, by the names that its template gives them. */

import { gettext, interpolate, ngettext } from "../../evalsite/words.js";
import { askForReason } from "./dialogs.js";

export function createActions(parts) {
  const { session, bar, tools, practice, differences, swiping, reason } = parts;
  const { screen, keymap, preferences } = parts;

  function setMore(on) {
    bar.setOpen(on);
    const more = document.getElementById("more");
    const count = bar.optionalCount;
    const questions = interpolate(
      ngettext("%(count)s more question", "%(count)s more questions", count),
      { count },
    );
    const key = document.createElement("kbd");
    key.textContent = keymap.keyOf("more");
    more.replaceChildren(`${on ? gettext("Only the first question") : questions} `, key);
    more.setAttribute("aria-expanded", String(on));
    more.hidden = count === 0;
  }

  async function remark(kind) {
    if (!session.isShowing || session.isRevising) {
      return;
    }
    const id = session.currentId;
    const said = await askForReason(document.getElementById(`${kind}-dialog`));
    if (said !== null && id === session.currentId) {
      session[kind](said);
    }
    screen.focusPrompt();
  }

  const does = {
    skip: () => remark("skip"),
    flag: () => remark("flag"),
    undo: () => session.undo(),
    keep: () => session.keep(),
    submit,
    guidelines: tools.guidelines,
    help: () => document.getElementById("help").showModal(),
    source() {
      tools.source();
      session.noteUse("source");
    },
    differences() {
      if (session.isShowing) {
        differences.toggle();
      }
    },
    linked: tools.linked,
    prompt: tools.prompt,
    reference: tools.reference,
    swipe: () => swiping.toggle(),
    reason: () => reason.toggle(),
    more() {
      if (bar.optionalCount > 0) {
        setMore(!bar.open);
        preferences.set("more", bar.open);
      }
    },
  };

  function act(name) {
    does[name]();
    return true;
  }

  function submit() {
    if (practice.proceed()) {
      return true;
    }
    if (!session.isShowing) {
      return false;
    }
    if (!bar.collects) {
      screen.notify(gettext("Choose an answer: it is saved at once."));
      return true;
    }
    if (!session.noteAnswer()) {
      return true;
    }
    const missing = bar.seekMissing();
    if (missing !== null) {
      screen.notify(interpolate(gettext("Not answered yet: %(question)s"), { question: missing.question }));
    } else if (reason.missing !== "") {
      screen.notify(reason.missing);
      reason.focus();
    } else {
      bar.send();
    }
    return true;
  }

  return { act, submit, setMore, names: Object.keys(does) };
}
