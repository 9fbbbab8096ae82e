/* A pair as nodes, made ahead of time, and its place on the page. Both sides appear at once. */

import { gettext } from "../../evalsite/words.js";
import { fragmentOf } from "./fragment.js";
import { typeset } from "./math.js";

const PLACES = {
  prompt: "prompt-body",
  reference: "reference-body",
  left: "left-text",
  right: "right-text",
};

export function createPairView({ katex }) {
  const places = Object.fromEntries(
    Object.entries(PLACES).map(([name, id]) => [name, document.getElementById(id)]),
  );
  let source = false;

  async function prepare(pair) {
    const parts = {
      prompt: promptNode(pair.prompt),
      reference: pair.reference === null ? document.createElement("div") : textNode(pair.reference),
      left: textNode(pair.left),
      right: textNode(pair.right),
    };
    await Promise.all(Object.values(parts).map((part) => typeset(part, katex)));
    return parts;
  }

  function show(parts) {
    for (const [name, place] of Object.entries(places)) {
      place.replaceChildren(parts[name]);
      place.scrollTop = 0;
      place.scrollLeft = 0;
    }
    showSource(source);
    markScrollers();
  }

  function sources() {
    const textOf = (place) => place.querySelector(".source")?.textContent ?? "";
    return { left: textOf(places.left), right: textOf(places.right) };
  }

  /* Other nodes in place of both responses, or the responses again. */
  function showInstead(nodes) {
    for (const name of ["left", "right"]) {
      const place = places[name];
      place.querySelector(":scope > .diffed")?.remove();
      place.querySelector(":scope > .text").hidden = nodes !== null;
      if (nodes !== null) {
        place.append(nodes[name]);
      }
    }
  }

  function showSource(on) {
    source = on;
    for (const place of Object.values(places)) {
      for (const element of place.querySelectorAll(".rendered, .source")) {
        element.hidden = element.classList.contains("source") !== on;
      }
    }
  }

  /* What scrolls sideways must be reachable by keyboard. */
  function markScrollers() {
    for (const place of Object.values(places)) {
      for (const element of place.querySelectorAll("pre, .table-scroll, .math.display")) {
        if (element.scrollWidth > element.clientWidth) {
          element.tabIndex = 0;
        } else {
          element.removeAttribute("tabindex");
        }
      }
    }
  }

  window.addEventListener("resize", markScrollers);

  return {
    prepare,
    show,
    showSource,
    sources,
    showInstead,
    places,
    get sourceShown() {
      return source;
    },
  };
}

function promptNode(messages) {
  const holder = document.createElement("div");
  if (messages.length === 1) {
    holder.append(textNode(messages[0]));
    return holder;
  }
  holder.className = "conversation";
  for (const message of messages) {
    const turn = document.createElement("div");
    turn.className = "turn";
    const speaker = document.createElement("h3");
    speaker.className = "turn__speaker";
    speaker.lang = document.documentElement.lang;
    speaker.textContent = message.speaker;
    turn.append(speaker, textNode(message));
    holder.append(turn);
  }
  return holder;
}

function textNode(text) {
  const holder = document.createElement("div");
  holder.className = "text";
  if (text.empty) {
    const note = document.createElement("p");
    note.className = "nothing";
    note.lang = document.documentElement.lang;
    note.textContent = gettext("This text is empty.");
    holder.append(note);
    return holder;
  }
  const rendered = document.createElement("div");
  rendered.className = "rendered prose";
  rendered.dir = "auto";
  rendered.append(fragmentOf(text.html));
  const source = document.createElement("pre");
  source.className = "source";
  source.dir = "auto";
  source.hidden = true;
  source.textContent = text.source;
  holder.append(rendered, source);
  return holder;
}
