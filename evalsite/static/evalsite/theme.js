/* Sets the theme before the first paint, and serves the switch. A plain script, not a module:
   a module runs after painting, and the page would flash. */
(function () {
  "use strict";

  var KEY = "evalsite.theme";
  var root = document.documentElement;

  function stored() {
    try {
      var value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : "auto";
    } catch {
      return "auto"; // storage is blocked: the system's wish holds
    }
  }

  function apply(theme) {
    if (theme === "auto") {
      root.removeAttribute("data-theme");
    } else {
      root.setAttribute("data-theme", theme);
    }
    document.querySelectorAll("[data-set-theme]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
    });
  }

  apply(stored());

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".theme-switch").forEach(function (group) {
      group.hidden = false;
    });
    apply(stored());
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-set-theme]");
    if (!button) {
      return;
    }
    try {
      localStorage.setItem(KEY, button.dataset.setTheme);
    } catch {
      // The choice then lasts for this page only.
    }
    apply(button.dataset.setTheme);
  });

  // Another tab changed it.
  window.addEventListener("storage", function (event) {
    if (event.key === KEY) {
      apply(stored());
    }
  });
})();
