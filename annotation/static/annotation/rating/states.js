/* What stands on the page when there is no pair to show, in words. */

const KEPT = "Answers that are not stored yet are kept in this browser.";

/* Nothing is left here, but something is on its way, or was refused. */
export function unsentState(waiting) {
  return waiting > 0
    ? {
        heading: "Saving your last answers",
        explanation: "The next pair comes as soon as they are stored.",
      }
    : {
        heading: "Some of your answers could not be stored",
        explanation:
          "The line at the top says why. Try again, or keep them as a file and discard them.",
      };
}

export function emptyState(empty, lookAgain) {
  return {
    completion: empty.completion,
    heading: empty.title,
    explanation: empty.text,
    button: "Look again",
    onButton: lookAgain,
  };
}

/* Guidelines or questions are others now: nothing is answered by the old ones. */
export function outdatedState() {
  return {
    heading: "The guidelines of this study were changed",
    explanation: `Load the page again to read them and go on. ${KEPT}`,
    button: "Load again",
    onButton: () => window.location.reload(),
  };
}

/* Why the next pair could not be fetched; `again` where the page should try by itself. */
export function failureState(error, { advance, signInUrl }) {
  if (error.kind === "signed_out") {
    return {
      heading: "You are signed out",
      explanation: `Sign in again to go on. ${KEPT}`,
      button: "Sign in",
      onButton: () => window.location.reload(),
    };
  }
  if (error.kind === "other_account") {
    return {
      heading: "Someone else is signed in on this browser",
      explanation: `Sign in again to go on. ${KEPT}`,
      button: "Sign in",
      onButton: () => window.location.assign(signInUrl),
    };
  }
  if (error.kind === "refused") {
    return {
      heading: "You cannot go on here",
      explanation: error.message,
      button: "Try again",
      onButton: advance,
    };
  }
  return {
    heading: "There is no connection to the server",
    explanation: "Your answers are kept in this browser. The page tries again every few seconds.",
    button: "Try now",
    onButton: advance,
    again: true,
  };
}
