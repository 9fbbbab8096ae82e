"""One change of an opened study under way: what may change, in which order, what is logged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.db.models import Max

from annotation import audit, queue
from annotation.frozen_rules import with_what_held_before
from annotation.models import (
    Cell,
    Comparison,
    ComparisonKind,
    Stopping,
    Study,
    StudyState,
    StudyVersion,
    System,
    User,
)
from annotation.queue.cells import pair_of
from annotation.queue.raising import raise_overlap

from .differences import changed_criteria, changed_settings, in_words, logged, rule_changes, word
from .generation import MAX_OVERLAP
from .readiness import faults_of_gold, faults_of_rubric
from .refusals import ChangeRefusedError, LifecycleError
from .rubric import (
    CriterionDraft,
    RubricChange,
    RulesChange,
    check_rubric,
    check_rules,
    criteria_of,
    store_criteria,
)
from .rules_readiness import faults_of_rules
from .snapshots import Counting, Marks, build_snapshot, content_hash, digest_of_content

# What may be set on an opened study, by a new version.
SETTINGS = frozenset(
    {"title", "instructions", "notice", "target_votes", "max_per_annotator", "rules"}
)
# What holds for good from opening on, and why.
FOR_GOOD = {
    "results": "who may see outcomes while votes come in was settled when the study opened",
    "stopping": "a stopping rule that is chosen after votes came in proves nothing",
    "seed": "sides, order and resampling were drawn from it",
}
ORDER = "order."
ORDER_WHY = "the order of pairs was drawn when the study opened"

# Told how many are through, of how many (None where nobody knows), and of what.
Progress = Callable[[int, int | None, str], None]
# Adds comparisons to the study, in the transaction of the change, and says what is to be recorded
# of it at the end.
Add = Callable[[Study], audit.Act | None]


def hold_opened(study: Study) -> Study:
    """The study, locked until the transaction ends, if it still collects votes."""
    # NO KEY: rows that refer to the study are inserted all the while.
    held = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    check_opened(held)
    return held


def check_opened(held: Study) -> None:
    """Raise LifecycleError unless the study collects votes."""
    if held.state == StudyState.DRAFT:
        raise LifecycleError(
            f"{held.slug} is a draft: configure_study and the imports change it, and no reason is "
            "needed."
        )
    if not held.is_running:
        raise LifecycleError(
            f"{held.slug} is {held.state}, and what its votes were collected under stays. Continue "
            "it with a new study."
        )


class Change:
    """One change under way; the study is locked and the caller's transaction is open."""

    def __init__(
        self,
        study: Study,
        actor: User | None,
        reason: str,
        progress: Progress | None = None,
    ) -> None:
        self.study = study
        self.actor = actor
        self.reason = reason
        self.progress = progress
        # What the log says, and the same for people.
        self.log: dict[str, Any] = {}
        self.acts: list[audit.Act] = []
        self.lines: list[str] = []

    def wished(
        self,
        settings: Mapping[str, Any],
        rules: Mapping[str, Any] | RulesChange | None,
        criteria: Sequence[CriterionDraft] | RubricChange | None,
    ) -> tuple[dict[str, Any], Sequence[CriterionDraft] | None]:
        """Settings, rules among them, and rubric as they would be; refused where they must not."""
        wanted = dict(settings)
        if rules is not None:
            wanted["rules"] = rules(self.study.rules) if callable(rules) else rules
            check_rules(wanted["rules"])
            if not callable(rules):
                # A file that was written before there was such a rule decides nothing about it.
                wanted["rules"] = with_what_held_before(rules, self.study.rules)
        rubric = criteria(criteria_of(self.study)) if callable(criteria) else criteria
        if rubric is not None:
            check_rubric(rubric)
        self.refuse_for_good(wanted, rubric)
        return wanted, rubric

    def refuse_for_good(
        self, settings: Mapping[str, Any], criteria: Sequence[CriterionDraft] | None
    ) -> None:
        """Raise ChangeRefusedError naming everything that would change and must not."""
        faults = [
            f"{name} is {getattr(self.study, name)} and stays so: {why}."
            for name, why in FOR_GOOD.items()
            if name in settings and settings[name] != getattr(self.study, name)
        ]
        faults += [
            f"{name!r} is nothing that a change can set."
            for name in sorted(set(settings) - SETTINGS - set(FOR_GOOD))
        ]
        faults += [
            f"rules.{place} is {word(old)} and stays so: {ORDER_WHY}."
            for place, (old, _) in rule_changes(
                self.study.rules, settings.get("rules", self.study.rules)
            ).items()
            if place.startswith(ORDER)
        ]
        if criteria is not None:
            faults += faults_of_change(criteria_of(self.study), criteria)
        if faults:
            raise ChangeRefusedError(self.study.slug, faults)

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        changed = changed_settings(self.study, settings)
        if not changed:
            return
        self.log["settings"] = logged(self.study, changed)
        self.lines += in_words(self.log["settings"])
        for name, value in changed.items():
            setattr(self.study, name, value)
        self.study.full_clean()
        self.study.save(update_fields=sorted(changed))

    def set_criteria(self, criteria: Sequence[CriterionDraft] | None) -> None:
        before = {draft.key: draft for draft in criteria_of(self.study)}
        changed = changed_criteria(self.study, criteria)
        if changed is None:
            return
        store_criteria(self.study, changed)
        new = [draft.key for draft in changed if draft.key not in before]
        other = [
            draft.key
            for draft in criteria_of(self.study)
            if draft.key in before and draft != before[draft.key]
        ]
        self.log["criteria"] = {
            "order": [draft.key for draft in changed],
            "new": new,
            "changed": other,
        }
        self.lines += [f"criterion {key}: new" for key in new]
        self.lines += [f"criterion {key}: changed" for key in other]
        if not new and not other:
            self.lines.append(
                f"criteria: now in the order {', '.join(self.log['criteria']['order'])}"
            )

    def add_comparisons(self, add: Add) -> None:
        """Let `add` store comparisons; what was frozen before must be as it was."""
        marks = Marks.of(self.study)
        frozen = digest_of_content(
            self.study, marks, self.counting("prompts, responses and pairs looked at")
        )
        number = Comparison.objects.filter(study=self.study).count()
        act = add(self.study)
        if act is not None:
            self.acts.append(act)
        new_systems = System.objects.filter(study=self.study, code="").order_by("name")
        if names := list(new_systems.values_list("name", flat=True)):
            raise ChangeRefusedError(
                self.study.slug,
                [
                    f"The system {name} is new: it would have no code and no votes beside the "
                    "others'. Continue the study with a new one."
                    for name in names
                ],
            )
        compared = self.counting("prompts, responses and pairs compared")
        if digest_of_content(self.study, marks, compared) != frozen:
            raise ChangeRefusedError(
                self.study.slug,
                [
                    "What was to be added also changes prompts or responses that are frozen, such "
                    "as a category that was not stated before. Leave these columns out."
                ],
            )
        if self.study.stopping == Stopping.SEQUENTIAL and (faults := self.faults_of_family()):
            raise ChangeRefusedError(self.study.slug, faults)
        added = Comparison.objects.filter(study=self.study).count() - number
        if added:
            self.log["added"] = {"comparisons": added}
            self.lines.append(f"comparisons: {added} more")

    def faults_of_family(self) -> list[str]:
        """A sentence for each pair of systems that was not compared when the study opened.

        The stopping rule was fixed for so many pairs, with or without votes.
        """
        known = set(
            Cell.objects.filter(study=self.study).values_list("system_a__name", "system_b__name")
        )
        added = Comparison.objects.filter(
            study=self.study, kind=ComparisonKind.WORK, cell__isnull=True
        ).order_by()
        pairs = {
            pair_of(*names)
            for names in added.values_list("system_a__name", "system_b__name").distinct()
        }
        return [
            f"{first} and {second} were not compared when the study opened, and its stopping rule "
            "was fixed for the pairs of systems that were: with more of them its promise would not "
            "hold. Leave these comparisons out, or continue the study with a new one."
            for first, second in sorted(pairs - known)
        ]

    def raise_overlap(self, overlap: int, items: Collection[str] | None) -> None:
        check_overlap(overlap)
        work = Comparison.objects.filter(study=self.study, kind=ComparisonKind.WORK)
        chosen = None
        if items is not None:
            found = dict(work.filter(item_id__in=list(items)).values_list("item_id", "pk"))
            if missing := sorted(set(items) - set(found)):
                raise LifecycleError(
                    f"{self.study.slug} has no comparison of kind work with the item id "
                    f"{missing[0]!r}. Nothing was changed."
                )
            chosen = list(found.values())
            work = work.filter(pk__in=chosen)
        raised = raise_overlap(self.study, overlap, chosen, self.counting("pairs raised"))
        most = work.aggregate(most=Max("overlap"))["most"] or overlap
        if not raised and most > overlap:
            raise LifecycleError(
                f"The overlap can only be raised: comparisons ask for {most} votes, which some may "
                f"have got, and {overlap} are fewer. Nothing was changed."
            )
        if raised:
            self.log["overlap"] = {"to": overlap, "comparisons": raised}
            self.lines.append(f"overlap: {overlap} votes on {raised} comparisons that wanted fewer")

    def write(self) -> StudyVersion:
        """Check the whole, open what is new, and freeze it."""
        study = self.study
        faults = [*faults_of_rubric(study), *faults_of_gold(study), *faults_of_rules(study)]
        if faults:
            raise ChangeRefusedError(study.slug, faults)
        queue.open_for_claims(study)
        previous = StudyVersion.objects.filter(study=study).latest("number")
        codes = dict(System.objects.filter(study=study).values_list("code", "name"))
        frozen = self.counting("prompts, responses and pairs frozen")
        snapshot = build_snapshot(study, codes, previous.snapshot["seeds"]["codes"], frozen)
        version = StudyVersion.objects.create(
            study=study,
            number=previous.number + 1,
            snapshot=snapshot,
            content_hash=content_hash(snapshot),
            stopping=study.stopping,
        )
        # Last: whoever stops a pair of systems has its cells, and then waits for the chain.
        self.record_acts()
        audit.record(
            study,
            self.actor,
            "study.changed",
            {
                "version": version.number,
                "content_hash": version.content_hash,
                "reason": self.reason,
                # Whoever changes a study whose outcomes can be seen may have seen them.
                "sealed": study.is_sealed,
                **self.log,
            },
        )
        return version

    def counting(self, what: str) -> Counting | None:
        """Tells the progress how many of these are through."""
        progress = self.progress
        if progress is None:
            return None
        return lambda done, of: progress(done, of, what)

    def record_acts(self) -> None:
        audit.record_acts(self.study, self.actor, *self.acts)


def check_overlap(overlap: int) -> None:
    if not 1 <= overlap <= MAX_OVERLAP:
        raise LifecycleError(f"The overlap must be 1 to {MAX_OVERLAP}, not {overlap}.")


def faults_of_change(
    before: Sequence[CriterionDraft], after: Sequence[CriterionDraft]
) -> list[str]:
    """What a rubric that has votes cannot become."""
    stated = {draft.key: draft for draft in after}
    faults = []
    for old in before:
        new = stated.get(old.key)
        if new is None:
            faults.append(f"The criterion {old.key!r} has votes and cannot go.")
            continue
        if new.scale != old.scale:
            faults.append(
                f"The criterion {old.key!r} has the scale {old.scale} and keeps it: votes on two "
                "scales are no one figure. Add a criterion instead."
            )
        if new.both_bad != old.both_bad:
            faults.append(
                f"The criterion {old.key!r} {'has' if old.both_bad else 'has no'} 'both bad' and "
                "stays so: votes with and without it are no one figure. Add a criterion instead."
            )
        if new.required and not old.required:
            faults.append(
                f"The criterion {old.key!r} is optional and stays so: votes lack it already."
            )
    return faults
