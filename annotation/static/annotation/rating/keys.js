/* From keys to actions. Inside a text field keys only type; a repeated key means nothing. */

export const LETTERS = {
  s: "skip",
  f: "flag",
  u: "undo",
  g: "guidelines",
  v: "source",
  d: "differences",
  l: "linked",
  p: "prompt",
  r: "reason",
  m: "more",
  "?": "help",
};

// Keys that answer; which of them mean something depends on the scale.
const ANSWERS = new Set(["ArrowLeft", "ArrowRight", ..."0123456789"]);

export function listenForKeys({ act, answer, move, scroll, submit, escape, lettersOn }) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) {
      return;
    }
    if (takes(event)) {
      event.preventDefault();
    }
  });

  function takes(event) {
    const { key, target } = event;
    const command = event.ctrlKey || event.metaKey;
    if (document.querySelector("dialog[open]")) {
      return false; // the dialog has its own keys
    }
    if (command && key === "Enter") {
      return event.repeat || submit();
    }
    if (key === "Escape") {
      return escape(target);
    }
    if (types(target)) {
      return false;
    }
    if (command && !event.shiftKey && key.toLowerCase() === "z") {
      return event.repeat || act("undo");
    }
    if (command || event.altKey) {
      return false;
    }
    if (key === "ArrowUp" || key === "ArrowDown") {
      const step = key === "ArrowUp" ? -1 : 1;
      return scrollsItself(target, "y") ? false : move(step) || scroll(step * 60);
    }
    if (key === "PageUp" || key === "PageDown") {
      return scrollsItself(target, "y") ? false : scroll(null, key === "PageUp" ? -1 : 1);
    }
    if (key === "Enter") {
      return activates(target) ? false : event.repeat || submit();
    }
    if (!lettersOn() && key.length === 1) {
      return false;
    }
    if (ANSWERS.has(key)) {
      if (key.startsWith("Arrow") && scrollsItself(target, "x")) {
        return false;
      }
      return event.repeat ? true : answer(key);
    }
    const name = LETTERS[key.length === 1 ? key.toLowerCase() : key];
    return name === undefined ? false : event.repeat || act(name);
  }
}

export function types(target) {
  return target.matches(
    "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])",
  );
}

function activates(target) {
  return target.closest("button, a, summary, input") !== null;
}

/* A focused area that has more to show in that direction keeps its arrow keys. */
function scrollsItself(target, axis) {
  if (!target.hasAttribute("tabindex") || target.tabIndex !== 0) {
    return false;
  }
  return axis === "x"
    ? target.scrollWidth > target.clientWidth + 1
    : target.scrollHeight > target.clientHeight + 1;
}
