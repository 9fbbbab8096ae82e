"""Runs of several judges that are started together, and what of one budget each of them gets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from django.db import IntegrityError, transaction

from annotation import audit
from annotation.models import Study, User
from judging.judges import is_outdated, newest_versions
from judging.models import JudgeRun, JudgeVersion
from judging.runs.money import Standing, StudyBudgetFault, standing_of
from judging.runs.planning import Quote, Reader, RunFault, check_replicates, quote, total
from judging.runs.preparing import MOST_ON_A_PAGE, Wish, lock_runs, start_all
from judging.runs.starting import check_budget, check_card, check_start, live_run

# In which a budget is cut, in US dollars.
STEP = Decimal("0.0001")

MEANWHILE = (
    "Judges were added or started meanwhile, so none of these was started now. Look at the runs, "
    "and start the others."
)


def share_budget(
    versions: Sequence[JudgeVersion],
    budget: Decimal | None,
    *,
    replicates: int = 1,
    fresh: bool = False,
    going_on: Collection[int] = (),
    reader: Reader | None = None,
) -> dict[int, Decimal | None]:
    """The budget's part of each judge, by what it can cost at most.

    Parameters
    ----------
    going_on : collection of int
        Versions with a run that goes on. Its budget covers what it has answered already too, so
        that the same command gives it the same part again.

    Raises
    ------
    RunFault
        One of several has no price card, or would get less than `STEP`.
    """
    if budget is None or len(versions) == 1:
        return {version.pk: budget for version in versions}
    check_all(check_card, versions)
    reader = reader or Reader(versions[0].judge.study)
    worst = {}
    for version in versions:
        is_fresh = fresh or version.pk in going_on
        found = quote(version, replicates, fresh=is_fresh, reader=reader)
        worst[version] = found.worst_case or Decimal(0)
    return {**cut(budget, worst)}


def cut(budget: Decimal, worst: Mapping[JudgeVersion, Decimal]) -> dict[int, Decimal]:
    """Parts of a budget in the proportions of what each judge can cost at most.

    Together they are never more than the budget. A judge that costs nothing gets a `STEP`; where
    none costs anything all get the same.

    Raises
    ------
    RunFault
        Somebody would get less than `STEP`.
    """
    check_budget(budget)
    weights = dict(worst) if any(worst.values()) else dict.fromkeys(worst, Decimal(1))
    total = sum(weights.values(), Decimal(0))
    free = STEP * sum(not weight for weight in weights.values())
    rest = budget.quantize(STEP, ROUND_DOWN) - free
    parts = {
        version.pk: (rest * weight / total).quantize(STEP, ROUND_DOWN) if weight else STEP
        for version, weight in weights.items()
    }
    least = min((version for version, weight in weights.items() if weight), key=weights.__getitem__)
    if parts[least.pk] < STEP:
        needed = (STEP * total / weights[least] + free).quantize(STEP, ROUND_UP)
        raise RunFault(
            f"The part of {least.judge.judge_id} in this budget would be less than {STEP} US "
            f"dollars. Give at least {needed} to all of them, or start it alone."
        )
    return parts


def check_all(check: Callable[[JudgeVersion], None], versions: Iterable[JudgeVersion]) -> None:
    """Check every judge, and refuse with what is wrong with each, a line for each.

    Raises
    ------
    RunFault
    """
    faults = []
    for version in versions:
        try:
            check(version)
        except (RunFault, StudyBudgetFault) as fault:
            faults.append(str(fault))
    if faults:
        raise RunFault("\n".join(faults))


def startable(versions: Sequence[JudgeVersion]) -> list[JudgeVersion]:
    """Those of these versions that may be asked and never were, by any run; in one query.

    A further run, also after one that was cancelled, is asked for on the judge's own page: it may
    reuse answers or ask again.
    """
    runs = JudgeRun.objects.filter(version__in=versions)
    begun = set(runs.values_list("version", flat=True))
    return [one for one in versions if not is_outdated(one) and one.pk not in begun]


@dataclass(frozen=True, slots=True)
class PanelQuote:
    """What runs of several judges would ask and cost, of each and together."""

    each: tuple[tuple[JudgeVersion, Quote], ...]
    together: Quote


def quote_all(
    versions: Sequence[JudgeVersion],
    replicates: int = 1,
    *,
    fresh: bool = False,
    reader: Reader | None = None,
) -> PanelQuote:
    """Quote each of these judges, all of one study, reading its pairs once.

    Raises
    ------
    RunFault
    """
    if reader is None and versions:
        reader = Reader(versions[0].judge.study)
    each = tuple(
        (version, quote(version, replicates, fresh=fresh, reader=reader)) for version in versions
    )
    return PanelQuote(each, total([found for _, found in each]))


def first_runs(study: Study) -> list[JudgeVersion]:
    """The judges that are started together: each that can be asked and has had no run.

    Raises
    ------
    RunFault
        There is none.
    """
    newest = newest_versions(study)
    if not newest:
        raise RunFault("The study has no judge that can be asked. Add one first.")
    versions = startable(newest)
    if not versions:
        raise RunFault(
            "Every judge has had a run, or needs a new version. A further run is started on the "
            "judge's own page."
        )
    return versions


@dataclass(frozen=True, slots=True)
class FirstRuns:
    """What the first runs of a study's judges would ask and cost, started together.

    Attributes
    ----------
    budget
        US dollars for all of them; None: no cap.
    parts
        Of the budget, by the key of each version; empty without one.
    standing
        The study's money for judges.
    """

    quotes: PanelQuote
    budget: Decimal | None
    standing: Standing
    parts: Mapping[int, Decimal] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[JudgeVersion, Quote, Decimal | None]]:
        """Each judge with its quote and its part of the budget."""
        return [(version, found, self.parts.get(version.pk)) for version, found in self.quotes.each]

    @property
    def above_budget(self) -> bool:
        """Whether they could cost more than their budget, and would pause there."""
        return _is_above(self.quotes.together.worst_case, self.budget)

    @property
    def above_left(self) -> bool:
        """Whether they could cost more than is left of the study's budget."""
        return _is_above(self.quotes.together.worst_case, self.standing.left)


