/* From keys to actions. Inside a text field keys only type; a repeated key means nothing. */

export function listenForKeys({ act, answer, move, scroll, submit, escape, lettersOn, keymap }) {
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
    const chord = event.ctrlKey || event.metaKey;
    if (document.querySelector("dialog[open]")) {
      return false; // the dialog has its own keys
    }
    if (chord && key === "Enter") {
      return event.repeat || submit();
    }
    if (key === "Escape") {
      return escape(target);
    }
    if (types(target)) {
      return false;
    }
    if (chord && !event.shiftKey && key.toLowerCase() === "z") {
      return event.repeat || act("undo");
    }
    if (chord || event.altKey) {
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
    if (key === "ArrowLeft" || key === "ArrowRight") {
      return scrollsItself(target, "x") ? false : event.repeat || answer(key);
    }
    const command = lettersOn() ? keymap.commandOf(key) : null;
    if (command === null) {
      return false;
    }
    if (command.digit !== undefined) {
      return event.repeat || answer(command.digit);
    }
    return event.repeat || act(command.action);
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
