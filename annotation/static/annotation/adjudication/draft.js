/* What was typed on a case, kept in this tab until it is stored: a session that ended or a
   connection that broke loses nothing. It holds no prompt and no response. */

const PREFIX = "evalsite.adjudication.";

function drafts() {
  try {
    return Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}

/* Elsewhere there is nothing that is still to be sent. */
export function forgetDrafts(except = "") {
  for (const name of drafts()) {
    if (name !== except) {
      sessionStorage.removeItem(name);
    }
  }
}

export function createDraft(id, form) {
  const name = PREFIX + id;
  forgetDrafts(name);

  function keep() {
    const fields = [...new FormData(form)].filter(([field]) => field !== "csrfmiddlewaretoken");
    try {
      sessionStorage.setItem(name, JSON.stringify(fields));
    } catch {
      // Blocked or full storage: the form itself still holds it.
    }
  }

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(name) ?? "[]");
    } catch {
      return [];
    }
  }

  function restore() {
    for (const [field, value] of read()) {
      if (field === "reason") {
        form.elements.reason.value = value;
      } else {
        for (const input of form.querySelectorAll("input[type=radio]")) {
          input.checked = input.name === field ? input.value === value : input.checked;
        }
      }
    }
  }

  function forget() {
    forgetDrafts();
  }

  return { keep, restore, forget };
}
