/* Whoever owns the study is told that their votes do not count, until they say that they know. */

const note = document.getElementById("own-votes");
const { storage } = JSON.parse(document.getElementById("rating-settings").textContent);
const key = `evalsite.own_votes.${storage}`;

function isKnown() {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false; // Blocked storage: it is told on every page.
  }
}

note.hidden = isKnown();
note.querySelector("button").addEventListener("click", () => {
  try {
    localStorage.setItem(key, "known");
  } catch {
    // It holds for this page only.
  }
  // What has the focus goes away with the note.
  document.activeElement?.blur();
  note.hidden = true;
});
