"""Whether a study's content can carry its rules: what they ask for must be there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.db.models import Count, Exists, Max, Sum

from annotation import quality
from annotation.answer_rules import OwnVotes
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    Criterion,
    Prompt,
    Scale,
    Study,
)
from annotation.rules import Policy, Rules, RulesError, read_rules

from .page_readiness import faults_of_page, warnings_of_page

# 10 pairs of which a tenth are checks leave 9, whatever binary fractions make of it.
ROUNDING = 1e-9

# Who still takes part; raters known from imports have no account and never will.
TAKING_PART = (
    AnnotatorState.INVITED,
    AnnotatorState.QUALIFYING,
    AnnotatorState.ACTIVE,
    AnnotatorState.PAUSED,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """How much there is of what rules speak of."""

    pairs: dict[str, int]  # comparisons by kind
    wanted: int  # votes on work
    overlap: int  # the largest of any comparison
    rules: Rules
    cap: int | None  # Study.max_per_annotator

    @classmethod
    def of(cls, study: Study, rules: Rules) -> Measure:
        rows = (
            Comparison.objects.filter(study=study)
            .order_by()
            .values_list("kind")
            .annotate(pairs=Count("pk"), wanted=Sum("overlap"), overlap=Max("overlap"))
        )
        found = {kind: (pairs, wanted, overlap) for kind, pairs, wanted, overlap in rows}
        _, wanted, overlap = found.get(ComparisonKind.WORK, (0, 0, 0))
        pairs = {kind: row[0] for kind, row in found.items()}
        return cls(pairs, wanted, overlap, rules, study.max_per_annotator)

    def number_of(self, kind: ComparisonKind) -> int:
        return self.pairs.get(kind, 0)

    @property
    def caps(self) -> list[int]:
        """How many pairs one annotator may do at most, checks too, by each limit there is."""
        caps = [] if self.cap is None else [self.cap]
        share = self.rules.limits.share_of_study
        # Whoever takes part may rate one pair, as the queue has it.
        return caps if share is None else [*caps, max(1, math.floor(share * self.wanted))]

    @property
    def share_of_work(self) -> float:
        checks = self.rules.checks
        return 1 - checks.gold_share - checks.repeat_share - checks.identical_share

    @property
    def pairs_of_one(self) -> int:
        """All pairs that one annotator is handed who does all that can be done, checks too."""
        whole = math.ceil(self.number_of(ComparisonKind.WORK) / self.share_of_work - ROUNDING)
        return min([whole, *self.caps])

    @property
    def work_of_one(self) -> int:
        """Pairs of work among them."""
        allowed = [max(1, math.floor(cap * self.share_of_work + ROUNDING)) for cap in self.caps]
        return min([self.number_of(ComparisonKind.WORK), *allowed])

    def needed(self, share: float) -> int:
        """Check pairs of a share that nobody runs out of."""
        return math.ceil(share * self.pairs_of_one - ROUNDING)


def faults_of_rules(study: Study) -> list[str]:
    """What keeps the rules from being followed; each names its place among them."""
    if faults := faults_of_reading(study):
        return faults
    rules = read_rules(study.rules)
    measure = Measure.of(study, rules)
    return [
        *faults_of_checks(study, measure),
        *faults_of_qualification(measure),
        *faults_of_eligibility(study, rules),
        *faults_of_limits(measure),
        *faults_of_page(study, rules),
    ]


def faults_of_reading(study: Study) -> list[str]:
    """Why the stored rules cannot be read; they are checked when they are set."""
    try:
        read_rules(study.rules)
    except RulesError as invalid:
        return [f"The rules: {fault}" for fault in invalid.faults]
    return []


def faults_of_checks(study: Study, measure: Measure) -> list[str]:
    checks = measure.rules.checks
    faults = []
    if checks.gold_share and not measure.number_of(ComparisonKind.GOLD):
        faults.append(
            f"checks.gold_share is {checks.gold_share:g}, but there are no gold pairs. Import "
            "comparisons of kind gold, or take the share out."
        )
    if checks.identical_share and not measure.number_of(ComparisonKind.IDENTICAL):
        # With such pairs, the scale is a fault of theirs.
        binary = study.criteria.filter(key=Criterion.OVERALL, scale=Scale.BINARY).exists()
        advice = (
            "the scale of 'overall' has no tie, which would be their right answer. Take another "
            "scale and make some"
            if binary
            else "there are no identical pairs. Make some"
        )
        faults.append(
            f"checks.identical_share is {checks.identical_share:g}, but {advice} with "
            "generate_comparisons --identical, or take the share out."
        )
    work = measure.number_of(ComparisonKind.WORK)
    before_repeats = min([work, *measure.caps])
    if checks.repeat_share and work and before_repeats <= checks.repeat_gap:
        faults.append(
            f"checks.repeat_share shows pairs again after {checks.repeat_gap} others "
            f"(checks.repeat_gap), but nobody rates more than {before_repeats} pairs. Lower "
            "the gap, or take the share out."
        )
    return faults


def faults_of_qualification(measure: Measure) -> list[str]:
    if measure.rules.qualification.required and not measure.number_of(ComparisonKind.TRAINING):
        return [
            "qualification.required is true, but there are no training pairs. Import comparisons "
            "of kind training, or do not require it."
        ]
    return []


def faults_of_eligibility(study: Study, rules: Rules) -> list[str]:
    known = set(
        Prompt.objects.filter(study=study, category__in=list(rules.eligibility))
        .order_by()
        .values_list("category", flat=True)
        .distinct()
    )
    return [
        f"eligibility names the category {category!r}, which no prompt has."
        for category in sorted(set(rules.eligibility) - known)
    ]


def faults_of_limits(measure: Measure) -> list[str]:
    return ["max_per_annotator is 0: nobody may rate a pair."] if measure.cap == 0 else []


def warnings_of_rules(study: Study) -> list[str]:
    """What can be followed, but may not be meant. The rules have no fault."""
    rules = read_rules(study.rules)
    measure = Measure.of(study, rules)
    return [
        *warnings_of_checks(measure),
        *warnings_of_priorities(study, rules),
        *warnings_of_people(study, measure),
        *warnings_of_page(study, rules),
    ]


def warnings_of_checks(measure: Measure) -> list[str]:
    checks, quality = measure.rules.checks, measure.rules.quality
    warnings = []
    for share, name, kind in (
        (checks.gold_share, "gold_share", ComparisonKind.GOLD),
        (checks.identical_share, "identical_share", ComparisonKind.IDENTICAL),
    ):
        there, needed = measure.number_of(kind), measure.needed(share)
        if share and there < needed:
            warnings.append(
                f"An annotator who does all of the study would run out of {kind} pairs: "
                f"checks.{name} asks for {needed}, there are {there}."
            )
        if not share and there:
            warnings.append(
                f"There are {there} {kind} pairs, but checks.{name} is 0: none will be shown."
            )
    gold = measure.number_of(ComparisonKind.GOLD)
    if checks.gold_share and quality.gold_accuracy and gold < quality.gold_accuracy.min_n:
        warnings.append(
            f"quality.gold_accuracy needs {quality.gold_accuracy.min_n} answers and can never "
            f"fire: there are {gold} gold pairs."
        )
    training = measure.number_of(ComparisonKind.TRAINING)
    if training and measure.rules.qualification.required is False:
        warnings.append(
            f"There are {training} training pairs, but qualification.required is false: none will "
            "be shown."
        )
    return warnings


def warnings_of_priorities(study: Study, rules: Rules) -> list[str]:
    if rules.priorities.policy == Policy.UNIFORM:
        return []
    columns = ["system_a", "system_b"]
    if rules.order.by_category:
        columns.append("prompt__category")
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).order_by()
    cells = {(frozenset(row[:2]), row[2:]) for row in work.values_list(*columns).distinct()}
    if len(cells) != 1:
        return []
    return [
        f"priorities.policy is {rules.priorities.policy}, but there is one pair of systems: "
        "nothing can be put first."
    ]


def warnings_of_people(study: Study, measure: Measure) -> list[str]:
    """Whether those who joined can fill the study; nobody has joined yet, nothing is said."""
    taking_part = Annotator.objects.filter(study=study, state__in=TAKING_PART, user__isnull=False)
    people = taking_part.count()
    if not people or not measure.wanted:
        return []
    if measure.rules.quality.own_votes == OwnVotes.EXCLUDE:
        others = taking_part.filter(~Exists(quality.ownerships())).count()
        if not others:
            return [
                "Everybody who has joined owns the study, and quality.own_votes is exclude: no "
                "vote would count. Invite others, or set it to count."
            ]
        people = others
    if people < measure.overlap:
        return [
            f"Comparisons ask for up to {measure.overlap} votes of different people; "
            f"{number_of_people(people)} so far."
        ]
    if people * measure.work_of_one < measure.wanted:
        least = math.ceil(measure.wanted / measure.work_of_one)
        return [
            f"The study wants {measure.wanted} votes, and nobody may give more than "
            f"{measure.work_of_one}: that takes {least} annotators; {number_of_people(people)} "
            "so far."
        ]
    return []


def number_of_people(people: int) -> str:
    return "1 annotator has joined" if people == 1 else f"{people} annotators have joined"
