/* Where steps stand on one line that scrolls, on a phone: show the one that this page is. */
"use strict";

for (const here of document.querySelectorAll(".steps [aria-current], .parts [aria-current]")) {
  const strip = here.closest(".parts") ?? here.closest("ol");
  const room = (strip.clientWidth - here.offsetWidth) / 2;
  strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - room;
}
