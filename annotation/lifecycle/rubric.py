"""What a draft study says and asks: its texts, its settings and its criteria."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from annotation import audit
from annotation.models import Criterion, Scale, Study, User, Verdict, Vote, VoteCriterion
from annotation.rules import RulesError, read_rules

from .states import check_editable

# One to ten criteria: more than that nobody answers with care.
MOST_CRITERIA = 10
LEVEL_KEYS = {"id", "description", "example", "reason"}
# What may be set on a draft; everything else has a step of its own.
DRAFT_SETTINGS = frozenset(
    {
        "title",
        "instructions",
        "notice",
        "results",
        "stopping",
        "seed",
        "target_votes",
        "max_per_annotator",
        "rules",
    }
)


# What makes all rules of those that stand when the study is locked.
RulesChange = Callable[[Mapping[str, Any]], dict[str, Any]]
# What makes settings, rules among them, of the draft as it is when it is locked.
SettingsChange = Callable[[Study], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CriterionDraft:
    """A criterion as a researcher states it.

    Attributes
    ----------
    key : str
        `overall` must be among them, and be required.
    question : str
    scale : Scale
    both_bad : bool
        Offers "both bad" as a button of its own.
    required : bool
    levels : sequence of dict
        From worst to best, each with `id`, `description`, and optionally `example`, `reason`.
    """

    key: str
    question: str
    scale: str = Scale.TERNARY
    both_bad: bool = False
    required: bool = True
    levels: Sequence[dict[str, Any]] = field(default_factory=tuple)


# What a criterion says, beside its key.
PARTS_OF_A_CRITERION = ("question", "scale", "both_bad", "required", "levels")

# What makes the whole rubric of the one that stands when the study is locked.
RubricChange = Callable[[Sequence[CriterionDraft]], Sequence[CriterionDraft]]


def configure_draft(
    study: Study,
    actor: User | None = None,
    *,
    rules: Mapping[str, Any] | RulesChange | None = None,
    change: SettingsChange | None = None,
    **settings: Any,
) -> Study:
    """Set texts and settings of a draft.

    Parameters
    ----------
    rules : mapping or callable, optional
        All rules; or what makes them of those that stand when the draft is locked, so that rules
        set meanwhile from another page stay.
    change : callable, optional
        What makes further settings of the draft when it is locked. What it raises leaves the draft
        as it was.

    Raises
    ------
    StudyFrozenError
        The study was opened.
    ValidationError
        A setting is unknown or has a value that is not allowed.
    """
    check_settings(settings)
    if rules is not None and not callable(rules):
        check_rules(rules)
        settings["rules"] = rules
    with transaction.atomic():
        check_editable(study)
        if callable(rules):
            settings["rules"] = rules(
                Study.objects.values_list("rules", flat=True).get(pk=study.pk)
            )
            check_rules(settings["rules"])
        if change is not None:
            settings |= change(Study.objects.get(pk=study.pk))
            check_settings(settings)
            if "rules" in settings:
                check_rules(settings["rules"])
        for name, value in settings.items():
            setattr(study, name, value)
        study.full_clean()
        study.save(update_fields=sorted(settings))
        audit.record(study, actor, "study.configured", {"settings": sorted(settings)})
    return study


def check_settings(settings: Mapping[str, Any]) -> None:
    unknown = sorted(set(settings) - DRAFT_SETTINGS)
    if unknown:
        raise ValidationError(f"{unknown[0]!r} is no setting of a draft.")


def check_rules(rules: object) -> None:
    """Raise ValidationError naming every fault of the rules at once."""
    try:
        read_rules(rules)
    except RulesError as invalid:
        raise ValidationError([f"rules: {fault}" for fault in invalid.faults]) from None


def set_rubric(
    study: Study, criteria: Sequence[CriterionDraft] | RubricChange, actor: User | None = None
) -> list[Criterion]:
    """Replace the criteria of a draft, in the order given.

    Parameters
    ----------
    criteria
        The whole rubric; or what makes it of the one that stands when the draft is locked, so that
        what others changed meanwhile stays. What that raises leaves the rubric as it was.

    Raises
    ------
    StudyFrozenError
        The study was opened.
    ValidationError
        `overall` is missing or optional, a key comes twice, a level has no description, or votes
        exist on a criterion that would go, or that could not express them.
    """
    if not callable(criteria):
        check_rubric(criteria)
    with transaction.atomic():
        check_editable(study)
        if callable(criteria):
            criteria = criteria(criteria_of(study))
            check_rubric(criteria)
        keys = [draft.key for draft in criteria]
        gone = study.criteria.exclude(key__in=keys)
        for criterion in gone:
            if VoteCriterion.objects.filter(criterion=criterion).exists():
                raise ValidationError(
                    f"The criterion {criterion.key!r} has votes and cannot be removed."
                )
        gone.delete()
        if faults := faults_of_votes(study, criteria):
            raise ValidationError(faults)
        stored = store_criteria(study, criteria)
        audit.record(study, actor, "study.rubric_set", {"criteria": keys})
    return stored


def faults_of_votes(study: Study, criteria: Sequence[CriterionDraft]) -> list[str]:
    """Verdicts of imported votes that the criteria could not express."""
    faults = []
    for draft in criteria:
        impossible = {
            Verdict.TIE: draft.scale == Scale.BINARY,
            Verdict.BOTH_BAD: not draft.both_bad,
        }
        given: QuerySet[Vote] | QuerySet[VoteCriterion] = (
            Vote.objects.filter(comparison__study=study)
            if draft.key == Criterion.OVERALL
            else VoteCriterion.objects.filter(criterion__study=study, criterion__key=draft.key)
        )
        faults += [
            f"The criterion {draft.key!r} has votes with the verdict {verdict.value}, which it "
            "could not express."
            for verdict, cannot_be in impossible.items()
            if cannot_be and given.filter(verdict=verdict).exists()
        ]
    return faults


def store_criteria(study: Study, criteria: Sequence[CriterionDraft]) -> list[Criterion]:
    """Write the criteria in the order given, within the caller's transaction."""
    stored = []
    for position, draft in enumerate(criteria):
        criterion, _ = Criterion.objects.update_or_create(
            study=study,
            key=draft.key,
            defaults={
                "question": draft.question,
                "scale": draft.scale,
                "both_bad": draft.both_bad,
                "required": draft.required,
                "levels": list(draft.levels),
                "position": position,
            },
        )
        criterion.full_clean()
        stored.append(criterion)
    return stored


