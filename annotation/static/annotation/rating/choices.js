/* The answers that a criterion offers, from left to right, with their keys and their names.
   Pure: no page, no state. */

import { gettext, interpolate } from "../../evalsite/words.js";

// In words of its own for each step: languages build such sentences differently.
const MUCH = {
  label: gettext("%(number)s much better"),
  full: gettext("Response %(number)s is much better"),
};
const BETTER = {
  label: gettext("%(number)s better"),
  full: gettext("Response %(number)s is better"),
};
const SLIGHTLY = {
  label: gettext("%(number)s slightly better"),
  full: gettext("Response %(number)s is slightly better"),
};

const GRADED = { five: [MUCH, BETTER], seven: [MUCH, BETTER, SLIGHTLY] };

const TIE = {
  choice: "tie",
  margin: null,
  label: gettext("Tie"),
  full: gettext("Tie: both are equally good"),
};

const BOTH_BAD = {
  choice: "both_bad",
  margin: null,
  label: gettext("Both bad"),
  full: gettext("Both responses are bad"),
  keys: ["9"],
  sign: "9",
};

// How sure, by what is stored of it (see annotation/rating/wording.py).
const SURE = [
  { choice: "unsure", confidence: 0, label: gettext("Not sure") },
  { choice: "fairly", confidence: 0.5, label: gettext("Fairly sure") },
  { choice: "sure", confidence: 1, label: gettext("Very sure") },
];

/* Further questions of the bar: how sure, and reasons to tick. Their keys are no criterion's, which
   are stored and so hold no NUL. */
export function furtherQuestions(answering) {
  const questions = [];
  if (answering.confidence !== "off") {
    questions.push({
      key: "\0confidence",
      kind: "confidence",
      question: gettext("How sure are you?"),
      scale: "confidence",
      required: answering.confidence === "required",
    });
  }
  if (answering.tags.length > 0) {
    questions.push({
      key: "\0tags",
      kind: "tags",
      question: gettext("Why? Tick what applies."),
      scale: "tags",
      required: false,
      tags: answering.tags,
      tagsLang: answering.lang,
    });
  }
  return questions;
}

export function choiceOfConfidence(confidence) {
  return SURE.find((step) => step.confidence === confidence)?.choice;
}

function numbered(choices) {
  return choices.map((choice, index) => ({
    margin: null,
    full: choice.label,
    // Digits go no further; the others are clicked or reached by Tab.
    keys: index < 9 ? [String(index + 1)] : [],
    sign: index < 9 ? String(index + 1) : "",
    ...choice,
  }));
}

function scaleOptions(criterion) {
  if (criterion.kind === "confidence") {
    return numbered(SURE);
  }
  if (criterion.kind === "tags") {
    return numbered(criterion.tags.map((tag) => ({ choice: tag, label: tag, lang: criterion.tagsLang })));
  }
  if (criterion.scale in GRADED) {
    return gradedOptions(GRADED[criterion.scale]);
  }
  const left = {
    choice: "left",
    margin: null,
    label: gettext("Response 1"),
    full: betterName(1),
    keys: ["1", "ArrowLeft"],
    sign: "←",
  };
  const right = {
    choice: "right",
    margin: null,
    label: gettext("Response 2"),
    full: betterName(2),
    keys: ["2", "ArrowRight"],
    sign: "→",
  };
  if (criterion.scale === "binary") {
    return [left, right];
  }
  return [left, { ...TIE, keys: ["0"], sign: "0" }, right];
}

function gradedOptions(words) {
  const steps = words.length;
  const left = words.map((word, index) => grade("left", 1, word, steps - index));
  const right = words.map((word, index) => grade("right", 2, word, steps - index)).reverse();
  return [...left, { ...TIE }, ...right].map((option, index) => ({
    ...option,
    keys: [String(index + 1)],
    sign: String(index + 1),
  }));
}

function grade(choice, number, word, margin) {
  const [label, full] = [word.label, word.full].map((text) => interpolate(text, { number }));
  return { choice, margin, label, full };
}

/* What an answer for one side is called, whatever the scale. */
export function betterName(number) {
  return interpolate(BETTER.full, { number });
}

/* "Both bad" stands between the sides, so that neither has a place of its own; a graded scale is
   not interrupted, there it comes last. */
export function options(criterion) {
  const scale = scaleOptions(criterion);
  if (criterion.both_bad) {
    scale.splice(criterion.scale in GRADED ? scale.length : scale.length - 1, 0, BOTH_BAD);
  }
  return scale;
}

export function optionFor(criterion, answer) {
  return options(criterion).find(
    (option) => option.choice === answer?.choice && option.margin === (answer?.margin ?? null),
  );
}

export function optionForKey(criterion, key) {
  return options(criterion).find((option) => option.keys.includes(key));
}
