/* The instructions, and two short forms that ask for a reason. */

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