def check_rubric(criteria: Sequence[CriterionDraft]) -> None:
    """Raise ValidationError naming every fault of the criteria at once."""
    if faults := faults_of_drafts(criteria):
        raise ValidationError(faults)


def faults_of_drafts(criteria: Sequence[CriterionDraft]) -> list[str]:
    """Everything that keeps the criteria from being a rubric."""
    faults = []
    keys = [draft.key for draft in criteria]
    if Criterion.OVERALL not in keys:
        faults.append("The criterion 'overall' is missing; every study has it.")
    if len(criteria) > MOST_CRITERIA:
        faults.append(f"{len(criteria)} criteria are more than the {MOST_CRITERIA} allowed.")
    faults += [
        f"The criterion {key!r} comes {keys.count(key)} times."
        for key in sorted(set(keys))
        if keys.count(key) > 1
    ]
    for draft in criteria:
        if draft.key == Criterion.OVERALL and not draft.required:
            faults.append("The criterion 'overall' is always required; leave out required = false.")
        if draft.scale not in Scale.values:
            faults.append(
                f"{draft.key!r} has the scale {draft.scale!r}; "
                f"use one of {', '.join(Scale.values)}."
            )
        ids = [level["id"] for level in draft.levels if "id" in level]
        faults += [
            f"{draft.key!r} has {ids.count(twice)} levels with the id {twice!r}; each has its own."
            for twice in dict.fromkeys(ids)
            if ids.count(twice) > 1
        ]
        for number, level in enumerate(draft.levels, start=1):
            unknown = sorted(set(level) - LEVEL_KEYS)
            if unknown:
                faults.append(
                    f"Level {number} of {draft.key!r} has the unknown key {unknown[0]!r}."
                )
            if not level.get("description"):
                faults.append(f"Level {number} of {draft.key!r} has no description.")
    return faults


def criteria_of(study: Study) -> list[CriterionDraft]:
    """The study's criteria in their order, as they would be stated."""
    return [
        CriterionDraft(
            key=criterion.key,
            question=criterion.question,
            scale=criterion.scale,
            both_bad=criterion.both_bad,
            required=criterion.required,
            levels=tuple(criterion.levels),
        )
        for criterion in study.criteria.order_by("position", "pk")
    ]
