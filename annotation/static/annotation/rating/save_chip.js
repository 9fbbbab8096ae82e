/* The state of saving, always true, in a few words. */

export function createSaveChip({ outbox, signInUrl }) {
  const chip = document.getElementById("save-chip");
  const text = document.getElementById("save-text");
  const action = document.getElementById("save-action");
  const discard = document.getElementById("save-discard");
  let act = () => {};

  action.addEventListener("click", () => act());
  discard.addEventListener("click", () => outbox().discardStuck());

  function say(tone, words, button = "", onAct = () => {}) {
    chip.hidden = false;
    text.className = `status status--${tone}`;
    if (text.textContent !== words) {
      text.textContent = words;
    }
    action.hidden = button === "";
    action.textContent = button;
    act = onAct;
  }

  return function show(state) {
    discard.hidden = state.stuck === 0;
    const unsaved = state.waiting === 1 ? "1 answer not saved" : `${state.waiting} answers not saved`;
    if (state.stuck > 0) {
      say("error", `Not saved: ${state.refusal}`, "Try again", () => outbox().retry());
    } else if (state.waiting > 0 && state.signedOut) {
      say("error", `Signed out, ${unsaved}`, "Sign in", () => {
        window.open(signInUrl, "_blank", "noopener");
      });
    } else if (state.waiting > 0 && state.retrying) {
      say("warning", `${unsaved}, retrying`, "Try now", () => outbox().retry());
    } else if (state.waiting > 0) {
      say("info", "Saving");
    } else if (state.storedOnce) {
      say("ok", "Saved");
    } else {
      chip.hidden = true;
    }
  };
}
