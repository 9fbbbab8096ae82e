/* A reason in the annotator's own words: off, optional, or required with a least length. */

import { gettext, interpolate } from "../../evalsite/words.js";

export function createReasonBox({ answering, onToggle, onInput }) {
  const box = document.getElementById("reason");
  const area = document.getElementById("reason-text");
  const count = document.getElementById("reason-count");
  const toggle = document.querySelector('[data-action="reason"]');
  const least = answering.rationale_min;
  const required = answering.rationale === "required";

  if (answering.rationale !== "optional") {
    toggle.hidden = true; // never there, or always open
  }
  area.required = required;
  area.addEventListener("input", () => {
    tellLength();
    onInput();
  });

  function length() {
    return [...area.value.trim()].length;
  }

  function tellLength() {
    count.hidden = least <= 1;
    count.textContent = interpolate(gettext("%(written)s of %(least)s characters"), {
      written: Math.min(length(), least),
      least,
    });
  }

  function show(on) {
    box.hidden = !on;
    toggle.setAttribute("aria-expanded", String(on));
    onToggle(on);
  }

  return {
    start(words) {
      area.value = words;
      tellLength();
      show(required || words !== "");
    },
    get text() {
      return box.hidden ? "" : area.value.trim();
    },
    /* What is missing, in words; empty if nothing is. */
    get missing() {
      if (!required || length() >= least) {
        return "";
      }
      return least > 1
        ? interpolate(gettext("Give a reason of at least %(least)s characters."), { least })
        : gettext("Give a reason before you save.");
    },
    focus() {
      area.focus();
    },
    /* Open it for writing, or close it, where that is up to the annotator. */
    toggle() {
      if (answering.rationale === "off") {
        return;
      }
      if (required) {
        area.focus();
        return;
      }
      show(box.hidden);
      if (!box.hidden) {
        area.focus();
      }
    },
  };
}
