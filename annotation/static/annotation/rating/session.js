/* The course of rating: the next pair, a decision, undo, skip. It advances at once and saves
   behind; what it shows and sends is the business of the modules it is given. */

import { gettext, interpolate } from "../../evalsite/words.js";
import { nextPaint } from "./arming.js";
import { newKey } from "./outbox.js";
import { emptyState, failureState, outdatedState, unsentState } from "./states.js";

const RETRY_MS = 5000;

export function createSession(parts) {
  const { api, outbox, supply, view, screen, bar, clock, arming, panes } = parts;
  const { reason, practice, differences, drafts, lookingBack, breaks, swiping, tools } = parts;
  let current = null; // { pair, content } on the screen
  let revising = null; // the last decision, while it is shown again
  let last = null; // { entry, answers, remarks, words, number }
  let voted = 0;
  let counted = false;
  let maximum = null;
  let used = {}; // how the pair was read
  let turn = 0; // tells a late answer from a timely one
  let timer = 0;
  let serverHasLast = false;

  const idOf = (entry) => entry?.pair.id ?? null;

  async function advance() {
    const mine = begin();
    let entry = supply.peek();
    if (entry === null) {
      screen.showState({ heading: gettext("Getting the next pair") });
      entry = await fetchNext(mine);
      if (entry === null || mine !== turn) {
        return;
      }
    }
    if (supply.version !== parts.version) {
      screen.showState(outdatedState());
      screen.focusState();
      return;
    }
    await show(entry, mine);
    refillQuietly();
  }

  /* Leave the pair on the screen: nothing can be answered until another one is painted. */
  function begin() {
    turn += 1;
    clearTimeout(timer);
    arming.disarm();
    clock.stop();
    current = null;
    practice.close();
    setRevising(null);
    return turn;
  }

  async function fetchNext(mine) {
    try {
      await supply.refill();
      if (supply.peek() === null && supply.empty === null && outbox.waiting === 0) {
        // That answer was on its way when the last vote was stored: ask once more.
        await supply.refill();
      }
    } catch (error) {
      if (mine === turn) {
        showFailure(error);
      }
      return null;
    }
    const entry = supply.peek();
    if (entry === null && mine === turn) {
      showEmpty();
    }
    return entry;
  }

  function refillQuietly() {
    supply.topUp().catch(() => {
      // Noticed when the next pair is needed; the save chip tells of the connection.
    });
  }

  /* An answer was refused: it no longer counts, and the pairs may be others. */
  function refused() {
    if (current === null && supply.peek() === null) {
      advance();
    }
    // An answer that was on its way already may hold the counts of before: ask once more.
    supply.refill().then(supply.refill).catch(() => {
      // The next pair brings the counts.
    });
  }

  function showEmpty() {
    const { empty } = supply;
    const canUndo = last !== null || serverHasLast;
    if (empty === null) {
      // All that is held is answered here: on its way, or refused.
      screen.showState({ ...unsentState(outbox.waiting), canUndo });
      timer = setTimeout(advance, RETRY_MS);
    } else {
      screen.showState({ ...emptyState(empty, advance), canUndo });
      if (empty.retry_after_seconds) {
        timer = setTimeout(lookAgain, empty.retry_after_seconds * 1000, turn);
      }
    }
    screen.focusState();
  }

  /* Without disturbing the page: it changes only if there is something. */
  async function lookAgain(mine) {
    try {
      await supply.refill();
    } catch {
      // The next look may find the connection again.
    }
    if (mine !== turn) {
      return;
    }
    if (supply.peek() !== null || supply.empty?.code !== "held_by_others") {
      advance();
    } else {
      timer = setTimeout(lookAgain, (supply.empty.retry_after_seconds ?? 15) * 1000, mine);
    }
  }

  function showFailure(error) {
    const state = failureState(error, { advance, signInUrl: parts.signInUrl });
    screen.showState({ ...state, canUndo: Boolean(state.again) && last !== null });
    screen.focusState();
    if (state.again) {
      timer = setTimeout(advance, RETRY_MS);
    }
  }

  /* `revised` is the decision that is shown again. */
  async function show(entry, mine, revised = null, announced = "") {
    const content = await entry.content;
    if (mine !== turn) {
      return;
    }
    current = entry;
    used = { source: view.sourceShown, linked: panes.linked };
    const round = entry.practice ?? null;
    screen.showWork(revised === null ? voted + 1 : revised.number, round);
    parts.showPractice(round);
    if (revised === null) {
      practice.enter(round);
    }
    view.show(content);
    tools.offerReference(entry.pair.reference !== null);
    differences.start();
    swiping.start();
    const begun = drafts.of(entry.pair.id);
    const remarks = revised?.remarks ?? begun.remarks;
    reason.start(remarks.rationale);
    bar.start({ drafted: begun.answers, before: revised?.answers, remarks });
    panes.toTop();
    panes.watchEnds();
    screen.focusPrompt();
    screen.announce(announced);
    await nextPaint();
    if (mine !== turn) {
      return;
    }
    clock.start();
    arming.painted();
    if (revised === null) {
      parts.leases().shown();
      breaks.between();
    }
  }

  /* An answer was clicked: whether it may count. */
  function noteAnswer() {
    if (!arming.armed) {
      screen.notify(gettext("That was too early to count: the pair had only just appeared. Please answer again."));
      return false;
    }
    clock.noteChoice();
    return true;
  }

  function decide(answers, { confidence, tags }, option) {
    if (current === null) {
      return;
    }
    const entry = current;
    const practised = Boolean(entry.practice);
    const rationale = reason.text;
    const number = revising?.number ?? voted + 1;
    const { left, right } = panes.ended;
    outbox.add("vote", {
      assignment: entry.pair.id,
      key: newKey(),
      answers,
      rationale,
      tags,
      confidence,
      timing: clock.read(),
      reading: {
        layout: panes.layout,
        left_end: left,
        right_end: right,
        source_used: used.source,
        linked: used.linked,
        ...(tools.referenceShown && { reference_open: true }),
        criteria_open: bar.open,
        ...differences.read(),
      },
      revises: revising !== null,
    });
    if (practised) {
      supply.settle(entry.pair.id);
      drafts.clear(entry.pair.id);
      begin();
      practice.wait(entry.pair.id, answers);
      return;
    }
    if (revising === null) {
      voted += 1;
      screen.showCount(voted, maximum);
    }
    const remarks = { rationale, tags, confidence };
    last = { entry, answers, remarks, words: option.full, number };
    supply.settle(entry.pair.id);
    drafts.clear(entry.pair.id);
    const said =
      revising === null ? gettext("Your last answer: %(answer)s.") : gettext("Changed to: %(answer)s.");
    screen.showLast(interpolate(said, { answer: option.full }));
    screen.announce(option.full);
    advance();
  }

  async function undo() {
    if (current?.practice || practice.isOpen) {
      screen.notify(gettext("Answers of the practice round cannot be changed."));
      return;
    }
    if (revising !== null) {
      screen.notify(
        parts.changesEarlier
          ? gettext("You are changing an answer already. Others can be changed from the list of your answers.")
          : gettext("Only your last answer can be changed."),
      );
      return;
    }
    if (last === null) {
      const mine = turn;
      const found = await lookingBack.fetch(null, voted);
      if (mine !== turn || found === null) {
        return; // answered meanwhile: what was found is the last one no more
      }
      last = found;
    }
    const said = gettext("Your last pair again. Your answer was: %(answer)s");
    await revise(last, interpolate(said, { answer: last.words }));
  }

  /* An earlier answer, by its pair; what was on the screen comes again afterwards. */
  async function change(assignment) {
    const mine = begin();
    screen.showState({ heading: gettext("Getting that pair") });
    const found = await lookingBack.fetch(assignment, null);
    if (mine !== turn) {
      return;
    }
    if (found === null) {
      advance();
      return;
    }
    const said = gettext("An earlier pair again. Your answer was: %(answer)s");
    await revise(found, interpolate(said, { answer: found.words }));
  }

  async function revise(decision, announced) {
    const mine = begin();
    setRevising(decision);
    await show(decision.entry, mine, decision, announced);
  }

  function setRevising(decision) {
    revising = decision;
    parts.showRevising(decision);
  }

  function skip({ reason: why, note }) {
    if (current === null || current.practice || revising !== null) {
      return;
    }
    outbox.add("skip", { assignment: current.pair.id, reason: why, note });
    supply.settle(current.pair.id);
    drafts.clear(current.pair.id);
    screen.announce(gettext("Skipped"));
    advance();
  }

  function flag({ reason: why, note }) {
    if (current !== null) {
      outbox.add("flag", { assignment: current.pair.id, reason: why, note });
      screen.notify(gettext("Your flag is sent with your other answers. You can still answer this pair."));
    }
  }

  /* The last answer does not stand as it was given: undo asks the server which does. */
  function forget(ids) {
    if (last !== null && ids.includes(last.entry.pair.id)) {
      last = null;
      screen.showLast("");
    }
  }

  return {
    advance,
    noteAnswer,
    decide,
    undo,
    change,
    skip,
    flag,
    /* Back from changing the last answer, which stands. */
    keep: advance,
    saveDraft() {
      if (current !== null && revising === null) {
        drafts.save({
          assignment: current.pair.id,
          answers: bar.answers,
          rationale: reason.text,
          ...bar.remarks,
        });
      }
    },
    noteUse(name) {
      used[name] = true;
    },
    onProgress(progress, exact) {
      serverHasLast = progress.voted > 0;
      maximum = progress.maximum;
      if (exact) {
        voted = progress.voted;
      } else if (!counted) {
        voted = progress.voted + outbox.unsentVotes;
      }
      counted = true;
      screen.showCount(voted, maximum);
    },
    /* The pair on the screen was settled elsewhere. */
    leave(id, words) {
      if (current?.pair.id === id && revising === null) {
        supply.settle(id);
        screen.notify(words);
        advance();
      }
    },
    /* An answer was stored: a page that waited for that can go on. */
    stored(assignment, feedback) {
      if (practice.awaits(assignment) && feedback) {
        practice.show(feedback, advance);
        return;
      }
      if (practice.isOpen) {
        return; // being read
      }
      if (current === null && supply.peek() === null) {
        advance();
      }
    },
    /* Another answer stands already: there is no feedback to wait for. */
    leaveUnread(assignment) {
      forget([assignment]);
      if (practice.awaits(assignment)) {
        advance();
      } else {
        this.stored(assignment, null);
      }
    },
    refused(assignment) {
      if (practice.awaits(assignment)) {
        advance();
      }
      refused();
    },
    /* Answers were given up by their author: their pairs come again, if they still may. */
    discarded(ids) {
      ids.forEach(supply.reopen);
      forget(ids);
      refused();
    },
    get currentId() {
      return revising === null ? idOf(current) : null;
    },
    get isRevising() {
      return revising !== null;
    },
    get isShowing() {
      return current !== null;
    },
  };
}
