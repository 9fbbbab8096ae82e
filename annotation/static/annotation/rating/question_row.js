/* One question as elements: its text and a button for each answer. */

import { gettext, interpolate } from "../../evalsite/words.js";
import { optionFor, options } from "./choices.js";
import { commandFor } from "./keymap.js";

export function createQuestionRow(criterion, onChoose, keymap) {
  const element = document.createElement("div");
  element.className = `question question--${criterion.scale}`;
  // Two kinds of names: a study may call a criterion what a further question is called.
  const [kind, name] = criterion.kind ? ["further", criterion.kind] : ["criterion", criterion.key];
  element.dataset[kind] = name;
  element.setAttribute("role", "group");

  const text = document.createElement("p");
  text.className = "question__text";
  text.id = `${kind}-${name}`;
  text.textContent = criterion.question;
  if (typeof criterion.lang === "string") {
    text.lang = criterion.lang;
    text.dir = "auto";
  }
  if (!criterion.required) {
    text.append(" ", span("muted", gettext("(optional)")));
  }
  element.setAttribute("aria-labelledby", text.id);

  const choices = document.createElement("div");
  choices.className = "choices";
  const buttons = options(criterion).map((option) => ({ option, button: buildButton(option) }));
  choices.append(...buttons.map(({ button }) => button));
  element.append(text, choices);

  function buildButton(option) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "choice-button";
    button.dataset.choice = option.choice;
    if (option.margin !== null) {
      button.dataset.margin = option.margin;
    }
    button.setAttribute("aria-label", option.full);
    if (option.sign !== "") {
      const key = document.createElement("kbd");
      key.textContent = signOf(option);
      button.append(key);
    }
    const label = span("choice-button__label", option.label);
    if (option.lang !== undefined) {
      label.lang = option.lang;
      label.dir = "auto";
    }
    button.append(label);
    button.addEventListener("click", () => onChoose(criterion, option));
    return button;
  }

  /* A digit may have been given another key; an arrow stays what it is. */
  function signOf(option) {
    return /^\d$/.test(option.sign) ? keymap.keyOf(commandFor(option.sign)) : option.sign;
  }

  return {
    criterion,
    showKeys() {
      for (const { option, button } of buttons) {
        const key = button.querySelector("kbd");
        if (key !== null) {
          key.textContent = signOf(option);
        }
      }
    },
    element,
    update({ visible, focused, answer, earlier, collects, ticked }) {
      const chosen = optionFor(criterion, answer);
      const before = optionFor(criterion, earlier);
      element.hidden = !visible;
      element.classList.toggle("is-focused", focused);
      for (const { option, button } of buttons) {
        if (collects) {
          button.setAttribute("aria-pressed", String(ticked?.has(option.choice) ?? isSame(option, chosen)));
        } else {
          button.removeAttribute("aria-pressed");
        }
        const was = isSame(option, before);
        button.classList.toggle("was-chosen", was);
        const name = was ? gettext("%(answer)s (your last answer)") : "%(answer)s";
        button.setAttribute("aria-label", interpolate(name, { answer: option.full }));
      }
    },
  };
}

export function isSame(one, other) {
  return Boolean(one && other) && one.choice === other.choice && one.margin === other.margin;
}

function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}
