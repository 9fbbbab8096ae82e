"""What a judge version was validated by, whether that still counts, and recording it anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation import audit, queue
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import Response, Study, User
from judging.models import JudgeVersion
from reports.models import AnalysisRun, Expertise, JudgeValidation, Revalidation, ValidityRule
from reports.models.validations import DEFAULT_DAYS, DEFAULT_NEW_RESPONSES, WITH_PEOPLE

# Above it a date would lie beyond what databases hold.
MOST_DAYS = 36_500
MOST_NEW_RESPONSES = 1_000_000_000


class ValidationError(Exception):
    """The step was refused; nothing was changed. The message is for people."""


class Trust(StrEnum):
    """Where a judge version stands between being new and being known."""

    UNCALIBRATED = "uncalibrated"
    VALID = "valid"
    NOT_DECIDED = "not_decided"
    FAILED = "failed"
    RUN_OUT = "run_out"


# What a validation found, as long as it counts: only the first is a reason to trust.
FOUND = {"stands_in": Trust.VALID, "does_not": Trust.FAILED}
# Said in the place of whatever was found, where outcomes may not be seen.
HELD = "held_against_people"


def trust_told(trust: Trust, *, sees_outcomes: bool) -> str:
    """The name of a standing, without what a validation found where outcomes may not be seen."""
    tells = trust in (Trust.VALID, Trust.NOT_DECIDED, Trust.FAILED)
    return HELD if tells and not sees_outcomes else trust.value


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether what is known of a judge version still counts.

    Attributes
    ----------
    trust : Trust
    validation : JudgeValidation or None
        The newest.
    until : datetime or None
        When it runs out by the calendar; None where it never does.
    new_responses : int
        That came since.
    new_responses_left : int or None
        How many more it bears; None where their number does not matter.
    reasons : tuple of str
        Why it has run out: `days`, `responses`, `expertise` where the annotators are said to be
        others than those in whose place it was granted its margin.
    """

    trust: Trust
    validation: JudgeValidation | None
    until: datetime | None
    new_responses: int
    new_responses_left: int | None
    reasons: tuple[str, ...]


def rule_of(study: Study) -> ValidityRule:
    """The study's rule, or the default one, which is not stored."""
    return ValidityRule.objects.filter(study=study).first() or ValidityRule(
        study=study, days=DEFAULT_DAYS, new_responses=DEFAULT_NEW_RESPONSES
    )


def set_rule(
    study: Study,
    actor: User | None,
    *,
    days: int | None,
    new_responses: int | None,
    expertise: str | None = None,
) -> ValidityRule:
    """Say when validations of the study's judges run out; None: never for that.

    Parameters
    ----------
    expertise : str, optional
        Of the annotators, which decides the margin that a judge is granted; None leaves it. In the
        log on its own, as it changes what a report says.

    Raises
    ------
    ValidationError
        The actor may not, or a number is out of range.
    """
    _check(study, actor)
    for name, value, most in (
        ("days", days, MOST_DAYS),
        ("new responses", new_responses, MOST_NEW_RESPONSES),
    ):
        if value is not None and not 1 <= value <= most:
            raise ValidationError(
                f"The number of {name} must be 1 to {most:,}, or empty for no limit, not {value}. "
                "Nothing was changed."
            )
    if expertise is not None and expertise not in Expertise.values:
        raise ValidationError(
            f"Annotators are {', '.join(Expertise.values)}, not {expertise!r}. Nothing was changed."
        )
    with transaction.atomic():
        before = rule_of(study).expertise
        now = before if expertise is None else expertise
        rule, _ = ValidityRule.objects.update_or_create(
            study=study,
            defaults={"days": days, "new_responses": new_responses, "expertise": now},
        )
        audit.record(
            study, actor, "judges.validity_set", {"days": days, "new_responses": new_responses}
        )
        if now != before:
            audit.record(study, actor, "judges.expertise_set", {"expertise": now, "before": before})
    return rule


