"""The design of an opened study, as facts: what was frozen, in words and numbers, without names."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Min, Sum

from annotation.models import Cell, Comparison, ComparisonKind, Stopping, Study
from annotation.rules import Policy, PromptOrder, Rules, rules_of

POLICIES = {
    Policy.UNIFORM: "all pairs alike",
    Policy.EMPTIEST: "the pair of systems with the fewest votes for what it wants first",
    Policy.ADAPTIVE: "the pair of systems where a vote tells most first",
}
STOPPING = {
    Stopping.FIXED: "when all wanted votes are in",
    Stopping.SEQUENTIAL: "a pair of systems as soon as it is decided, at a guaranteed error rate",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the list."""

    name: str
    said: str


def facts_of(study: Study) -> list[Fact]:
    """What was frozen of the design. Two queries."""
    rules = rules_of(study.rules)
    kinds = {
        kind: numbers
        for kind, *numbers in Comparison.objects.filter(study=study)
        .order_by()
        .values_list("kind")
        .annotate(
            pairs=Count("pk"), wanted=Sum("overlap"), least=Min("overlap"), most=Max("overlap")
        )
    }
    cells = Cell.objects.filter(study=study).aggregate(
        all=Count("pk"), strata=Count("stratum", distinct=True)
    )
    pairs, votes, least, most = kinds.get(ComparisonKind.WORK, [0, 0, 0, 0])
    return [
        Fact("Pairs", f"{pairs:,}"),
        Fact("Votes on each pair", f"{least}" if least == most else f"{least} to {most}"),
        Fact("Planned votes", f"{votes:,}"),
        Fact("Cells", cells_in_words(cells["all"], cells["strata"], rules)),
        *checks_of({kind: numbers[0] for kind, numbers in kinds.items()}, rules),
        Fact("Comes next", POLICIES[rules.priorities.policy]),
        Fact(
            "Pairs of one prompt",
            "one after the other"
            if rules.order.prompts == PromptOrder.GROUPED
            else "as far apart as the study allows",
        ),
        Fact("Stops", STOPPING[Stopping(study.stopping)]),
        Fact("Votes wanted for each pair of systems", f"{study.target_votes:,}"),
        Fact("Most pairs for one person", limit_in_words(study, rules)),
    ]


def cells_in_words(cells: int, strata: int, rules: Rules) -> str:
    if not rules.order.by_category:
        return f"{cells:,}, one for each pair of systems"
    return f"{cells:,}: pairs of systems by category of prompts, {strata:,} categories"


def checks_of(pairs: dict[str, int], rules: Rules) -> list[Fact]:
    """Checks among the work, with how many pairs there are for them."""
    checks = rules.checks
    gold, identical = pairs.get(ComparisonKind.GOLD, 0), pairs.get(ComparisonKind.IDENTICAL, 0)
    training = pairs.get(ComparisonKind.TRAINING, 0)
    return [
        Fact("Gold", f"{checks.gold_share:.1%} of what is handed out, from {gold:,} pairs"
             if checks.gold_share else "none"),
        Fact("Repeats with the sides exchanged",
             f"{checks.repeat_share:.1%}, after {checks.repeat_gap:,} others at least"
             if checks.repeat_share else "none"),
        Fact("Identical pairs", f"{checks.identical_share:.1%}, from {identical:,} pairs"
             if checks.identical_share else "none"),
        Fact("Practice", f"{training:,} pairs, {rules.qualification.pass_mark:.0%} to pass"
             if training and rules.qualification.required is not False else "none"),
    ]  # fmt: skip


def limit_in_words(study: Study, rules: Rules) -> str:
    limits = [
        *([f"{study.max_per_annotator:,}"] if study.max_per_annotator is not None else []),
        *([f"{rules.limits.per_day:,} a day"] if rules.limits.per_day is not None else []),
        *(
            [f"{rules.limits.share_of_study:.0%} of all votes"]
            if rules.limits.share_of_study is not None
            else []
        ),
    ]
    return ", ".join(limits) or "no limit"
