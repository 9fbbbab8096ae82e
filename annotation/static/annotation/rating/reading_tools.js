/* The buttons above a pair: source or rendered, linked scrolling, the prompt, the reference answer,
   the guidelines. What somebody set stays set, but for what hides a text. */

import { gettext } from "../../evalsite/words.js";

export function createReadingTools({ view, panes, preferences, screen }) {
  const byId = (id) => document.getElementById(id);
  const button = (name) => document.querySelector(`[data-action="${name}"]`);
  const press = (name, on) => button(name).setAttribute("aria-pressed", String(on));
  const reference = byId("reference-section");
  const guidelines = byId("guidelines");

  function setReference(on) {
    reference.hidden = !on;
    press("reference", on);
  }

  function setGuidelines(on) {
    if (guidelines.hidden === !on) {
      return;
    }
    guidelines.hidden = !on;
    button("guidelines").setAttribute("aria-expanded", String(on));
    if (on) {
      byId("guidelines-title").focus();
    } else {
      screen.focusPrompt();
    }
  }

  panes.setLinked(preferences.get("linked", true));
  press("linked", panes.linked);

  return {
    press,
    source() {
      view.showSource(!view.sourceShown);
      press("source", view.sourceShown);
    },
    linked() {
      panes.setLinked(!panes.linked);
      press("linked", panes.linked);
      preferences.set("linked", panes.linked);
    },
    prompt() {
      const body = byId("prompt-body");
      body.hidden = !body.hidden;
      const toggle = button("prompt");
      toggle.setAttribute("aria-expanded", String(!body.hidden));
      toggle.firstChild.data = `${body.hidden ? gettext("Show prompt") : gettext("Hide prompt")} `;
    },
    /* Whether the pair has a reference answer; it is open if it was open last. */
    offerReference(there) {
      button("reference").hidden = !there;
      setReference(there && preferences.get("reference", true));
    },
    reference() {
      if (!button("reference").hidden) {
        setReference(reference.hidden);
        preferences.set("reference", !reference.hidden);
      }
    },
    get referenceShown() {
      return !reference.hidden;
    },
    guidelines() {
      setGuidelines(guidelines.hidden);
    },
    /* False if they were closed. */
    closeGuidelines() {
      const open = !guidelines.hidden;
      setGuidelines(false);
      return open;
    },
  };
}
