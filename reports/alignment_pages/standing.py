"""Where each judge version stands: validated or not, and how far a sample is. Rows, no figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from annotation.models import Study
from judging.models import JudgeVersion, Judgment
from reports.models import Revalidation, ValidityRule
from reports.models.validations import WITH_PEOPLE
from reports.revalidation import Progress, progress_of_all
from reports.validations import HELD, Trust, Validity, rule_of, trust_told, validities
from reports.wording.numbers import count, counted, named_list

TONES: Mapping[str, str] = {
    Trust.UNCALIBRATED: "info",
    Trust.VALID: "ok",
    Trust.NOT_DECIDED: "info",
    Trust.FAILED: "error",
    Trust.RUN_OUT: "warning",
    HELD: "info",
}
# Of a validation that counts: one word, and what was found on its day.
FOUND: Mapping[str, tuple[str, str]] = {
    Trust.VALID: ("validated", "Validated on {day}"),
    Trust.NOT_DECIDED: ("not decided", "Held against people on {day}, without a verdict"),
    Trust.FAILED: ("failed", "Held against people on {day}: it does not stand in for a person"),
    HELD: ("held against people", "Held against people on {day}"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One judge version on the pages, whether or not a report knows it.

    Attributes
    ----------
    word, tone, text : str
        Whether it is validated: a word, its colour, and a sentence.
    sample : str
        How far the newest sample is; empty where none is with people.
    """

    version: JudgeVersion
    validity: Validity
    word: str
    tone: str
    text: str
    sample: str

    @property
    def has_sample_out(self) -> bool:
        return bool(self.sample)


def judge_versions(study: Study) -> list[JudgeVersion]:
    """Versions that have judged anything, by judge and number."""
    judged = Judgment.objects.filter(version=OuterRef("pk"))
    versions = JudgeVersion.objects.filter(Exists(judged), judge__study=study)
    return sorted(
        versions.select_related("judge"), key=lambda row: (row.judge.judge_id, row.number)
    )


def standings(
    study: Study, versions: Iterable[JudgeVersion], *, sees_outcomes: bool
) -> list[Standing]:
    """Where the versions stand. Five queries, however many they are.

    Without `sees_outcomes` they do not say what a validation found.
    """
    found = list(versions)
    rule = rule_of(study)
    valid = validities(found, rule)
    waiting = {
        row.version_id: row
        for row in Revalidation.objects.filter(WITH_PEOPLE, version__in=found).defer("frame")
    }
    progress = progress_of_all(study, waiting.values())
    closed = not study.is_running
    return [
        _standing(
            version,
            rule,
            valid[version.pk],
            sample_in_words(progress[waiting[version.pk].pk], closed=closed)
            if version.pk in waiting
            else "",
            sees_outcomes=sees_outcomes,
        )
        for version in found
    ]


def _standing(
    version: JudgeVersion,
    rule: ValidityRule,
    validity: Validity,
    sample: str,
    *,
    sees_outcomes: bool,
) -> Standing:
    told = trust_told(validity.trust, sees_outcomes=sees_outcomes)
    word, text = _words(validity, told, rule)
    return Standing(version, validity, word, TONES[told], text, sample)


def _words(validity: Validity, told: str, rule: ValidityRule) -> tuple[str, str]:
    if validity.validation is None:
        return "uncalibrated", "This version was never validated against people."
    day = f"{validity.validation.created_at:%-d %B %Y}"
    if validity.trust is Trust.RUN_OUT:
        why = {
            "days": f"{rule.days} days have passed",
            "responses": f"{counted(validity.new_responses, 'response')} came since",
            "expertise": f"the annotators are said to be {rule.expertise} since",
        }
        reasons = named_list([why[reason] for reason in validity.reasons])
        do = (
            "Compute the report again and take it for the validation."
            if validity.reasons == ("expertise",)
            else "Ask people anew."
        )
        return "run out", f"Held against people on {day}; that has run out: {reasons}. {do}"
    word, found = FOUND[told]
    said = found.format(day=day)
    until = f" until {validity.until:%-d %B %Y}" if validity.until else ""
    left = (
        ""
        if validity.new_responses_left is None
        else f", for {count(validity.new_responses_left)} more new responses"
    )
    return word, f"{said}; that counts{until}{left}."


def sample_in_words(progress: Progress, *, closed: bool) -> str:
    if progress.is_complete:
        return (
            f"All {counted(progress.drawn, 'comparison')} of the sample have their votes. The next "
            "report reads them."
        )
    if closed:
        return (
            f"Voting ended when {count(progress.voted)} of "
            f"{counted(progress.drawn, 'comparison')} of the sample had their vote. The next "
            "report reads those."
        )
    return (
        f"A random sample is with the annotators: {count(progress.voted)} of "
        f"{counted(progress.drawn, 'comparison')} have their vote."
    )
