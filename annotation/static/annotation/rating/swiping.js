/* On a small screen the responses stand under each other, or side by side to swipe through. */

export function createSwiping({ root, preferences, isWide }) {
  const button = document.querySelector('[data-action="swipe"]');
  let on = preferences.get("swipe", false);

  function apply() {
    root.classList.toggle("is-swiping", on);
    button.setAttribute("aria-pressed", String(on));
  }

  apply();
  return {
    toggle() {
      on = !on;
      preferences.set("swipe", on);
      apply();
    },
    /* A new pair begins with Response 1. */
    start() {
      document.getElementById("pair").scrollLeft = 0;
    },
    get on() {
      return on && !isWide();
    },
  };
}
