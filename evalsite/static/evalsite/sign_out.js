/* Before signing out: one's own answers that the server does not have yet are not left behind for
   the next person, and not lost without a word. Those of others are theirs: nobody else sends or
   discards them. See annotation/rating/outbox.js. */

import { interpolate, gettext, ngettext } from "./words.js";

const PREFIX = "evalsite.outbox.";

function unsentOf(owner) {
  const found = [];
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX)) {
        const { page, account, entries } = JSON.parse(localStorage.getItem(key));
        if (account === owner) {
          found.push({ key, page, count: entries.length });
        }
      }
    }
  } catch {
    return found; // blocked or foreign storage holds nothing of ours
  }
  return found;
}

function ask(form, boxes) {
  const count = boxes.reduce((sum, box) => sum + box.count, 0);
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "unsent-title");
  const title = document.createElement("h2");
  title.id = "unsent-title";
  title.textContent = interpolate(
    ngettext("%(count)s answer is not saved yet", "%(count)s answers are not saved yet", count),
    { count },
  );
  const text = document.createElement("p");
  text.textContent = gettext(
    "They are kept in this browser only. Open the rating page, which sends them, and sign out when it says that they are saved.",
  );
  const end = document.createElement("div");
  end.className = "dialog__end";
  const discard = document.createElement("button");
  discard.type = "button";
  discard.className = "button button--danger";
  discard.textContent = gettext("Discard them and sign out");
  discard.addEventListener("click", () => {
    for (const { key } of boxes) {
      localStorage.removeItem(key);
    }
    form.submit();
  });
  const open = document.createElement("a");
  open.className = "button button--primary";
  open.href = boxes[0].page;
  open.textContent = gettext("Open the rating page");
  end.append(discard, open);
  dialog.append(title, text, end);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-sign-out]")) {
    return;
  }
  const boxes = unsentOf(event.target.dataset.account);
  if (boxes.length > 0) {
    event.preventDefault();
    ask(event.target, boxes);
  }
});
