/* The state of saving, always true, in a few words. */

import { gettext, interpolate, ngettext } from "../../evalsite/words.js";

const FILE_NAME = "answers-not-stored.json";


export function createSaveChip({ outbox, pageUrl, signInUrl }) {
  const chip = document.getElementById("save-chip");
  const text = document.getElementById("save-text");
  const action = document.getElementById("save-action");
  const download = document.getElementById("save-download");
  const discard = document.getElementById("save-discard");
  let act = () => {};

  action.addEventListener("click", () => act());
  download.addEventListener("click", () => offerFile(outbox().stuck));
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

  const retry = () => outbox().retry();
  const open = (url) => () => window.open(url, "_blank", "noopener");

  return function show({ waiting, stuck, refusal, trouble, storedOnce }) {
    download.hidden = stuck === 0;
    discard.hidden = stuck === 0;
    if (waiting > 0 && trouble === "other_account") {
      const words = ngettext(
        "Signed in as someone else on this browser. Sign in again to send %(count)s answer.",
        "Signed in as someone else on this browser. Sign in again to send %(count)s answers.",
        waiting,
      );
      say("warning", interpolate(words, { count: waiting }), gettext("Sign in"), open(signInUrl));
    } else if (waiting > 0 && trouble === "signed_out") {
      const words = ngettext(
        "Signed out, %(count)s answer not saved",
        "Signed out, %(count)s answers not saved",
        waiting,
      );
      say("error", interpolate(words, { count: waiting }), gettext("Sign in"), open(pageUrl));
    } else if (stuck > 0) {
      const words = ngettext(
        "%(count)s answer not stored, but kept here: %(refusal)s",
        "%(count)s answers not stored, but kept here: %(refusal)s",
        stuck,
      );
      say("error", interpolate(words, { count: stuck, refusal }), gettext("Try again"), retry);
    } else if (waiting > 0 && trouble) {
      const words = ngettext(
        "%(count)s answer not saved, retrying",
        "%(count)s answers not saved, retrying",
        waiting,
      );
      say("warning", interpolate(words, { count: waiting }), gettext("Try now"), retry);
    } else if (waiting > 0) {
      say("info", gettext("Saving"));
    } else if (storedOnce) {
      say("ok", gettext("Saved"));
    } else {
      chip.hidden = true;
    }
  };
}

/* What could not be stored, as a file that its author can keep or send to the researchers. */
function offerFile(entries) {
  const blob = new Blob([JSON.stringify(entries, null, 2)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = FILE_NAME;
  link.click();
  URL.revokeObjectURL(link.href);
}
