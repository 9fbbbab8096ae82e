/* The state of saving, always true, in a few words. */

const FILE_NAME = "answers-not-stored.json";

const counted = (count) => (count === 1 ? "1 answer" : `${count} answers`);

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

  const open = (url) => () => window.open(url, "_blank", "noopener");

  return function show({ waiting, stuck, refusal, trouble, storedOnce }) {
    download.hidden = stuck === 0;
    discard.hidden = stuck === 0;
    const unsaved = `${counted(waiting)} not saved`;
    if (waiting > 0 && trouble === "other_account") {
      const words = `Signed in as someone else on this browser. Sign in again to send ${counted(waiting)}.`;
      say("warning", words, "Sign in", open(signInUrl));
    } else if (waiting > 0 && trouble === "signed_out") {
      say("error", `Signed out, ${unsaved}`, "Sign in", open(pageUrl));
    } else if (stuck > 0) {
      const words = `${counted(stuck)} not stored, but kept here: ${refusal}`;
      say("error", words, "Try again", () => outbox().retry());
    } else if (waiting > 0 && trouble) {
      say("warning", `${unsaved}, retrying`, "Try now", () => outbox().retry());
    } else if (waiting > 0) {
      say("info", "Saving");
    } else if (storedOnce) {
      say("ok", "Saved");
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
