/* Puts the rating page together: settings in, modules connected, keys and buttons to actions.js. */

import { gettext, interpolate } from "../../evalsite/words.js";
import { createActions } from "./actions.js";
import { createApi } from "./api.js";
import { createArming } from "./arming.js";
import { furtherQuestions, optionFor } from "./choices.js";
import { createBreaks } from "./breaks.js";
import { createClock } from "./clock.js";
import { createDifferences } from "./differences.js";
import { showWelcome } from "./dialogs.js";
import { createDrafts } from "./drafts.js";
import { createEnding } from "./ending.js";
import { createKeySheet } from "./key_sheet.js";
import { createKeymap, GIVEN } from "./keymap.js";
import { listenForKeys, types } from "./keys.js";
import { createLeases } from "./leases.js";
import { createLookingBack, takeAskedChange } from "./looking_back.js";
import { createOutbox } from "./outbox.js";
import { createPairView } from "./pair_view.js";
import { createPanes } from "./panes.js";
import { createPractice } from "./practice.js";
import { createPreferences } from "./preferences.js";
import { createReadingTools } from "./reading_tools.js";
import { createReasonBox } from "./reason_box.js";
import { createSaveChip } from "./save_chip.js";
import { createScreen } from "./screen.js";
import { createSession } from "./session.js";
import { createSupply } from "./supply.js";
import { createSwiping } from "./swiping.js";
import { createVoteBar } from "./vote_bar.js";

const FIRST_DRAIN_MS = 2000;

const byId = (id) => document.getElementById(id);
const root = byId("rating");
const settings = JSON.parse(byId("rating-settings").textContent);
const { answering, criteria } = settings;

const preferences = createPreferences(settings.storage);
const api = createApi(settings.urls, root.dataset.csrf, settings.account);
const screen = createScreen({ ending: createEnding({ api }) });
const keymap = createKeymap(settings.keys);
const clock = createClock();
const arming = createArming({
  onChange: (armed) => byId("decision").setAttribute("aria-busy", String(!armed)),
});
const view = createPairView({
  katex: { script: root.dataset.katexScript, style: root.dataset.katexStyle },
});
const panes = createPanes({ places: view.places, isSwiping: () => swiping.on });
const swiping = createSwiping({ root, preferences, isWide: () => panes.isWide });
const tools = createReadingTools({ view, panes, preferences, screen });
const drafts = createDrafts({
  api,
  preferences,
  served: settings.draft,
  now: settings.now,
});
const showSaving = createSaveChip({
  outbox: () => outbox,
  pageUrl: settings.page,
  signInUrl: settings.sign_in,
});

const outbox = createOutbox({
  name: settings.storage,
  page: settings.page,
  account: settings.account,
  api,
  reasonOf,
  wishOf({ kind, body }) {
    // Practice answers with an explanation first, and a change leaves what is held as it is.
    const isPractice = practice.awaits(body.assignment) || supply.isPractice(body.assignment);
    return kind === "vote" && !body.revises && !isPractice ? supply.wish() : null;
  },
  onChange: showSaving,
  onStored(entry, stored) {
    if (stored.received === "late_surplus") {
      screen.notify(gettext("Others had completed that pair meanwhile. Your answer is kept all the same."));
    }
    if (stored.notice) {
      screen.notify(stored.notice);
    }
    session.stored(entry.body.assignment, stored.feedback);
    if (stored.next) {
      // Last: a page that waits for pairs has seen by then that it has none, and goes on with these.
      supply.bring(stored.next);
    }
  },
  onRefused(entry, error) {
    if (error.code === "skip_limit") {
      screen.notify(error.message);
      session.discarded([entry.body.assignment]);
    } else if (error.body.stored) {
      screen.notify(settledText(error));
      session.leaveUnread(entry.body.assignment);
    } else {
      session.refused(entry.body.assignment); // the save chip says why, as long as it is kept
    }
  },
  onDiscarded(entries) {
    const decisions = entries.filter((entry) => entry.kind !== "flag");
    session.discarded(decisions.map((entry) => entry.body.assignment));
  },
});

const supply = createSupply({
  api,
  outbox,
  prepare: view.prepare,
  onProgress: (progress, exact) => session.onProgress(progress, exact),
});

const bar = createVoteBar({
  criteria,
  answering,
  keymap,
  root: byId("questions"),
  submit: byId("submit"),
  onAnswer: () => session.noteAnswer(),
  onChange: () => session.saveDraft(),
  onDecision: (answers, remarks, option) => session.decide(answers, remarks, option),
});

const reason = createReasonBox({
  answering,
  onToggle: (on) => bar.setCollecting(on),
  onInput: () => session.saveDraft(),
});

const nameOf = (answers) => optionFor(criteria[0], answers.overall)?.full ?? "";

const differences = createDifferences({
  library: root.dataset.diffScript,
  view,
  onChange: (on) => tools.press("differences", on),
  notify: screen.notify,
});

const practice = createPractice({ criteria, screen, questions: byId("answering") });

