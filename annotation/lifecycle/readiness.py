"""Whether a draft can be opened: every fault at once, and what may not be meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Sum

from annotation.models import (
    Comparison,
    ComparisonKind,
    Criterion,
    Scale,
    Study,
    System,
    Verdict,
)

from .components import find_components
from .explanations import warnings_of_explanations
from .rules_readiness import faults_of_rules, warnings_of_rules

# Faulty items are named in the message up to here; more would hide the other faults.
NAMED_ITEMS = 5


def list_faults(study: Study, *, allow_disconnected: bool = False) -> list[str]:
    """Everything that keeps the study from being opened, each with what to do about it."""
    return [
        *faults_of_rubric(study),
        *faults_of_work(study, allow_disconnected=allow_disconnected),
        *faults_of_gold(study),
        *faults_of_rules(study),
        *faults_of_continuing(study),
    ]


def faults_of_rubric(study: Study) -> list[str]:
    criteria = list(study.criteria.all())
    faults = []
    if Criterion.OVERALL not in {criterion.key for criterion in criteria}:
        faults.append("The rubric has no criterion 'overall'. Add it: every study is ranked by it.")
    faults.extend(
        f"The criterion '{criterion.key}' has no question. Say what annotators shall decide."
        for criterion in criteria
        if not criterion.question.strip()
    )
    return faults


def faults_of_work(study: Study, *, allow_disconnected: bool) -> list[str]:
    if not Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).exists():
        return [
            "There is nothing to rate. Run generate_comparisons, or import comparisons "
            "with import_comparisons."
        ]
    components = list_components(study)
    if len(components) == 1 or allow_disconnected:
        return []
    groups = "; ".join(", ".join(group) for group in components)
    return [
        f"The systems fall into {len(components)} groups that never meet: {groups}. Their "
        "strengths could not be compared. Generate comparisons between the groups, or open with "
        "--allow-disconnected and read each group by itself."
    ]


def faults_of_continuing(study: Study) -> list[str]:
    """What keeps a challenger's votes from being analysed with those that it continues."""
    earlier = study.continues
    if earlier is None:
        return []
    faults = []
    asked = study.criteria.filter(key=Criterion.OVERALL).first()
    before = earlier.criteria.filter(key=Criterion.OVERALL).first()
    if asked is not None and before is not None:
        if asked.scale != before.scale:
            faults.append(
                f"'overall' has the scale {asked.scale}, and had {before.scale} in {earlier.slug}, "
                "which this study continues: their votes could not be counted together. Take that "
                "scale."
            )
        if asked.both_bad != before.both_bad:
            offers, did = ("offers", "did not") if asked.both_bad else ("does not offer", "did")
            faults.append(
                f"'overall' {offers} “both bad”, and {earlier.slug}, which this study continues, "
                f"{did}: their votes could not be counted together. Ask as it was asked there."
            )
    known = System.objects.filter(study=earlier).values("name")
    old_pairs = Comparison.objects.filter(
        study=study,
        kind=ComparisonKind.WORK,
        system_a__name__in=known,
        system_b__name__in=known,
    ).count()
    if old_pairs:
        faults.append(
            f"{old_pairs:,} {'pair has' if old_pairs == 1 else 'pairs have'} no new system: both "
            f"were compared in {earlier.slug}, which this study continues. Generate pairs with a "
            "new system alone."
        )
    return faults


def faults_of_gold(study: Study) -> list[str]:
    criteria = {criterion.key: criterion for criterion in study.criteria.all()}
    checks = Comparison.objects.filter(
        study=study, kind__in=[ComparisonKind.GOLD, ComparisonKind.TRAINING]
    ).order_by("item_id")
    faults = [
        f"{item_id}: {reason}"
        for item_id, gold in checks.values_list("item_id", "gold").iterator(chunk_size=2000)
        for reason in faults_of_answer(gold, criteria)
    ]
    overall = criteria.get(Criterion.OVERALL)
    identical = Comparison.objects.filter(study=study, kind=ComparisonKind.IDENTICAL)
    if overall is not None and overall.scale == Scale.BINARY and identical.exists():
        faults.append(
            "There are identical pairs, but the scale of 'overall' has no tie, which would be "
            "their right answer. Remove them or take another scale."
        )
    return shorten(faults)


def faults_of_answer(gold: object, criteria: dict[str, Criterion]) -> Iterable[str]:
    if not isinstance(gold, dict) or not gold:
        yield "it is a check but has no accepted verdict. Import it with `gold`."
        return
    for key, accepted in gold.items():
        criterion = criteria.get(key)
        if criterion is None:
            yield f"its accepted verdicts name the criterion '{key}', which the rubric lacks."
            continue
        impossible = sorted(set(accepted) - allowed_verdicts(criterion))
        if impossible:
            yield f"it accepts {impossible[0]} on '{key}', which that scale cannot express."


def allowed_verdicts(criterion: Criterion) -> set[str]:
    allowed = {Verdict.A.value, Verdict.B.value}
    if criterion.scale != Scale.BINARY:
        allowed.add(Verdict.TIE.value)
    if criterion.both_bad:
        allowed.add(Verdict.BOTH_BAD.value)
    return allowed


def shorten(faults: list[str]) -> list[str]:
    if len(faults) <= NAMED_ITEMS:
        return faults
    return [*faults[:NAMED_ITEMS], f"... and {len(faults) - NAMED_ITEMS} more of this kind."]


def list_components(study: Study) -> list[tuple[str, ...]]:
    """The systems that meet in work, directly or through others; one group when all do."""
    pairs = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).order_by()
    return find_components(pairs.values_list("system_a__name", "system_b__name").distinct())


def list_warnings(study: Study) -> list[str]:
    """What does not keep the study from opening, but may not be meant."""
    rated = {name for group in list_components(study) for name in group}
    names = System.objects.filter(study=study).order_by("name").values_list("name", flat=True)
    warnings = [
        f"The system {name} is in no comparison and will not be rated."
        for name in names
        if name not in rated
    ]
    if not study.instructions.strip():
        warnings.append("The study has no instructions: annotators see the question alone.")
    return [*warnings, *warnings_of_target(study), *warnings_at_any_time(study)]


def warnings_of_target(study: Study) -> list[str]:
    """Say where the design collects fewer votes on a pair of systems than the target chosen.

    The default target is an upper limit, which small studies need not reach.
    """
    if study.target_votes == Study._meta.get_field("target_votes").get_default():
        return []
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).order_by()
    votes: dict[frozenset[int], int] = defaultdict(int)
    for a, b, planned in work.values_list("system_a_id", "system_b_id").annotate(Sum("overlap")):
        votes[frozenset((a, b))] += planned
    fewest = min(votes.values(), default=study.target_votes)
    if fewest >= study.target_votes:
        return []
    return [
        f"The target is {study.target_votes:,} votes for each pair of systems; the design collects "
        f"{fewest:,} on the pair with the fewest. The report takes the lower number as the target "
        "of such a pair. To collect more, add prompts or raise the overlap."
    ]


def warnings_at_any_time(study: Study) -> list[str]:
    """Those that also a change of an opened study is held against; they name no system."""
    return [*warnings_of_rules(study), *shorten(list(warnings_of_explanations(study)))]
