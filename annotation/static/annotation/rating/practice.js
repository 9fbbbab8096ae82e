/* The practice round: after each answer what was expected, and why. Nothing goes on until that was
   read, so these pairs, alone of all, wait for the server. */

import { gettext, interpolate, ngettext } from "../../evalsite/words.js";
import { betterName, optionFor, options } from "./choices.js";
import { fragmentOf } from "./fragment.js";

export function createPractice({ criteria, screen, questions }) {
  const [panel, title, answer, explanation, next] = [
    "feedback", "feedback-title", "feedback-answer", "feedback-text", "feedback-next",
  ].map((id) => document.getElementById(id));
  let waitsFor = null; // the assignment whose feedback is awaited
  let given = {};
  let before = null; // the round of the pair before
  let goOn = () => {};

  next.addEventListener("click", () => goOn());

  function open(heading, lines = [], nodes = []) {
    panel.hidden = false;
    questions.hidden = true;
    title.textContent = heading;
    answer.replaceChildren(...lines);
    explanation.replaceChildren(...nodes);
  }

  function close() {
    panel.hidden = true;
    questions.hidden = false;
    waitsFor = null;
  }

  return {
    /* The pair is on its way to the server: what comes back is shown here. */
    wait(assignment, answers) {
      waitsFor = assignment;
      given = answers;
      next.hidden = true;
      open(gettext("Checking your answer"));
    },
    get isOpen() {
      return !panel.hidden;
    },
    awaits: (assignment) => waitsFor !== null && waitsFor === assignment,
    show(feedback, then) {
      waitsFor = null;
      goOn = () => {
        close();
        then();
      };
      next.hidden = false;
      open(
        feedback.correct ? gettext("That is the expected answer") : gettext("Another answer was expected"),
        linesOf(criteria, given, feedback.accepted),
        feedback.explanation === "" ? [] : [fragmentOf(feedback.explanation)],
      );
      title.focus({ preventScroll: true });
    },
    close,
    /* Enter: go on, if there is something to go on from. */
    proceed() {
      if (panel.hidden || next.hidden) {
        return !panel.hidden;
      }
      goOn();
      return true;
    },
    /* A pair of this round, or of none, is about to be shown: what changed since the one before. */
    enter(round) {
      const words = changeOf(before, round);
      before = round;
      if (words !== "") {
        screen.notify(words);
      }
    },
  };
}

function changeOf(before, round) {
  if (round === null) {
    return before === null ? "" : gettext("You passed the practice round. From here on your answers count.");
  }
  if (before === null) {
    if (round.attempt > 1) {
      return interpolate(
        gettext("This is attempt %(attempt)s of %(attempts)s at the practice round."),
        round,
      );
    }
    const start = ngettext(
      "You start with %(of)s practice pair. After each answer you see what was expected and why.",
      "You start with %(of)s practice pairs. After each answer you see what was expected and why.",
      round.of,
    );
    return interpolate(start, round);
  }
  if (round.attempt > before.attempt) {
    const again = gettext(
      "That attempt was not passed. Here is attempt %(attempt)s of %(attempts)s, with the same pairs.",
    );
    return interpolate(again, round);
  }
  return "";
}

/* One line a criterion: what was answered and what is accepted. */
function linesOf(criteria, given, accepted) {
  return criteria
    .filter((criterion) => criterion.key in accepted)
    .map((criterion) => {
      const expected = namesOf(criterion, accepted[criterion.key]).join(gettext(", or: "));
      const said = optionFor(criterion, given[criterion.key])?.full ?? gettext("no answer");
      const line = document.createElement("p");
      const question = criteria.length > 1 ? `${criterion.question} ` : "";
      const compared = gettext("Your answer: %(said)s. Expected: %(expected)s.");
      line.textContent = question + interpolate(compared, { said, expected });
      return line;
    });
}

/* The names of choices, without their margins: how clearly is not part of what is expected. */
function namesOf(criterion, choices) {
  return choices.map((choice) => {
    if (choice === "left" || choice === "right") {
      return betterName(choice === "left" ? 1 : 2);
    }
    return options(criterion).find((option) => option.choice === choice)?.full ?? choice;
  });
}
