/* Proposes a break after so much active time without one. It asks nothing and stops nothing. */

import { interpolate, ngettext } from "../../evalsite/words.js";

// No input for so long is a break.
const BREAK_MS = 5 * 60000;
const FIELD = "sitting";

export function createBreaks({ clock, preferences, minutes, notify }) {
  const stretch = (minutes ?? 0) * 60000;
  // A reload is no break.
  const kept = preferences.get(FIELD, null);
  let worked = kept !== null && Date.now() - kept.at < BREAK_MS ? kept.ms : 0;
  let due = (Math.floor(worked / Math.max(1, stretch)) + 1) * stretch;
  let before = clock.activeMs();

  return {
    /* Between two pairs: nobody is interrupted while reading. */
    between() {
      if (minutes === null) {
        return;
      }
      const now = clock.activeMs();
      if (clock.takeLongestGap() > BREAK_MS) {
        worked = 0;
        due = stretch;
      } else {
        worked += now - before;
      }
      before = now;
      preferences.set(FIELD, { ms: worked, at: Date.now() });
      if (worked >= due) {
        due += stretch;
        const minutesWorked = Math.round(worked / 60000);
        const said = ngettext(
          "You have rated for %(minutes)s minute without a break. A few minutes away do your eyes good, and your answers too. Your pairs are kept.",
          "You have rated for %(minutes)s minutes without a break. A few minutes away do your eyes good, and your answers too. Your pairs are kept.",
          minutesWorked,
        );
        notify(interpolate(said, { minutes: minutesWorked }));
      }
    },
  };
}
