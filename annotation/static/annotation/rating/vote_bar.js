/* The questions and their answers. With one question in sight an answer is the decision; with
   more, or while a reason is written, answers are collected until they are sent. Nothing is
   chosen beforehand. */

import { optionFor, optionForKey } from "./choices.js";
import { createQuestionRow, isSame } from "./question_row.js";

export function createVoteBar({ criteria, root, submit, onAnswer, onChange, onDecision }) {
  const overall = criteria[0];
  const rows = criteria.map((criterion) => createQuestionRow(criterion, choose));
  root.append(...rows.map((row) => row.element));
  let open = false; // the optional questions are in sight
  let collecting = false;
  let answers = {};
  let earlier = {};
  let focused = 0;

  function visibleRows() {
    return rows.filter((row) => open || row.criterion.required);
  }

  function collects() {
    return collecting || visibleRows().length > 1;
  }

  function choose(criterion, option) {
    if (!onAnswer(option)) {
      return; // too early: the pair has not been seen
    }
    const answer = { choice: option.choice, margin: option.margin };
    if (!collects()) {
      onDecision({ [criterion.key]: answer }, option);
      return;
    }
    if (isSame(answers[criterion.key], answer) && !criterion.required) {
      delete answers[criterion.key]; // an optional answer can be taken back
    } else {
      answers[criterion.key] = answer;
      focusNextOpen(criterion);
    }
    onChange();
    update();
  }

  function focusNextOpen(criterion) {
    const shown = visibleRows();
    const here = shown.findIndex((row) => row.criterion === criterion);
    const next = shown.findIndex(
      (row, index) => index > here && !(row.criterion.key in answers),
    );
    focused = next === -1 ? here : next;
  }

  function firstMissing() {
    return visibleRows().findIndex(
      ({ criterion }) => criterion.required && !(criterion.key in answers),
    );
  }

  function update() {
    const shown = visibleRows();
    const collected = collects();
    root.classList.toggle("questions--many", shown.length > 1);
    for (const row of rows) {
      const { key } = row.criterion;
      row.update({
        visible: shown.includes(row),
        focused: shown.indexOf(row) === focused,
        answer: answers[key],
        earlier: earlier[key],
        collects: collected,
      });
    }
    submit.hidden = !collected;
    submit.setAttribute("aria-disabled", String(firstMissing() !== -1));
  }

  update();

  return {
    optionalCount: criteria.filter((criterion) => !criterion.required).length,
    get open() {
      return open;
    },
    get collects() {
      return collects();
    },
    /* Answers of the questions in sight: nothing is sent unseen. */
    get answers() {
      const keys = visibleRows().map((row) => row.criterion.key);
      return Object.fromEntries(Object.entries(answers).filter(([key]) => keys.includes(key)));
    },
    setOpen(value) {
      open = value;
      focused = 0;
      update();
    },
    setCollecting(value) {
      collecting = value;
      update();
    },
    start({ drafted = {}, before = {} } = {}) {
      const known = new Set(criteria.map((criterion) => criterion.key));
      answers = Object.fromEntries(Object.entries(drafted).filter(([key]) => known.has(key)));
      earlier = before;
      focused = 0;
      update();
    },
    moveFocus(step) {
      const shown = visibleRows();
      focused = Math.max(0, Math.min(shown.length - 1, focused + step));
      update();
      shown[focused].element.scrollIntoView({ block: "nearest" });
      return shown[focused].criterion;
    },
    /* Answer the focused question by a key; false if the key means nothing there. */
    press(key) {
      const { criterion } = visibleRows()[focused];
      const option = optionForKey(criterion, key);
      if (option) {
        choose(criterion, option);
      }
      return option !== undefined;
    },
    /* Decide with what was collected; the question that still lacks an answer, or null. */
    send() {
      const missing = firstMissing();
      if (missing !== -1) {
        focused = missing;
        update();
        return visibleRows()[missing].criterion;
      }
      onDecision(this.answers, optionFor(overall, answers[overall.key]));
      return null;
    },
  };
}
