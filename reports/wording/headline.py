"""The report in one sentence: who leads, who cannot be told apart, or how much is still missing.

A system is said to lead only where its joint rank interval is the first place alone, so that the
claim holds for the whole board at once and for annotators and prompts in general. With too few
annotators for that, a system that beats every other by the adjusted test is said to lead among
these annotators. While a study still collects with open results, nothing is said before each of
the leader's pairs has the votes that were planned. A sequential study decides pairs by evidence
that stays valid at every look, so one that it stopped early has all the votes it will get.
Everything else is not decided yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from reports.stats.results import WarningCode

from .numbers import about, count, counted, named_list, percent

# With fewer, counted by how evenly they share the work, `few_annotators` is warned.
FEWEST_ANNOTATORS = 5
# More names than this make a sentence unreadable; the table has them.
MOST_NAMES = 6

FEW_PEOPLE = frozenset({WarningCode.FEW_ANNOTATORS, WarningCode.SINGLE_ANNOTATOR})

# What a pair can be, in the words of page, charts and files.
DIFFERENCE_FOUND = "difference found"
NO_CLEAR_DIFFERENCE = "no clear difference"
NOT_DECIDED = "not decided"

# Of a pair that was stopped. A stop is final: nothing more is collected.
EXCLUDED_SINCE = "votes excluded since leave it undecided"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """One component of the board: systems that were compared, directly or by way of others."""

    rows: Sequence[Row]
    # Those with votes, and those that the study planned and that have none yet.
    pairs: Sequence[Row]
    result: Mapping[str, Any]

    @property
    def alpha(self) -> float:
        return alpha_of(self.result)

    @property
    def annotators(self) -> int:
        """Those who voted on this group's systems."""
        clusters = self.rows[0]["rating"]["n_clusters"] or {}
        return int(clusters.get("annotator", self.result["counts"]["annotators"]))

    @property
    def is_watched(self) -> bool:
        return is_watched(self.result)

    def pairs_of(self, system: str) -> list[Row]:
        return [pair for pair in self.pairs if system in (pair["system_a"], pair["system_b"])]


def groups_of(result: Mapping[str, Any]) -> list[Group]:
    """The components, in their order; systems without votes belong to none."""
    ranked = [row for row in result["leaderboard"] if row["component"] is not None]
    groups = []
    for component, rows in groupby(ranked, key=lambda row: row["component"]):
        members = list(rows)
        names = {row["system"] for row in members}
        pairs = [
            pair
            for pair in result["head_to_head"]
            if pair["component"] == component
            or (is_planned(pair) and {pair["system_a"], pair["system_b"]} <= names)
        ]
        groups.append(Group(members, pairs, result))
    return groups