const session = createSession({
  version: settings.version,
  practice,
  differences,
  showPractice(round) {
    button("skip").hidden = round !== null || session.isRevising;
    byId("last").hidden = round !== null || session.isRevising;
  },
  api,
  outbox,
  supply,
  view,
  screen,
  bar,
  clock,
  arming,
  panes,
  drafts,
  breaks: createBreaks({
    clock,
    preferences,
    minutes: answering.break_after_minutes,
    notify: screen.notify,
  }),
  swiping,
  lookingBack: createLookingBack({ api, view, notify: screen.notify, nameOf }),
  reason,
  tools,
  signInUrl: settings.sign_in,
  changesEarlier: answering.revise_earlier,
  leases: () => leases,
  showRevising(decision) {
    byId("revising").hidden = decision === null;
    byId("revising-what").textContent = decision?.isEarlier
      ? gettext("You are changing an earlier answer.")
      : gettext("You are changing your last answer.");
    byId("revising-text").textContent =
      decision === null
        ? ""
        : interpolate(gettext("It was: %(answer)s. It stands until you give another."), {
            answer: decision.words,
          });
    byId("last").hidden = decision !== null;
    for (const name of ["skip", "flag"]) {
      button(name).hidden = decision !== null;
    }
  },
});

const leases = createLeases({
  api,
  supply,
  current: () => session.currentId,
  idleMs: () => clock.idleMs(),
  onLost() {
    screen.notify(gettext("This pair was open for a long time and may go to someone else. You can still answer it."));
  },
  onAnswered(id) {
    session.leave(id, gettext("You settled that pair in another window. Here is the next one."));
  },
  onWarn(minutes) {
    const said = gettext(
      "Are you still reading? This pair goes to someone else in about %(minutes)s min. Any key or movement keeps it.",
    );
    screen.notify(interpolate(said, { minutes }));
  },
});

function reasonOf(error) {
  return error.code === "unknown_assignment" ? gettext("The pair is not among yours any more.") : error.message;
}

function settledText(error) {
  if (error.body.received === "study_closed") {
    return gettext("The study closed before your answer arrived. It is kept, but may not be counted.");
  }
  if (["study_closed", "changes_suspended"].includes(error.code)) {
    return error.message; // a change that is taken no more
  }
  return gettext("That pair had an answer already, from another window perhaps. The earlier one stands.");
}

function button(name) {
  return document.querySelector(`[data-action="${name}"]`);
}

const actions = createActions({
  session,
  bar,
  tools,
  practice,
  differences,
  swiping,
  reason,
  screen,
  keymap,
  preferences,
});

/* -- buttons and keys ----------------------------------------------------------------------- */

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-action]");
  if (pressed) {
    actions.act(pressed.dataset.action);
  }
});

listenForKeys({
  keymap,
  act: actions.act,
  submit: actions.submit,
  lettersOn: () => preferences.get("letters", true),
  answer: (key) => session.isShowing && bar.press(key),
  move(step) {
    if (!session.isShowing || !bar.collects) {
      return false;
    }
    screen.announce(bar.moveFocus(step).question);
    return true;
  },
  scroll: (pixels, pages) => session.isShowing && panes.scroll(pixels, pages),
  escape(target) {
    if (types(target)) {
      target.blur();
      screen.focusPrompt();
    } else if (!tools.closeGuidelines()) {
      if (!session.isRevising) {
        return false;
      }
      session.keep();
    }
    return true;
  },
});

/* -- leaving and coming back ------------------------------------------------------------------ */

window.addEventListener("beforeunload", (event) => {
  if (outbox.isLostOnLeaving) {
    event.preventDefault();
  }
});
document.addEventListener("visibilitychange", () => {
  const leaving = { keepalive: document.visibilityState === "hidden" };
  outbox.drain(leaving);
  drafts.send(leaving);
});
window.addEventListener("online", () => outbox.retry());

/* -- start ------------------------------------------------------------------------------------ */

const letters = byId("letters");
letters.checked = preferences.get("letters", true);
function applyLetters() {
  root.classList.toggle("no-letter-keys", !letters.checked);
}
letters.addEventListener("change", () => {
  preferences.set("letters", letters.checked);
  applyLetters();
});
applyLetters();

actions.setMore(preferences.get("more", false) && bar.optionalCount > 0);

function showKeys() {
  for (const name of actions.names) {
    for (const hint of document.querySelectorAll(`[data-action="${name}"] > kbd, [data-hint="${name}"]`)) {
      if (name in GIVEN) {
        hint.textContent = keymap.keyOf(name);
      }
    }
  }
  bar.showKeys();
}
showKeys();
createKeySheet({
  dialog: byId("help"),
  questions: [...criteria, ...furtherQuestions(answering)],
  commands: Object.keys(GIVEN).filter(isOffered),
  keymap,
  api,
  onChange: showKeys,
});

/* Whether the study has what the key is for. */
function isOffered(name) {
  if (name === "reference") {
    return settings.has_reference;
  }
  if (name === "reason") {
    return answering.rationale === "optional";
  }
  return name !== "more" || bar.optionalCount > 0;
}

// Again after a change of the study, which may have changed what is asked.
if (preferences.get("welcomed", false) !== settings.version) {
  showWelcome(byId("welcome")).then(() => {
    preferences.set("welcomed", settings.version);
    if (session.isShowing) {
      clock.start();
    }
    screen.focusPrompt();
  });
}
/* What an earlier page left goes first, so that counts and pairs are right; a server that does not
   answer is not waited for. */
Promise.race([
  outbox.drain(),
  new Promise((resolve) => {
    setTimeout(resolve, FIRST_DRAIN_MS);
  }),
]).then(() => {
  const asked = takeAskedChange();
  return asked === null ? session.advance() : session.change(asked);
});
