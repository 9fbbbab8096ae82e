"""From records to an immutable result. The only writer of AnalysisRun.

Pages, files and exports read the run; none of them computes, so that two figures never argue.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from typing import Any

from django.conf import settings as project_settings
from django.db import transaction

from annotation.models import Response, ResultsPolicy, Stopping, Study, StudyVersion, User
from annotation.rules import Policy, rules_of
from annotation.selectors import versions_voted_under
from reports import looks
from reports import records as study_records
from reports.against_one import against_one_rows
from reports.anchored_boards import anchor_as_dict, anchor_in_codes
from reports.beside import MORE_VOTES, beside, is_large
from reports.boards import Grades
from reports.diagnostics import diagnostics
from reports.freshness import count_rows, latest_run
from reports.judge_alignment import JudgeAlignment
from reports.models import AnalysisRun
from reports.no_collection import no_collection
from reports.pair_rows import pair_rows
from reports.pooled_records import counts_earlier
from reports.rating_anchor import anchor_of
from reports.records import CriterionRecords, StudyRecords
from reports.settled_votes import settled_votes
from reports.shown_boards import leaderboard_rows
from reports.side_by_side import side_by_side
from reports.stats.agreement_report import agreement_report
from reports.stats.head_to_head import head_to_head
from reports.stats.leaderboard import Leaderboard, leaderboard
from reports.stats.results import VerdictCode, WarningCode
from reports.stats.side_term import SideBias, SideTermFit, fit_side_term, side_bias
from reports.stats.votes import IntArray
from reports.validations import merge_samples
from reports.with_excluded import with_excluded
from reports.written_json import compress_quickly

# Changes whenever the same input would give another report.
REPORT_FORMAT = 20

LEVEL = 0.95
# The smallest difference of interest, and how surely a study should see it.
WIN_RATE_OF_INTEREST = 0.60
POWER = 0.80

VERDICT_ORDER = (VerdictCode.A, VerdictCode.B, VerdictCode.TIE, VerdictCode.BOTH_BAD)

# Texts to read and count for style: a fifth of a second.
MORE_RESPONSES = 5_000

# Four hundred refits: of 200 systems they took as long as leaderboard and pairs together.
NO_HALVES = "with so many votes it is made only on request, by analyze --diagnostics"

# Steps from a tie to the end of a graded scale.
GRADED_STEPS = {"five": 2, "seven": 3}


class SealedError(Exception):
    """The study's outcomes may not be seen yet."""

    def __init__(self, study: Study) -> None:
        super().__init__(
            f"The results of {study.slug} are sealed until it is closed and unblinded "
            f"(close_study, then unblind_study). Nothing was computed."
        )


@no_collection()
def run(
    study: Study,
    *,
    actor: User | None = None,
    seed: int | None = None,
    thorough: bool = False,
    and_with_it: Callable[[AnalysisRun], object] | None = None,
) -> AnalysisRun:
    """Analyse a study and keep the result; log that somebody looked.

    The newest run is given again where it has the same input, settings, seed and versions. An
    older one is not: the newest is the report that pages and exports show. `thorough` also makes
    the diagnostics that take long; a run that has them serves those who did not ask for them.
    `and_with_it` is called in the transaction that keeps the result: what it writes is there if and
    only if the result and the look are.

    Raises
    ------
    SealedError
        The study was opened, its results are sealed and it is not unblinded.
    """
    if study.is_sealed:
        raise SealedError(study)
    with settled_votes(study):
        rows = count_rows(study)
        read = study_records.load(
            study, style=thorough or _few_responses(study), many=rows.votes > MORE_VOTES
        )
    settings = settings_of(study, read, thorough=thorough)
    used_seed = study.seed if seed is None else seed
    versions = versions_in_use()
    version = StudyVersion.objects.filter(study=study).order_by("-number").first()
    newest = latest_run(study, with_result=False)
    same = (
        newest
        if newest is not None
        and newest.study_version == version
        and newest.input_sha256 == read.input_sha256
        and newest.seed == used_seed
        and newest.settings in (settings, {**settings, "diagnostics": True})
        and newest.versions == versions
        else None
    )
    result = None if same else report(study, version, read, settings, used_seed)
    input_sha256 = read.input_sha256
    samples = [drawn.key for drawn in read.drawn]
    del read  # a report of many pairs takes as much memory again while it is stored
    with transaction.atomic():
        compress_quickly()
        kept = same or AnalysisRun.objects.create(
            study=study,
            study_version=version,
            input_sha256=input_sha256,
            settings=settings,
            seed=used_seed,
            versions=versions,
            result=result,
            created_by=actor,
        )
        if samples:
            merge_samples(kept, samples, actor)
        looks.record_analysis(study, kept, actor, rows)
        if and_with_it is not None:
            and_with_it(kept)
    return kept