def headline(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The sentence. Where systems fall into groups that were never compared: one that says so,
    then one for each group."""
    groups = groups_of(result)
    if not groups:
        return ("No votes yet: nothing can be said about these systems.",)
    if len(groups) == 1:
        return (sentence(groups[0]) + ".",)
    said = (
        f"{len(groups)} groups of systems were never compared with each other, "
        "so there is no common ranking."
    )
    return (said, *(f"Group {n}: {inside(group)}." for n, group in enumerate(groups, 1)))


def inside(group: Group) -> str:
    """The sentence as it goes on after a colon: a word begins small, a name as it is."""
    text = sentence(group)
    own_words = ("Among these", "For this", "Not decided", "No clear")
    return text[0].lower() + text[1:] if text.startswith(own_words) else text


def sentence(group: Group) -> str:
    first = group.rows[0]
    if len(group.rows) == 1:
        return f"{first['system']} has not been compared with another system yet"
    if leads(group):
        return f"{first['system']} leads{margin(group)}{the_rest(group)}"
    if leads_among_these(group):
        return f"{these_annotators(group)}{first['system']} leads{margin(group)}{too_few(group)}"
    return undecided(group)


def these_annotators(group: Group) -> str:
    people = group.annotators
    return "For this annotator " if people == 1 else f"Among these {count(people)} annotators "


def too_few(group: Group) -> str:
    people = group.annotators
    if people == 1:
        return "; one person is too few to say so of others"
    if people < FEWEST_ANNOTATORS:
        return "; they are too few to say so of others"
    return "; a few of them gave most of the votes, too few to say so of others"


def leads(group: Group) -> bool:
    """Whether the first place is settled, jointly for the board."""
    first, second = group.rows[0], group.rows[1]
    if first["rank"] == second["rank"] or first["rank_high"] != 1:
        return False
    return planned_votes_are_in(group, first["system"]) and not contradicted(group, first["system"])


def leads_among_these(group: Group) -> bool:
    """Whether the adjusted tests put it above every other system, for these annotators."""
    first, second = group.rows[0], group.rows[1]
    codes = {code for row in group.rows for code in row["rating"]["warnings"]}
    pairs = group.pairs_of(first["system"])
    return (
        first["rank"] != second["rank"]
        and bool(codes & FEW_PEOPLE)
        and len(pairs) == len(group.rows) - 1
        and planned_votes_are_in(group, first["system"])
        and all(is_found(pair, group.result) for pair in pairs)
        and not contradicted(group, first["system"])
    )


def planned_votes_are_in(group: Group, system: str) -> bool:
    return all(may_be_said(pair, group.result) for pair in group.pairs_of(system))


def contradicted(group: Group, system: str) -> bool:
    """Whether some pair says the opposite by its own test."""
    return any(
        is_found(pair, group.result) and winner_of(pair) != system
        for pair in group.pairs_of(system)
    )


def is_planned(pair: Row) -> bool:
    """Whether the study compares the two. Reports of format 3 only know where votes are."""
    return bool(pair.get("comparisons", pair["n"]))


def is_stopped(pair: Row) -> bool:
    """Whether a sequential study ended the pair's collection early, having decided it then."""
    return WarningCode.STOPPED_EARLY in pair["warnings"]


def still_holds(pair: Row) -> bool:
    """Whether the votes that count now still decide a stopped pair. A stop is final, but votes may
    be excluded after it.

    Its interval is the confidence sequence.
    """
    low, high = pair["win_rate_a"]["low"], pair["win_rate_a"]["high"]
    beside_half = low is not None and high is not None and not low <= 0.5 <= high
    return beside_half or bool(pair["sequential"]["decided"])


def has_lost_its_evidence(pair: Row) -> bool:
    """Whether the pair was stopped and votes excluded since leave it undecided."""
    return is_stopped(pair) and not still_holds(pair)


def is_sequential(result: Mapping[str, Any]) -> bool:
    """The votes were collected under a rule that may stop pairs early: a p-value, which is made for
    a number of votes fixed beforehand, decides nothing then."""
    return result["settings"]["stopping"] == "sequential" and result["study_version"] is not None


def is_found(pair: Row, result: Mapping[str, Any]) -> bool:
    """Whether a difference is found: by the adjusted test, or by the study's sequential rule."""
    if is_stopped(pair):
        return still_holds(pair)
    if is_sequential(result):
        return bool(pair["sequential"]["decided"])
    return pair["p_adjusted"] is not None and pair["p_adjusted"] <= alpha_of(result)


def may_be_said(pair: Row, result: Mapping[str, Any]) -> bool:
    """Whether the time has come: while votes still come in with open results, only once the planned
    number is there, or evidence that is valid at every look decided the pair before."""
    if not is_watched(result) or pair["target_reached"]:
        return True
    return (is_stopped(pair) or is_sequential(result)) and is_found(pair, result)


def is_decided(pair: Row, result: Mapping[str, Any]) -> bool:
    """Whether a difference is found and may be said. Page, charts and files all ask here."""
    return may_be_said(pair, result) and is_found(pair, result) and winner_of(pair) is not None


def state_of(pair: Row, result: Mapping[str, Any]) -> str:
    """The state of a pair with votes: page, charts and matrix use the words of its finding."""
    if is_decided(pair, result):
        return DIFFERENCE_FOUND
    if is_stopped(pair):
        return NOT_DECIDED
    early = not may_be_said(pair, result)
    hopeless = WarningCode.TOO_FEW_PROMPTS in pair["warnings"]
    return NO_CLEAR_DIFFERENCE if pair["enough"] and not early and not hopeless else NOT_DECIDED


def is_watched(result: Mapping[str, Any]) -> bool:
    """Results are open while votes still come in."""
    return WarningCode.SEQUENTIAL_LOOK in result["warnings"]


def alpha_of(result: Mapping[str, Any]) -> float:
    return 1 - float(result["settings"]["level"])


def winner_of(pair: Row) -> str | None:
    """Who won more of the pair's votes; None at exactly half."""
    rate = pair["win_rate_a"]["estimate"]
    if rate is None or rate == 0.5:
        return None
    return str(pair["system_a"] if rate > 0.5 else pair["system_b"])


def margin(group: Group) -> str:
    """Between two systems: what share of the votes."""
    if len(group.rows) != 2 or not group.pairs:
        return ""
    return f" with {percent(group.rows[0]['win_rate']['estimate'], 0)} of the votes"


def the_rest(group: Group) -> str:
    """What is known below the first place."""
    if len(group.rows) == 2:
        return ""
    if not all(may_be_said(pair, group.result) for pair in group.pairs):
        return "; the order below it is not decided yet"
    open_runs = unsettled_runs(group.rows[1:])
    if not open_runs:
        return f", and the order of all {len(group.rows)} systems is settled"
    named = [run_in_words(run) for run in open_runs]
    if sum(len(run) for run in open_runs) > MOST_NAMES:
        return f"; {sum(len(run) for run in open_runs)} systems below it are not in a settled order"
    return "; " + "; ".join(named)


def unsettled_runs(rows: Sequence[Row]) -> list[list[Row]]:
    """Neighbours on the board whose joint rank intervals overlap, as runs of two or more."""
    runs: list[list[Row]] = [[rows[0]]]
    highest = rows[0]["rank_high"]
    for _, row in pairwise(rows):
        if row["rank_low"] <= highest:
            runs[-1].append(row)
        else:
            runs.append([row])
        highest = max(highest, row["rank_high"])
    return [run for run in runs if len(run) > 1]


def run_in_words(run: Sequence[Row]) -> str:
    names = named_list(row["system"] for row in run)
    alike = len({(row["rank_low"], row["rank_high"]) for row in run}) == 1
    return f"{names} cannot be told apart" if alike else f"the order of {names} is open"


def undecided(group: Group) -> str:
    """What keeps the first place open, and what would settle it."""
    contenders = [row["system"] for row in group.rows if row["rank_low"] == 1]
    among = [
        pair
        for pair in group.pairs
        if pair["system_a"] in contenders and pair["system_b"] in contenders
    ]
    if group.is_watched:
        missing = sum(
            max(0, pair["target"] - pair["n"])
            for pair in group.pairs
            if not is_stopped(pair) and not may_be_said(pair, group.result)
        )
        if missing:
            if group.result["settings"].get("closed"):
                votes = counted(missing, "vote")
                return f"Not decided: the study was closed {votes} short of its planned number"
            votes = counted(missing, "more vote")
            return f"Not decided yet: {votes} until every pair has its planned number"
    lost = [pair for pair in among if has_lost_its_evidence(pair)]
    if lost:
        voting = f"voting on {pairs_in_words(lost)} was stopped early for good"
        return f"Not decided: {voting}, and {EXCLUDED_SINCE}"
    hopeless = [pair for pair in among if WarningCode.TOO_FEW_PROMPTS in pair["warnings"]]
    if hopeless:
        prompts = counted(group.result["counts"]["prompts"], "prompt")
        return f"Not decided: {prompts} cannot decide this, however many votes there are"
    if among and all(pair["enough"] for pair in among):
        wanted = percent(group.result["settings"]["win_rate_of_interest"], 0)
        return (
            f"No clear difference between {who(contenders)}, although a win rate of {wanted} "
            "would probably have shown"
        )
    missing = sum(pair["votes_needed"] or 0 for pair in among)
    return f"Not decided yet: {what_is_missing(missing, people_are_few(group))}"


def pairs_in_words(pairs: Sequence[Row]) -> str:
    if len(pairs) > MOST_NAMES:
        return f"{len(pairs)} pairs"
    return named_list(f"{pair['system_a']} v {pair['system_b']}" for pair in pairs)


def what_is_missing(votes: int, more_people: bool) -> str:
    needed = more_votes(votes) if votes else "more votes are needed"
    return f"{needed}, by more annotators" if more_people else needed


def more_votes(votes: int) -> str:
    """`about 140 more votes`, as looks.md has it."""
    return f"about {counted(about(votes), 'more vote')}"


def people_are_few(group: Group) -> bool:
    return any(FEW_PEOPLE & set(row["rating"]["warnings"]) for row in group.rows)


def who(systems: Iterable[str]) -> str:
    names = list(systems)
    return named_list(names) if len(names) <= MOST_NAMES else f"{len(names)} systems"


def finding(pair: Row, result: Mapping[str, Any]) -> str:
    """What one pair of systems shows, for its row of the table."""
    if pair["n"] == 0 and not is_planned(pair):
        return "never compared"
    if has_lost_its_evidence(pair):
        return f"not decided: stopped early, and {EXCLUDED_SINCE}"
    if not may_be_said(pair, result):
        missing = pair["target"] - pair["n"]
        if result["settings"].get("closed"):
            return f"not decided: closed {counted(missing, 'vote')} early"
        return f"not decided yet: {counted(missing, 'more vote')}"
    if pair["n"] == 0:
        return "no votes"
    if WarningCode.TOO_FEW_PROMPTS in pair["warnings"]:
        return "too few prompts to decide"
    if is_decided(pair, result):
        return f"{winner_of(pair)} wins more{of_whom(pair)}{how_early(pair)}"
    if pair["enough"]:
        return NO_CLEAR_DIFFERENCE
    if pair["votes_needed"] is None:
        return "not decided: only ties so far"
    return f"not decided yet: {more_votes(pair['votes_needed'])}"


def how_early(pair: Row) -> str:
    return " (stopped early)" if is_stopped(pair) else ""


def of_whom(pair: Row) -> str:
    """Whom a difference holds for, where it is not people in general."""
    if WarningCode.SINGLE_ANNOTATOR in pair["warnings"]:
        return " for this annotator"
    limited = {*FEW_PEOPLE, WarningCode.P_VALUES_DIFFER} & set(pair["warnings"])
    return " among these annotators" if limited else ""
