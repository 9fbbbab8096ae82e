/* Files by drag and drop, and how much of them is sent. Without it the form works all the same. */

const form = document.querySelector("[data-upload]");

if (form) {
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector("[data-drop]");
  const chosen = form.querySelector("[data-chosen]");
  const sent = form.querySelector("[data-sent]");

  const most = Number(input.dataset.mostBytes);

  function bytesChosen() {
    return [...input.files].reduce((sum, file) => sum + file.size, 0);
  }

  function say() {
    const files = [...input.files];
    const bytes = bytesChosen();
    chosen.hidden = files.length === 0;
    chosen.textContent = `${files.map((file) => file.name).join(", ")} (${(bytes / 1048576).toFixed(1)} MiB)`;
    if (bytes > most) {
      chosen.textContent += `. This is more than one upload takes, ${most / 1048576} MiB: choose fewer files, or pack them as .gz.`;
    }
  }

  input.addEventListener("change", say);

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("drop--over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("drop--over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    say();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (bytesChosen() > most) {
      // The server would cut the connection without a word.
      say();
      return;
    }
    const button = form.querySelector("button[type=submit]");
    const request = new XMLHttpRequest();
    button.disabled = true;
    sent.hidden = false;
    request.upload.addEventListener("progress", (step) => {
      if (step.lengthComputable) {
        sent.value = (100 * step.loaded) / step.total;
        chosen.hidden = false;
        chosen.textContent = `${Math.round(sent.value)} % sent`;
      }
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        window.location.assign(request.responseURL);
        return;
      }
      showErrors(new DOMParser().parseFromString(request.responseText, "text/html"));
    });
    request.addEventListener("error", () => {
      again();
      chosen.textContent = "The connection was lost. Nothing was kept; upload once more.";
    });
    request.open("POST", form.action);
    request.send(new FormData(form));

    function again() {
      button.disabled = false;
      sent.hidden = true;
      chosen.hidden = false;
    }

    /* The reason, as the server says it, above the form. */
    function showErrors(answer) {
      again();
      chosen.textContent = "Nothing was kept.";
      document.getElementById("errors")?.remove();
      const errors = answer.getElementById("errors");
      if (errors === null) {
        chosen.textContent = `Nothing was kept: the server answered ${request.status}.`;
        return;
      }
      form.before(errors);
      errors.tabIndex = -1;
      errors.focus();
    }
  });
}