def _few_responses(study: Study) -> bool:
    some = Response.objects.filter(prompt__study=study)[: MORE_RESPONSES + 1]
    return some.count() <= MORE_RESPONSES


def settings_of(study: Study, read: StudyRecords, *, thorough: bool = False) -> dict[str, Any]:
    """What the figures were computed under, as printed beside them."""
    anchor = anchor_of(study)
    return {
        "ties": "half",
        "both_bad": "tie",
        "level": LEVEL,
        "multiplicity": "holm",
        "target": study.target_votes,
        "win_rate_of_interest": WIN_RATE_OF_INTEREST,
        "power": POWER,
        "stopping": study.stopping,
        "policy": str(rules_of(study.rules).priorities.policy),
        "study_versions": versions_voted_under(study),
        # The study whose counted votes are analysed with this one's.
        "continues": None if study.continues is None else study.continues.slug,
        "looked_early": outcomes_were_open(study),
        "closed": study.was_opened and study.closed_at is not None,
        "expertise": read.expertise,
        "anchor": None
        if anchor is None
        else {"system": anchor.system.name, "rating": anchor.rating},
        "diagnostics": thorough,
        "notice": study.notice,
        "title": study.title,
        "criteria": {
            criterion.key: {"scale": criterion.scale, "both_bad": criterion.both_bad}
            for criterion in (read.overall, *read.criteria)
        },
    }


def versions_in_use() -> dict[str, str]:
    """Software that figures depend on."""
    return {
        "evalsite": project_settings.VERSION,
        "report_format": str(REPORT_FORMAT),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "scipy": importlib.metadata.version("scipy"),
    }


