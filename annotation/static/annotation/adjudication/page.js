/* Makes the adjudicator's form quicker: keys, formulas, source, and a draft that outlives a failed
   send. Without it the form works as it is. */

import { typeset } from "../rating/math.js";
import { createDraft, forgetDrafts } from "./draft.js";

const root = document.getElementById("adjudication");
const form = document.getElementById("decision");

if (form === null) {
  forgetDrafts();
} else {
  const questions = [...form.querySelectorAll("[data-question]")];
  const save = document.getElementById("save");
  const skip = document.getElementById("skip");
  const source = document.getElementById("source-toggle");
  const draft = createDraft(root.dataset.case, form);
  let current = Math.max(0, questions.findIndex(isOpen));

  if (save !== null) {
    draft.restore();
  } else {
    draft.forget();
  }
  typeset(root, {
    script: root.dataset.katexScript,
    style: root.dataset.katexStyle,
  }).then(markScrollers);
  window.addEventListener("resize", markScrollers);
  root.classList.add("has-keys");
  source.hidden = false;
  mark();
  document.getElementById("problem")?.focus();

  form.addEventListener("input", draft.keep);
  form.addEventListener("focusin", (event) => {
    const at = questions.indexOf(event.target.closest("[data-question]"));
    if (at >= 0) {
      current = at;
      mark();
    }
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent !== undefined) {
      event.preventDefault(); // a second click while the first is on its way
      return;
    }
    form.dataset.sent = "";
  });
  // Back to this page from the browser's memory: it may be sent again.
  window.addEventListener("pageshow", () => delete form.dataset.sent);
  source.addEventListener("click", toggleSource);
  document.addEventListener("keydown", onKey);

  function isOpen(question) {
    return question.querySelector("input:checked") === null;
  }

  function mark() {
    questions.forEach((question, index) => {
      question.classList.toggle("is-focused", index === current);
    });
  }

  /* What scrolls sideways must be reachable by keyboard. */
  function markScrollers() {
    for (const element of root.querySelectorAll("pre, .table-scroll, .math.display")) {
      if (element.scrollWidth > element.clientWidth) {
        element.tabIndex = 0;
      } else {
        element.removeAttribute("tabindex");
      }
    }
  }

  function toggleSource() {
    const on = source.getAttribute("aria-pressed") !== "true";
    source.setAttribute("aria-pressed", String(on));
    for (const element of root.querySelectorAll(".rendered, .source")) {
      element.hidden = element.classList.contains("source") !== on;
    }
    markScrollers();
  }

  function onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (save !== null) {
        form.requestSubmit(save);
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
      return;
    }
    if (event.target.closest("textarea, input:not([type=radio]), select")) {
      if (event.key === "Escape") {
        event.target.blur();
      }
      return;
    }
    if (event.key === "v") {
      toggleSource();
    } else if (event.key === "s" && skip !== null && save !== null) {
      form.requestSubmit(skip);
    } else if (save !== null) {
      choose(event.key);
    }
  }

  function choose(key) {
    const question = questions[current];
    const option = [...question.querySelectorAll("input")].find(
      (input) => input.dataset.key === key,
    );
    if (option === undefined) {
      return;
    }
    option.checked = true;
    option.focus({ preventScroll: false });
    option.dispatchEvent(new Event("input", { bubbles: true }));
    const next = questions.findIndex(isOpen);
    if (next >= 0) {
      current = next;
      mark();
    }
  }
}
