/* Help, instructions, and the two short forms that ask for a reason. */

import { LETTERS } from "./keys.js";

const NAMES = {
  skip: "Skip this pair",
  flag: "Flag this pair",
  undo: "Change the last answer (also Ctrl Z)",
  guidelines: "Open or close the guidelines",
  source: "Show the texts as they were written, or rendered",
  differences: "Mark the words that only one response has",
  linked: "Scroll both responses together, or apart",
  prompt: "Hide or show the prompt",
  reason: "Write a reason",
  more: "Show or hide the optional questions",
  help: "Show these keys",
};

export function fillHelp(body, options, several) {
  const rows = [
    ...options.map((option) => [option.sign, option.full]),
    ...(several
      ? [
          ["↑ ↓", "Move between the questions"],
          ["Enter", "Save and show the next pair"],
        ]
      : [["↑ ↓", "Scroll the responses"]]),
    ...Object.entries(LETTERS)
      .filter(([, name]) => name !== "more" || several)
      .map(([key, name]) => [key, NAMES[name]]),
    ["Ctrl Enter", "Save and show the next pair, also from a text field"],
    ["Esc", "Leave a text field, close what is open"],
  ];
  body.replaceChildren(
    ...rows.map(([key, what]) => {
      const row = document.createElement("tr");
      const keys = document.createElement("td");
      for (const part of key.split(" ")) {
        const element = document.createElement("kbd");
        element.textContent = part;
        keys.append(element, " ");
      }
      const text = document.createElement("td");
      text.textContent = what;
      row.append(keys, text);
      return row;
    }),
  );
}

/* A form with reasons: digits choose one, Enter sends. Resolves to { reason, note } or null. */
export function askForReason(dialog) {
  const form = dialog.querySelector("form");
  const radios = [...form.querySelectorAll("input[name=reason]")];
  form.reset();
  dialog.returnValue = "cancel";
  dialog.showModal();
  radios[0].focus();

  function onKey(event) {
    if (event.target.matches("textarea")) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        form.requestSubmit(form.querySelector("button[value=send]"));
      }
      return;
    }
    if (event.key === "Enter" && !event.target.matches("button")) {
      // Without this, Enter would press the first button of the form, which cancels.
      event.preventDefault();
      if (!event.repeat) {
        form.requestSubmit(form.querySelector("button[value=send]"));
      }
      return;
    }
    const radio = radios[Number(event.key) - 1];
    if (radio && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      radio.checked = true;
      radio.focus();
    }
  }

  dialog.addEventListener("keydown", onKey);
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        dialog.removeEventListener("keydown", onKey);
        const chosen = radios.find((radio) => radio.checked);
        resolve(
          dialog.returnValue === "send" && chosen
            ? { reason: chosen.value, note: form.elements.note.value.trim() }
            : null,
        );
      },
      { once: true },
    );
  });
}

export function showWelcome(dialog) {
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}
