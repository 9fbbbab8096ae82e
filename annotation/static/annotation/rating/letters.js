/* Messages of researchers: asked for now and then, since a page stays open for hours. */

const ASK_MS = 120000;
const FRAGMENT = "text/fragment+html, text/html";

function listen(place) {
  async function fetchInto(url, options = {}) {
    let answer;
    try {
      answer = await fetch(url, {
        credentials: "same-origin",
        redirect: "error",
        ...options,
        headers: { Accept: FRAGMENT, ...options.headers },
      });
    } catch {
      return; // the next time tells
    }
    if (answer.ok && !place.contains(document.activeElement)) {
      // Our own template, with the texts escaped; parsed like this it runs nothing either.
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (parsed.body.textContent.trim() !== place.textContent.trim()) {
        place.replaceChildren(...parsed.body.children);
      }
    }
  }

  place.addEventListener("submit", (event) => {
    const form = event.target;
    event.preventDefault();
    // What has the focus goes away with the message.
    form.querySelector("button")?.blur();
    fetchInto(form.action, { method: "POST", body: new FormData(form) });
  });

  setInterval(() => {
    if (document.visibilityState === "visible") {
      fetchInto(place.dataset.url);
    }
  }, ASK_MS);
}

// A dry run has none.
const place = document.getElementById("messages");
if (place) {
  listen(place);
}