def validity_of(version: JudgeVersion, rule: ValidityRule) -> Validity:
    """Where the version stands now. Two queries."""
    return validities([version], rule)[version.pk]


def validities(versions: Collection[JudgeVersion], rule: ValidityRule) -> dict[int, Validity]:
    """Where the versions of one study's judges stand now, by key. Two queries."""
    newest: dict[int, JudgeValidation] = {}
    rows = JudgeValidation.objects.filter(version__in=versions)
    rows = rows.select_related("analysis_run", "version__judge")
    for row in rows.defer("analysis_run__result").order_by("id"):
        newest[row.version_id] = row
    responses = responses_of(rule.study) if newest else 0
    return {version.pk: _validity(newest.get(version.pk), responses, rule) for version in versions}


def _validity(newest: JudgeValidation | None, responses: int, rule: ValidityRule) -> Validity:
    if newest is None:
        return Validity(Trust.UNCALIBRATED, None, None, 0, None, ())
    until = None if rule.days is None else newest.created_at + timedelta(days=rule.days)
    came = max(responses - newest.responses, 0)
    left = None if rule.new_responses is None else max(rule.new_responses - came, 0)
    reasons = []
    if until is not None and until <= timezone.now():
        reasons.append("days")
    if left == 0:
        reasons.append("responses")
    if expertise_of(newest.analysis_run) != rule.expertise:
        reasons.append("expertise")
    trust = Trust.RUN_OUT if reasons else FOUND.get(newest.answer, Trust.NOT_DECIDED)
    return Validity(trust, newest, until, came, left, tuple(reasons))


def expertise_of(kept: AnalysisRun) -> str:
    """Of the annotators in whose place the report compared judges."""
    return str(kept.settings.get("expertise", Expertise.TRAINED.value))


def responses_of(study: Study) -> int:
    return Response.objects.filter(prompt__study=study).count()


def record_validation(
    kept: AnalysisRun, judge: str, number: int, actor: User | None
) -> JudgeValidation:
    """Take what a report says of a judge version for its validation.

    Raises
    ------
    ValidationError
        The actor may not, the report does not know the version, says too little of it, or says
        nothing that the newest validation did not rest on.
    """
    _check(kept.study, actor)
    entry = entry_of(kept.result, judge, number)
    version = JudgeVersion.objects.filter(
        judge__study=kept.study, judge__judge_id=judge, number=number
    ).first()
    if entry is None or version is None:
        raise ValidationError(f"The report holds no version {number} of a judge {judge!r}.")
    if entry["standing"]["answer"] == "too_few":
        raise ValidationError(
            f"Only {entry['n']} comparisons have both votes and a judgment of {judge}: with fewer "
            "than 30 there is nothing to validate it by. Collect votes first (revalidate_judge)."
        )
    with transaction.atomic():
        # One at a time: what is compared with the newest is the newest.
        JudgeVersion.objects.select_for_update(no_key=True, of=("self",)).get(pk=version.pk)
        same_votes = _check_news(kept, version)
        row, act = _record(kept, version, entry, actor, None, same_votes)
        audit.record_acts(kept.study, actor, act)
    return row


def _check_news(kept: AnalysisRun, version: JudgeVersion) -> JudgeValidation | None:
    """A validation is renewed by what people said since, never by the day on which one asks.

    Or by what the study says of its annotators, as long as nothing else made it run out: then the
    validation is given back whose votes are all that there is, and whose day and responses stay.
    """
    rule = rule_of(kept.study)
    if expertise_of(kept) != rule.expertise:
        raise ValidationError(
            f"The report held judges against annotators who are {expertise_of(kept)}; the study "
            f"says now that they are {rule.expertise}. Compute the report again and take that. "
            "Nothing was changed."
        )
    validity = validity_of(version, rule)
    newest = validity.validation
    if newest is None:
        return None
    if newest.analysis_run_id == kept.pk:
        raise ValidationError("This report is the judge's validation already. Nothing was changed.")
    if validity.reasons == ("expertise",):
        # The votes say something else of it: another margin is granted.
        return newest if votes_of(kept) <= votes_of(newest.analysis_run) else None
    if validity.trust is Trust.RUN_OUT:
        since = Revalidation.objects.filter(version=version, merged_at__gt=newest.created_at)
        if not since.exists():
            raise ValidationError(
                "The validation has run out, and no random sample came back since. Send one to "
                "annotators (revalidate_judge): the first report with its votes renews it. "
                "Nothing was changed."
            )
    elif votes_of(kept) <= votes_of(newest.analysis_run):
        raise ValidationError(
            "No vote was added since the judge was last validated, so that this report says "
            "nothing new. Nothing was changed."
        )
    return None


