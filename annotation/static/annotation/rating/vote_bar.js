/* The questions and their answers. With one question in sight an answer is the decision; with
   more, or while a reason is written, answers are collected until they are sent. Nothing is
   chosen beforehand, but for one's own earlier answers when they are changed. */

import { choiceOfConfidence, furtherQuestions, optionFor, optionForKey } from "./choices.js";
import { createQuestionRow, isSame } from "./question_row.js";

const NO_REMARKS = { confidence: null, tags: [] };

export function createVoteBar({
  criteria,
  answering,
  keymap,
  root,
  submit,
  onAnswer,
  onChange,
  onDecision,
}) {
  const overall = criteria[0];
  const further = furtherQuestions(answering);
  const sure = further.find((question) => question.kind === "confidence");
  const rows = [...criteria, ...further].map((question) =>
    createQuestionRow(question, choose, keymap),
  );
  root.append(...rows.map((row) => row.element));
  let open = false; // the optional questions are in sight
  let collecting = false;
  let answers = {};
  let earlier = {};
  let tags = new Set();
  let focused = rows[0]; // the one that keys answer; always in sight

  /* The optional ones when they were unfolded, or hold something; ticks go with a reason. */
  function isVisible({ criterion }) {
    if (open || criterion.required || criterion.key in earlier) {
      return true;
    }
    return criterion.kind === "tags" ? collecting || tags.size > 0 : criterion.key in answers;
  }

  function visibleRows() {
    return rows.filter(isVisible);
  }

  function collects() {
    return collecting || visibleRows().length > 1;
  }

  function choose(criterion, option) {
    if (!onAnswer(option)) {
      return; // too early: the pair has not been seen
    }
    const answer = { choice: option.choice, margin: option.margin };
    if (criterion.kind === "tags") {
      toggleTag(option.choice);
      return;
    }
    if (!collects()) {
      onDecision({ [criterion.key]: answer }, NO_REMARKS, option);
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
    bringFocusIntoSight();
  }

  function toggleTag(tag) {
    if (!tags.delete(tag)) {
      tags.add(tag);
    }
    onChange();
    update();
  }

  function focusNextOpen(criterion) {
    const here = rows.findIndex((row) => row.criterion === criterion);
    focused =
      visibleRows().find(
        (row) =>
          rows.indexOf(row) > here &&
          row.criterion.kind !== "tags" &&
          !(row.criterion.key in answers),
      ) ?? rows[here];
  }

  /* Those answers that the questions of this page have. */
  function offered(given) {
    const known = criteria.filter((criterion) => optionFor(criterion, given[criterion.key]));
    return Object.fromEntries(known.map(({ key }) => [key, given[key]]));
  }

  function firstMissing() {
    return visibleRows().find(
      ({ criterion }) => criterion.required && !(criterion.key in answers),
    );
  }

  /* A row that is folded away leaves the keys to the one above it. */
  function keepFocusInSight(shown) {
    if (!shown.includes(focused)) {
      const above = rows.slice(0, rows.indexOf(focused)).filter(isVisible);
      focused = above.at(-1) ?? rows[0];
    }
  }

  function update() {
    const shown = visibleRows();
    const collected = collects();
    keepFocusInSight(shown);
    root.classList.toggle("questions--many", shown.length > 1);
    for (const row of rows) {
      const { key } = row.criterion;
      row.update({
        visible: shown.includes(row),
        focused: row === focused,
        answer: answers[key],
        earlier: earlier[key],
        collects: collected,
        ticked: row.criterion.kind === "tags" ? tags : undefined,
      });
    }
    submit.hidden = !collected;
    submit.setAttribute("aria-disabled", String(firstMissing() !== undefined));
  }

  /* The bar scrolls in itself where the window is small. */
  function bringFocusIntoSight() {
    focused.element.scrollIntoView({ block: "nearest" });
  }

  update();

  return {
    /* How many can be folded away: ticks stay where a reason is always asked. */
    optionalCount: rows.filter(
      ({ criterion }) =>
        !criterion.required && !(criterion.kind === "tags" && answering.rationale === "required"),
    ).length,
    get open() {
      return open;
    },
    get collects() {
      return collects();
    },
    /* Answers of the criteria in sight: nothing is sent unseen. */
    get answers() {
      const keys = visibleRows()
        .filter((row) => row.criterion.kind === undefined)
        .map((row) => row.criterion.key);
      return Object.fromEntries(Object.entries(answers).filter(([key]) => keys.includes(key)));
    },
    /* What goes with them. */
    get remarks() {
      const step = sure && optionFor(sure, answers[sure.key]);
      return {
        confidence: step?.confidence ?? null,
        tags: answering.tags.filter((tag) => tags.has(tag)),
      };
    },
    showKeys() {
      rows.forEach((row) => row.showKeys());
    },
    setOpen(value) {
      open = value;
      focused = rows[0];
      update();
    },
    setCollecting(value) {
      collecting = value;
      update();
    },
    /* `remarks` are those of a draft, or of the answer that is being changed. That one is given
       again whole, so that what nobody changes stays. */
    start({ drafted = {}, before = {}, remarks = NO_REMARKS } = {}) {
      const said = sure && choiceOfConfidence(remarks.confidence);
      const sureOf = said === undefined ? {} : { [sure.key]: { choice: said, margin: null } };
      const revises = Object.keys(before).length > 0;
      earlier = revises ? { ...offered(before), ...sureOf } : {};
      answers = { ...offered(revises ? before : drafted), ...sureOf };
      tags = new Set(remarks.tags);
      focused = rows[0];
      update();
      // Wherever the bar of the pair before was left.
      root.scrollTop = 0;
      root.closest(".decision").scrollTop = 0;
    },
    moveFocus(step) {
      const shown = visibleRows();
      const next = shown.indexOf(focused) + step;
      focused = shown[Math.max(0, Math.min(shown.length - 1, next))];
      update();
      bringFocusIntoSight();
      return focused.criterion;
    },
    /* Answer the focused question by a key; false if the key means nothing there. */
    press(key) {
      const { criterion } = focused;
      const option = optionForKey(criterion, key);
      if (option) {
        choose(criterion, option);
      }
      return option !== undefined;
    },
    /* The question that still lacks an answer, which gets the focus, or null. */
    seekMissing() {
      const missing = firstMissing();
      if (missing === undefined) {
        return null;
      }
      focused = missing;
      update();
      bringFocusIntoSight();
      return missing.criterion;
    },
    /* Decide with what was collected. */
    send() {
      onDecision(this.answers, this.remarks, optionFor(overall, answers[overall.key]));
    },
  };
}
