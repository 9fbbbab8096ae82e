/* Formulas of a pair that is looked at again. Without this the sources of formulas stand there. */

import { typeset } from "./math.js";

const root = document.getElementById("own-answer");

await typeset(root, { script: root.dataset.katexScript, style: root.dataset.katexStyle });
// What scrolls sideways must be reachable by keyboard.
for (const element of root.querySelectorAll("pre, .table-scroll, .math.display")) {
  if (element.scrollWidth > element.clientWidth) {
    element.tabIndex = 0;
  }
}