def votes_of(kept: AnalysisRun) -> int:
    return int(kept.result["counts"]["votes"])


def merge_samples(kept: AnalysisRun, revalidations: Collection[int], actor: User | None) -> int:
    """Mark samples whose votes the report has read, each with a validation; how many.

    Where the report still knows too little of the judge, the sample is read and validates nothing.

    Parameters
    ----------
    revalidations : collection of int
        Keys of those that were complete when the report read them. In the caller's transaction.
    """
    waiting = Revalidation.objects.select_for_update(no_key=True, of=("self",)).filter(
        WITH_PEOPLE, pk__in=list(revalidations)
    )
    acts = []
    for row in waiting.select_related("version__judge").order_by("pk"):
        entry = entry_of(kept.result, row.version.judge.judge_id, row.version.number)
        if entry is None:
            continue
        row.merged_at = timezone.now()
        row.save(update_fields=["merged_at"])
        queue.hand_out_in_turn(kept.study, row.sample)
        if entry["standing"]["answer"] == "too_few":
            acts.append(_read_only(row, entry))
        else:
            acts.append(_record(kept, row.version, entry, actor, row)[1])
    # Last: the chain's head is locked by them.
    audit.record_acts(kept.study, actor, *acts)
    return len(acts)


def _read_only(sample: Revalidation, entry: Mapping[str, Any]) -> audit.Act:
    """A sample that came back, and was too small to say anything of the judge."""
    detail = {
        "judge": entry["judge"],
        "version": entry["judge_version"],
        "comparisons": entry["n"],
        "sample": sample.pk,
    }
    return audit.Act("judge.sample_read", detail)


def _record(
    kept: AnalysisRun,
    version: JudgeVersion,
    entry: Mapping[str, Any],
    actor: User | None,
    sample: Revalidation | None,
    same_votes: JudgeValidation | None = None,
) -> tuple[JudgeValidation, audit.Act]:
    """The row, and what the caller is to record of it.

    Parameters
    ----------
    same_votes : JudgeValidation, optional
        An earlier one that rests on the same votes; it lends its day and its responses.
    """
    row, _ = JudgeValidation.objects.get_or_create(
        version=version,
        analysis_run=kept,
        defaults={
            "study": kept.study,
            "revalidation": sample,
            "answer": entry["standing"]["answer"],
            "comparisons": entry["n"],
            "agreement": entry["agreement"]["estimate"],
            "responses": responses_of(kept.study) if same_votes is None else same_votes.responses,
            "created_by": actor,
            "created_at": timezone.now() if same_votes is None else same_votes.created_at,
        },
    )
    detail = {
        "judge": entry["judge"],
        "version": entry["judge_version"],
        "analysis_run": kept.pk,
        "answer": row.answer,
        "comparisons": row.comparisons,
        "sample": None if sample is None else sample.pk,
    }
    return row, audit.Act("judge.validated", detail)


def entry_of(result: Mapping[str, Any], judge: str, number: int) -> Mapping[str, Any] | None:
    """What a report says of a judge version; None where it knows none, or is of an older format."""
    for entry in result.get("alignment", ()):
        if (entry["judge"], entry["judge_version"]) == (judge, number):
            return entry if "standing" in entry else None
    return None


def _check(study: Study, actor: User | None) -> None:
    if actor is not None and not roles_of(actor, study) & READERS:
        raise ValidationError(f"Only an owner or a researcher of {study.slug} decides on judges.")
