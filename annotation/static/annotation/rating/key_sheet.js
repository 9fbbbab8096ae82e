/* The sheet of keys: what each key does, and another key in its place. */

import { gettext, interpolate } from "../../evalsite/words.js";
import { options } from "./choices.js";
import { characterOf, commandFor, GIVEN } from "./keymap.js";

const NAMES = {
  skip: gettext("Skip this pair"),
  flag: gettext("Flag this pair"),
  undo: gettext("Change the last answer (also Ctrl Z)"),
  guidelines: gettext("Open or close the guidelines"),
  source: gettext("Show the texts as they were written, or rendered"),
  differences: gettext("Mark the words that only one response has"),
  reference: gettext("Show or hide the reference answer"),
  linked: gettext("Scroll both responses together, or apart"),
  prompt: gettext("Hide or show the prompt"),
  reason: gettext("Write a reason"),
  more: gettext("Show or hide the optional questions"),
  help: gettext("Show these keys"),
};

/* `questions` are all of the bar, `commands` the names of the actions that this page has. */
export function createKeySheet({ dialog, questions, commands, keymap, api, onChange }) {
  const body = dialog.querySelector("#help-keys");
  const message = dialog.querySelector("#help-message");
  const reset = dialog.querySelector("#help-reset");
  const several = questions.length > 1;
  let waiting = null; // the command that gets the next key

  /* Which digits answer, and what: of one question by name, of several by their place. */
  function digits() {
    if (!several) {
      return options(questions[0])
        .flatMap((option) => option.keys.map((key) => [key, option.full]))
        .filter(([key]) => /^\d$/.test(key));
    }
    const used = new Set(questions.flatMap((question) => options(question)).flatMap((o) => o.keys));
    return [..."1234567890"]
      .filter((digit) => used.has(digit))
      .map((digit) => [digit, digitWords(digit)]);
  }

  function digitWords(digit) {
    const named = questions.map((question) =>
      options(question).find((option) => option.keys.includes(digit)),
    );
    const words = [...new Set(named.filter(Boolean).map((option) => option.full))];
    return words.length === 1
      ? words[0]
      : interpolate(gettext("Answer %(digit)s of the question that is marked"), { digit });
  }

  function rows() {
    const arrows = options(questions[0]).some((option) => option.keys.includes("ArrowLeft"));
    return [
      ...(arrows ? [["← →", gettext("Response 1 or Response 2 is better")]] : []),
      ...digits().map(([digit, what]) => [null, what, commandFor(digit)]),
      ["↑ ↓", several ? gettext("Move between the questions") : gettext("Scroll the responses")],
      ...(several ? [["Enter", gettext("Save and show the next pair")]] : []),
      ...Object.keys(GIVEN)
        .filter((name) => commands.includes(name))
        .map((name) => [null, NAMES[name], name]),
      [gettext("Ctrl Enter"), gettext("Save and show the next pair, also from a text field")],
      ["Esc", gettext("Leave a text field, close what is open")],
    ];
  }

  function fill() {
    body.replaceChildren(...rows().map(([keys, what, name]) => rowOf(keys, what, name)));
    reset.hidden = Object.keys(keymap.own).length === 0;
  }

  function rowOf(keys, what, name) {
    const row = document.createElement("tr");
    const [left, middle, right] = [0, 1, 2].map(() => document.createElement("td"));
    for (const part of (keys ?? keymap.keyOf(name)).split(" ")) {
      const element = document.createElement("kbd");
      element.textContent = part;
      left.append(element, " ");
    }
    middle.textContent = what;
    if (name !== undefined) {
      right.append(changer(name, what));
    }
    row.append(left, middle, right);
    return row;
  }

  function changer(name, what) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--quiet button--small";
    button.dataset.command = name;
    button.textContent = waiting === name ? gettext("Press a key") : gettext("Change");
    button.setAttribute("aria-label", interpolate(gettext("Change the key: %(what)s"), { what }));
    button.setAttribute("aria-pressed", String(waiting === name));
    button.addEventListener("click", () => {
      waitFor(waiting === name ? null : name);
      say(
        waiting === null
          ? ""
          : interpolate(gettext("Press the new key for: %(what)s. Esc leaves it as it is."), { what }),
      );
    });
    return button;
  }

  function waitFor(name) {
    const last = name ?? waiting;
    waiting = name;
    fill();
    body.querySelector(`[data-command="${last}"]`)?.focus();
  }

  function say(words) {
    message.textContent = words;
  }

  function take(key) {
    const character = characterOf(key);
    if (character === null) {
      say(gettext("That key types nothing. Choose a letter, a digit or a sign."));
      return;
    }
    const owner = keymap.ownerOf(character);
    const taken = owner !== undefined && owner !== waiting;
    if (taken && isListed(owner)) {
      say(
        interpolate(
          gettext("%(key)s is taken: %(what)s. Choose another key, or change that one first."),
          { key: character, what: wordsOf(owner) },
        ),
      );
      return;
    }
    const name = waiting;
    waitFor(null);
    const saved = interpolate(gettext("%(key)s: %(what)s. Saved."), {
      key: character,
      what: wordsOf(name),
    });
    // What this page does not list gives way: nobody could give it another key here.
    const instead = taken ? { [owner]: keymap.keyOf(name) } : {};
    save({ ...keymap.own, ...instead, [name]: character }, saved);
  }

  function isListed(name) {
    return rows().some(([, , listed]) => listed === name);
  }

  function wordsOf(name) {
    return NAMES[name] ?? digitWords(name.slice(-1));
  }

  async function save(own, words) {
    say(gettext("Saving"));
    let stored;
    try {
      stored = await api.post("keys", { keys: own });
    } catch (error) {
      say(
        error.kind === "refused"
          ? error.message
          : gettext("Your keys cannot be saved now: there is no connection. They are as they were."),
      );
      return;
    }
    keymap.replace(stored.keys);
    onChange();
    fill();
    say(words);
  }

  reset.addEventListener("click", () => {
    waiting = null;
    save({}, gettext("These are the given keys again."));
    dialog.querySelector("#help-title").focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (waiting === null || ["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) {
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    if (event.key === "Escape") {
      waitFor(null);
      say("");
    } else if (!event.repeat) {
      take(event.key);
    }
  });
  // Esc while a key is awaited ends the waiting, not the sheet.
  dialog.addEventListener("cancel", (event) => {
    if (waiting !== null) {
      event.preventDefault();
    }
  });
  dialog.addEventListener("close", () => {
    waiting = null;
    say("");
    fill();
  });

  fill();
}