def _is_above(worst: Decimal | None, room: Decimal | None) -> bool:
    return worst is not None and room is not None and worst > room


def quote_first_runs(study: Study, budget: Decimal | None = None) -> FirstRuns:
    """What `start_together` would ask and cost. Nothing is written or sent.

    Raises
    ------
    RunFault
        As `start_together` would.
    """
    return _planned(study, first_runs(study), budget, Reader(study))


def _planned(
    study: Study, versions: Sequence[JudgeVersion], budget: Decimal | None, reader: Reader
) -> FirstRuns:
    check_all(lambda version: check_start(version, budget), versions)
    quotes = quote_all(versions, reader=reader)
    parts: Mapping[int, Decimal] = {}
    if budget is not None:
        parts = cut(budget, {one: found.worst_case or Decimal(0) for one, found in quotes.each})
    return FirstRuns(quotes, budget, standing_of(study.pk), parts)


def start_together(
    study: Study, actor: User | None, budget: Decimal | None = None
) -> list[JudgeRun]:
    """A first run of each judge that has had none, sharing a budget: all of them, or none.

    Parameters
    ----------
    budget : Decimal, optional
        US dollars that they never exceed together; None: no cap.

    Raises
    ------
    RunFault
        Nothing can be started, or one of them cannot, or somebody else was faster.
    """
    versions, reader = first_runs(study), Reader(study)
    parts = _planned(study, versions, budget, reader).parts

    def check() -> None:
        if startable(newest_versions(study)) != versions:
            raise RunFault(MEANWHILE)

    try:
        return start_all(
            study,
            [Wish(version, parts.get(version.pk)) for version in versions],
            reader,
            actor=actor,
            most=MOST_ON_A_PAGE,
            check=check,
        )
    except IntegrityError:
        if startable(versions) == versions:
            raise
        raise RunFault(MEANWHILE) from None


def start_beside(
    study: Study,
    versions: Sequence[JudgeVersion],
    budgets: Mapping[int, Decimal | None],
    reader: Reader,
    *,
    others: Collection[JudgeRun],
    alongside: Callable[[], Sequence[audit.Act]],
    replicates: int = 1,
    seed: int = 0,
    fresh: bool = False,
) -> list[JudgeRun]:
    """Start runs of these judges and go on with others, all of them or none.

    Parameters
    ----------
    budgets : mapping
        Of each new run, by the key of its version; None: no cap.
    others, alongside
        As `start_all` takes them; done alone where nothing is started.

    Raises
    ------
    RunFault
    ConductFault
        One of the others cannot go on so.
    """
    check_replicates(replicates)
    if not versions:
        with transaction.atomic():
            lock_runs(others)
            audit.record_acts(study, None, *alongside())
        return []
    try:
        return start_all(
            study,
            [Wish(version, budgets[version.pk]) for version in versions],
            reader,
            actor=None,
            replicates=replicates,
            seed=seed,
            fresh=fresh,
            others=others,
            alongside=alongside,
        )
    except IntegrityError:
        if not any(live_run(version) for version in versions):
            raise
        raise RunFault(MEANWHILE) from None