def report(
    study: Study,
    version: StudyVersion | None,
    read: StudyRecords,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """The object of docs/report.schema.json; it depends on its arguments alone."""
    overall = read.overall
    votes = overall.votes
    thorough = settings["diagnostics"]
    sequential = _looked_early(settings)
    anchor = anchor_in_codes(settings, read.systems)
    target, stops_early = study.target_votes, study.stopping == Stopping.SEQUENTIAL

    def of_pairs() -> tuple[SideBias, dict[str, Any]]:
        pairs = head_to_head(
            votes,
            seed=seed,
            target=target,
            level=LEVEL,
            smallest_difference=WIN_RATE_OF_INTEREST,
            power=POWER,
            planned_prompts=study_records.prompts_of_pairs(read),
            planned_votes=study_records.votes_of_pairs(read),
        )
        return side_bias(votes, level=LEVEL), {
            "head_to_head": pair_rows(pairs, read, level=LEVEL, also=sequential),
            "against_one": against_one_rows(
                read,
                seed=seed,
                level=LEVEL,
                sequential=stops_early,
                thorough=thorough,
                also=sequential,
            ),
        }

    def of_systems() -> tuple[Leaderboard, SideTermFit, dict[str, Any]]:
        board = leaderboard(votes, seed=seed, level=LEVEL, anchor=anchor)
        side_term = fit_side_term(votes, level=LEVEL)
        # Last, as it needs most memory: most often the pairs are ready by then.
        return board, side_term, _agreement(overall, read, seed, thorough=thorough)

    (board, side_term, agreement), (bias, pairs) = side_by_side(
        of_systems, of_pairs, together=is_large(votes)
    )
    judges = JudgeAlignment(read, seed=seed, level=LEVEL)
    return {
        "study": study.slug,
        "title": study.title,
        "notice": study.notice,
        "study_version": None if version is None else version.number,
        "seed": seed,
        "input_sha256": read.input_sha256,
        "version": project_settings.VERSION,
        "settings": settings,
        "warnings": [
            str(code)
            for code in (*board.warnings, *sequential, *_drawn(read), *_pooled(settings, read))
        ],
        "counts": {
            "prompts": len(read.prompts),
            "systems": len(read.systems),
            "comparisons": len(read.items),
            "votes": votes.n,
            "repeats": read.repeats,
            "annotators": len(read.annotators),
            "judgments": sum(int((judge.verdict >= 0).sum()) for judge in read.judgments),
        },
        "verdicts": verdict_counts(overall),
        "anchor": anchor_as_dict(board.anchoring, read.systems),
        "leaderboard": leaderboard_rows(board, read.systems),
        **pairs,
        "agreement": agreement,
        "side_bias": _side_bias(bias, read, side_term),
        **beside(
            read,
            board,
            side_term,
            _grades_and_steps(overall),
            seed=seed,
            level=LEVEL,
            anchor=anchor,
            thorough=thorough,
            still_voting=study.was_opened and not settings["closed"],
        ),
        "diagnostics": diagnostics(
            votes,
            board,
            read.systems,
            read.annotators,
            seed=seed,
            level=LEVEL,
            thorough=thorough,
        ),
        "criteria": [_criterion(criterion, read, settings, seed) for criterion in read.criteria],
        "adjudication": None if read.adjudication is None else read.adjudication.as_dict(votes),
        "alignment": judges.entries(),
        "judge_pairs": judges.pairs(),
        "panels": judges.panels(),
    }


def _criterion(
    criterion: CriterionRecords, read: StudyRecords, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """An entry of `criteria`."""
    anchor = anchor_in_codes(settings, read.systems)
    board = leaderboard(criterion.votes, seed=seed, level=LEVEL, anchor=anchor)
    too = with_excluded(read, criterion, board, seed=seed, level=LEVEL, anchor=anchor)
    return {
        "criterion": criterion.key,
        "verdicts": verdict_counts(criterion),
        "anchor": anchor_as_dict(board.anchoring, read.systems),
        "leaderboard": leaderboard_rows(board, read.systems),
        "with_excluded": too.as_dict(),
        "agreement": _agreement(criterion, read, seed, thorough=settings["diagnostics"]),
    }


def _looked_early(settings: dict[str, Any]) -> tuple[WarningCode, ...]:
    """Outcomes could be seen while votes came in: its p-values are of unknown validity, also
    after it was closed."""
    return (WarningCode.SEQUENTIAL_LOOK,) if settings["looked_early"] else ()


def _drawn(read: StudyRecords) -> tuple[WarningCode, ...]:
    """Some counted votes were drawn by what the votes before them said."""
    drawn = {} if read.sampling is None else read.sampling.votes_by_policy()
    return (WarningCode.ADAPTIVE_SAMPLING,) if Policy.ADAPTIVE in drawn else ()


def _pooled(settings: dict[str, Any], read: StudyRecords) -> tuple[WarningCode, ...]:
    """Votes of an earlier study are counted, or texts, rules or criteria changed meanwhile."""
    is_pooled = settings["continues"] is not None and counts_earlier(read, settings["continues"])
    earlier = (WarningCode.POOLED,) if is_pooled else ()
    several = (WarningCode.VERSIONS_POOLED,) if len(settings["study_versions"]) > 1 else ()
    return (*earlier, *several)


def outcomes_were_open(study: Study) -> bool:
    """Whether anybody could look at outcomes before the collection of votes ended."""
    if not study.was_opened:
        return False
    if study.results == ResultsPolicy.OPEN:
        return True
    unblinded = study.unblinded_at
    return unblinded is not None and (study.closed_at is None or unblinded < study.closed_at)


def verdict_counts(criterion: CriterionRecords) -> dict[str, int]:
    verdict = criterion.votes.verdict
    return {code.name.lower(): int((verdict == code).sum()) for code in VERDICT_ORDER}


def _agreement(
    criterion: CriterionRecords, read: StudyRecords, seed: int, *, thorough: bool
) -> dict[str, Any]:
    no_halves = "" if thorough or not is_large(criterion.votes) else NO_HALVES
    return agreement_report(
        criterion.votes,
        seed=seed,
        scale=criterion.scale,
        both_bad_allowed=criterion.both_bad,
        margin=_grades(criterion),
        no_halves=no_halves,
        level=LEVEL,
    ).as_dict(read.annotators)


def _grades(criterion: CriterionRecords) -> IntArray | None:
    """Margins, where the scale is graded and every decisive vote has one that fits it.

    Imported votes may lack them; the ordered coefficients then use the bare verdicts.
    """
    steps = GRADED_STEPS.get(criterion.scale)
    if steps is None:
        return None
    verdict = criterion.votes.verdict
    decisive = (verdict == VerdictCode.A) | (verdict == VerdictCode.B)
    margin = criterion.margin[decisive]
    return criterion.margin if bool(((margin >= 1) & (margin <= steps)).all()) else None


def _grades_and_steps(criterion: CriterionRecords) -> Grades | None:
    margin = _grades(criterion)
    return None if margin is None else Grades(margin, GRADED_STEPS[criterion.scale])


def _side_bias(bias: SideBias, read: StudyRecords, term: SideTermFit) -> dict[str, Any]:
    return {
        "left_rate": bias.left_rate.as_dict(),
        "between_equals": term.left_share.as_dict(),
        "per_annotator": [
            {"annotator": name, "left_rate": rate.as_dict()}
            for name, rate in zip(read.annotators, bias.per_annotator, strict=True)
        ],
    }
