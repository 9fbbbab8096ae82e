"""The whole report, ready to be set in type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.stats.results import WarningCode
from reports.wording.figures import FigureMethod
from reports.wording.headline import headline, is_watched
from reports.wording.judges import closest_in_words
from reports.wording.numbers import count, counted, named_list, percent
from reports.wording.warnings import sentence

from . import notes
from .against_one import AgainstOne, against_one
from .anchor import anchor_in_words
from .boards import Board, board
from .details import PairDetail, SystemDetail, figure_methods, pair_details, system_details
from .fit import Fit, fit
from .influence import Influence, influence
from .judges import JudgePairRow, JudgeRow, judge_pair_rows, judge_rows
from .other_boards import OtherBoards, other_boards, with_excluded_in_words
from .pairs import Matrix, PairRow, matrix, pair_rows
from .people import AgreementRow, RaterPair, Sides, agreement_rows, rater_pairs, sides
from .sequential import SequentialRow, sequential_rows
from .slices import Sliced, all_slices


@dataclass(frozen=True, slots=True)
class CriterionPart:
    key: str
    board: Board
    # Why it is not measured from the anchor; empty where it is, or there is none.
    anchor: str
    # What the excluded votes would change; nothing where none is excluded.
    with_excluded: Sequence[str]
    agreement: Sequence[AgreementRow]

    @property
    def agreement_label(self) -> str:
        return f"agreement on {self.key}"


@dataclass(frozen=True, slots=True)
class ReportView:
    title: str
    notice: str
    made_at: datetime
    headline: str
    # The sentences after it, one for each group of systems.
    more_headlines: Sequence[str]
    key_figures: Sequence[tuple[str, str]]
    verdicts: str
    repeats: str
    board: Board
    # What ratings are measured from, in words; empty where it is the mean.
    anchor: str
    system_details: Sequence[SystemDetail]
    has_votes: bool
    pairs: Sequence[PairRow]
    pair_details: Sequence[PairDetail]
    pairs_enough: str
    # What to mind about the tests; empty where nothing is.
    looked_early: str
    matrix: Matrix | None
    against_one: AgainstOne | None
    sequential: Sequence[SequentialRow]
    other_boards: OtherBoards
    agreement: Sequence[AgreementRow]
    rater_pairs: Sequence[RaterPair]
    sides: Sides
    criteria: Sequence[CriterionPart]
    slices: Sequence[Sliced]
    fit: Fit
    influence: Influence
    judges: Sequence[JudgeRow]
    judge_pairs: Sequence[JudgePairRow]
    closest_judge: str
    warnings: Sequence[tuple[str, str]]
    figure_methods: Sequence[FigureMethod]
    methods: Sequence[tuple[str, str]]
    assumptions: Sequence[tuple[str, str]]
    settings: Sequence[tuple[str, str]]
    provenance: Sequence[tuple[str, str]]


def view(result: Mapping[str, Any], versions: Mapping[str, str], made_at: datetime) -> ReportView:
    counts = result["counts"]
    anchor = result.get("anchor")
    first, *others = headline(result)
    main = board("overall", result["leaderboard"], counts["votes"], anchor)
    return ReportView(
        title=result["title"] or result["study"],
        notice=result["notice"],
        made_at=made_at,
        headline=first,
        more_headlines=others,
        key_figures=[
            ("Counted votes", count(counts["votes"])),
            ("Systems", count(counts["systems"])),
            ("Prompts", count(counts["prompts"])),
            ("Comparisons", count(counts["comparisons"])),
            ("Annotators", count(counts["annotators"])),
        ],
        verdicts=verdicts_in_words(result["verdicts"]),
        repeats=repeats_in_words(counts["repeats"]),
        board=main,
        anchor=anchor_in_words(anchor, is_split=main.is_split),
        system_details=system_details(result),
        has_votes=counts["votes"] > 0,
        pairs=pair_rows(result),
        pair_details=pair_details(result),
        pairs_enough=enough_in_words(result["head_to_head"]),
        looked_early=sentence(WarningCode.SEQUENTIAL_LOOK) if is_watched(result) else "",
        matrix=matrix(result),
        against_one=against_one(result),
        sequential=sequential_rows(result),
        other_boards=other_boards(result),
        agreement=agreement_rows(result["agreement"]),
        rater_pairs=rater_pairs(result["agreement"]),
        sides=sides(result["side_bias"]),
        criteria=[_criterion(part) for part in result["criteria"]],
        slices=all_slices(result),
        fit=fit(result),
        influence=influence(result),
        judges=judge_rows(result),
        judge_pairs=judge_pair_rows(result),
        closest_judge=closest_in_words(result),
        warnings=notes.warnings_in_words(result),
        figure_methods=figure_methods(),
        methods=notes.methods_in_words(result),
        assumptions=notes.ASSUMPTIONS,
        settings=notes.settings_in_words(result),
        provenance=notes.provenance(result, versions),
    )


def _criterion(part: Mapping[str, Any]) -> CriterionPart:
    key, anchor = part["criterion"], part.get("anchor")
    own = board(key, part["leaderboard"], sum(part["verdicts"].values()), anchor)
    return CriterionPart(
        key=key,
        board=own,
        # Where it is as on the first board, it is said there.
        anchor="" if own.anchor else anchor_in_words(anchor, is_split=own.is_split),
        # Reports before format 10 do not know.
        with_excluded=with_excluded_in_words(part.get("with_excluded", {}).get("compared")),
        agreement=agreement_rows(part["agreement"]),
    )


def verdicts_in_words(verdicts: Mapping[str, int]) -> str:
    """How decisive the votes were; a and b have no meaning over several pairs."""
    total = sum(verdicts.values())
    if not total:
        return "There are no votes yet."
    decisive = verdicts["a"] + verdicts["b"]
    if decisive == total:
        return "Every vote prefers a response."
    said = [
        f"{percent(decisive / total)} prefer a response",
        f"{percent(verdicts['tie'] / total)} are ties",
    ]
    if verdicts["both_bad"]:
        said.append(f"{percent(verdicts['both_bad'] / total)} call both bad")
    return f"Of the votes {named_list(said)}."


def repeats_in_words(repeats: int) -> str:
    if not repeats:
        return ""
    kept = "is kept, but does not count" if repeats == 1 else "are kept, but do not count"
    return f"{counted(repeats, 'further vote')} by someone who had voted on the pair before {kept}"


def enough_in_words(pairs: Sequence[Mapping[str, Any]]) -> str:
    enough = sum(pair["enough"] for pair in pairs)
    reached = sum(pair["target_reached"] for pair in pairs)
    return (
        f"{count(reached)} of {counted(len(pairs), 'pair')} reached the target, "
        f"{count(enough)} {'has' if enough == 1 else 'have'} enough votes to find the difference "
        "of interest"
    )
