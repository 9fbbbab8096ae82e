// Buttons that copy a field. They stay hidden where no script runs: the field can be selected.

const SAID_FOR_MS = 2000;

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // No clipboard for this page: leave it selected, so that the keys for copying work.
    field.focus();
    field.select();
    return false;
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  if (!field) continue;
  button.hidden = false;
  const label = [...button.childNodes];
  button.addEventListener("click", async () => {
    button.textContent = (await copy(field)) ? "Copied" : "Press Ctrl+C";
    button.setAttribute("aria-live", "polite");
    window.setTimeout(() => {
      button.replaceChildren(...label);
    }, SAID_FOR_MS);
  });
}
