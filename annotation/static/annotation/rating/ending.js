/* What is said at the end: own work in numbers, and the code to go back with. */

import { gettext, interpolate, ngettext } from "../../evalsite/words.js";

export function createEnding({ api }) {
  const [box, code, copy, link, figures] = [
    "completion", "completion-code", "completion-copy", "completion-link", "state-figures",
  ].map((id) => document.getElementById(id));

  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = gettext("Copied");
    } catch {
      // Not allowed, or no secure origin: mark it, so that it can be copied by hand.
      window.getSelection().selectAllChildren(code);
      copy.textContent = gettext("Marked: copy it by hand");
    }
  });

  return {
    hide() {
      box.hidden = true;
      figures.hidden = true;
    },
    /* `completion` is null where there is no code. */
    async show(completion) {
      this.hide();
      box.hidden = completion === null;
      if (completion !== null) {
        code.textContent = completion.code;
        copy.textContent = gettext("Copy");
        link.hidden = completion.url === "";
        if (completion.url !== "") {
          link.href = completion.url;
        }
      }
      let summary;
      try {
        summary = await api.post("summary", {});
      } catch {
        return; // figures are no reason to disturb anybody
      }
      if (summary.pairs > 0) {
        figures.textContent = figuresOf(summary);
        figures.hidden = false;
      }
    },
  };
}

function figuresOf({ pairs, timed, active_seconds: seconds, mean_seconds: mean }) {
  const rated = interpolate(ngettext("You rated %(pairs)s pair.", "You rated %(pairs)s pairs.", pairs), {
    pairs,
  });
  if (mean === null) {
    return rated;
  }
  const time = interpolate(
    timed < pairs
      ? gettext("Active time: %(total)s, on average %(mean)s a pair, measured on %(timed)s of them.")
      : gettext("Active time: %(total)s, on average %(mean)s a pair."),
    { total: inWords(seconds), mean: inWords(mean), timed },
  );
  return `${rated} ${time} ${gettext("Only time with this page in sight and in use counts.")}`;
}

function inWords(seconds) {
  if (seconds < 1) {
    return gettext("less than 1 s");
  }
  if (Math.round(seconds) < 60) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}
