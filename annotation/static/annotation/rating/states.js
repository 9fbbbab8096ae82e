/* What stands on the page when there is no pair to show, in words. */

import { gettext } from "../../evalsite/words.js";

const KEPT = gettext("Answers that are not stored yet are kept in this browser.");

/* Nothing is left here, but something is on its way, or was refused. */
export function unsentState(waiting) {
  return waiting > 0
    ? {
        heading: gettext("Saving your last answers"),
        explanation: gettext("The next pair comes as soon as they are stored."),
      }
    : {
        heading: gettext("Some of your answers could not be stored"),
        explanation:
          gettext("The line at the top says why. Try again, or keep them as a file and discard them."),
      };
}

export function emptyState(empty, lookAgain) {
  return {
    completion: empty.completion,
    heading: empty.title,
    explanation: empty.text,
    button: gettext("Look again"),
    onButton: lookAgain,
  };
}

/* Guidelines or questions are others now: nothing is answered by the old ones. */
export function outdatedState() {
  return {
    heading: gettext("The guidelines of this study were changed"),
    explanation: `${gettext("Load the page again to read them and go on.")} ${KEPT}`,
    button: gettext("Load again"),
    onButton: () => window.location.reload(),
  };
}

/* Why the next pair could not be fetched; `again` where the page should try by itself. */
export function failureState(error, { advance, signInUrl }) {
  if (error.kind === "signed_out") {
    return {
      heading: gettext("You are signed out"),
      explanation: `${gettext("Sign in again to go on.")} ${KEPT}`,
      button: gettext("Sign in"),
      onButton: () => window.location.reload(),
    };
  }
  if (error.kind === "other_account") {
    return {
      heading: gettext("Someone else is signed in on this browser"),
      explanation: `${gettext("Sign in again to go on.")} ${KEPT}`,
      button: gettext("Sign in"),
      onButton: () => window.location.assign(signInUrl),
    };
  }
  if (error.kind === "refused") {
    return {
      heading: gettext("You cannot go on here"),
      explanation: error.message,
      button: gettext("Try again"),
      onButton: advance,
    };
  }
  return {
    heading: gettext("There is no connection to the server"),
    explanation: gettext("Your answers are kept in this browser. The page tries again every few seconds."),
    button: gettext("Try now"),
    onButton: advance,
    again: true,
  };
}
