"""Runs of several judges that are started together, and what of one budget each of them gets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import ROUND_DOWN, Decimal

from annotation.models import Study, User
from judging.judges import is_outdated, newest_versions
from judging.models import LIVE_RUN_STATES, JudgeRun, JudgeVersion
from judging.runs.starting import RunFault, quote, start_run

# In which a budget is cut, in US dollars.
STEP = Decimal("0.0001")


def share_budget(
    versions: Sequence[JudgeVersion],
    budget: Decimal | None,
    *,
    replicates: int = 1,
    fresh: bool = False,
    going_on: Collection[int] = (),
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
        One of several has no price card.
    """
    if budget is None or len(versions) == 1:
        return {version.pk: budget for version in versions}
    worst = {}
    for version in versions:
        is_fresh = fresh or version.pk in going_on
        found = quote(version, replicates, fresh=is_fresh).worst_case
        if found is None:
            raise RunFault(
                f"{version.judge.judge_id} has no price card, so a budget could not be kept. Add "
                "a price to its model, with zeros if it costs nothing."
            )
        worst[version.pk] = found
    total = sum(worst.values())
    if not total:
        return {version.pk: budget / len(versions) for version in versions}
    return {
        pk: max((budget * share / total).quantize(STEP, ROUND_DOWN), STEP)
        for pk, share in worst.items()
    }


def startable(versions: Sequence[JudgeVersion]) -> list[JudgeVersion]:
    """Those of these versions that have no run under way and may be asked; in one query."""
    live = JudgeRun.objects.filter(version__in=versions, state__in=LIVE_RUN_STATES)
    busy = set(live.values_list("version", flat=True))
    return [one for one in versions if not is_outdated(one) and one.pk not in busy]


def start_together(
    study: Study, actor: User | None, budget: Decimal | None = None
) -> list[JudgeRun]:
    """A run of each judge that has none under way, sharing a budget.

    Raises
    ------
    RunFault
        Nothing can be started, or one of them cannot; those before it have started, and it says so.
    """
    versions = startable(newest_versions(study))
    if not versions:
        raise RunFault("Every judge has a run that has not ended, or needs a new version.")
    shares = share_budget(versions, budget)
    runs: list[JudgeRun] = []
    for version in versions:
        try:
            runs.append(start_run(version, actor=actor, budget=shares[version.pk]))
        except RunFault as fault:
            if not runs:
                raise
            begun = ", ".join(run.version.judge.judge_id for run in runs)
            raise StartedInPart(f"{fault} Started before that: {begun}.", runs) from None
    return runs


class StartedInPart(RunFault):
    """Some runs have started, and one could not.

    Attributes
    ----------
    runs
        Those that have started.
    """

    def __init__(self, message: str, runs: list[JudgeRun]) -> None:
        self.runs = runs
        super().__init__(message)
