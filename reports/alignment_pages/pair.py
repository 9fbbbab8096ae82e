"""The pair behind a judge's verdict: what was asked, both responses, what people and judge said.

While a study is sealed its systems stand under their codes and no vote and no verdict is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, can_see_outcomes, study_role
from annotation.models import Comparison, ComparisonKind, Study, System, Verdict, VoteNote
from annotation.queue.presenting import messages_of
from annotation.rating.allow_list import Html
from annotation.rating.markdown import render_markdown
from annotation.selectors import counted_votes
from judging.models import JudgeVersion, MissingCause, Order
from reports import looks
from reports.freshness import latest_run
from reports.judgment_records import judgments_of
from reports.pages.views import OUTCOME_ROLES
from reports.wording.numbers import percent

from .views import get_version

SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System"}
ORDERS = {
    Order.AB.value: "a shown first",
    Order.BA.value: "b shown first",
    Order.BOTH.value: "both orders, reconciled elsewhere",
}
CAUSES: Mapping[str, str] = {
    MissingCause.UNPARSED.value: "no verdict: the reply could not be read",
    MissingCause.REFUSED.value: "no verdict: refused",
    MissingCause.TRUNCATED.value: "no verdict: cut short",
    MissingCause.FAILED.value: "no verdict: the call failed",
}


@dataclass(frozen=True, slots=True)
class Turn:
    speaker: str
    text: Html


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: who, what, and why."""

    who: str
    verdict: str
    more: str
    reason: str


@require_safe
@study_role(*OUTCOME_ROLES)
def pair(request: SignedInRequest, study: Study, version: int, comparison: int) -> HttpResponse:
    """One comparison, as people and the judge saw it."""
    row = get_version(study, version)
    found = get_object_or_404(
        Comparison.objects.select_related(
            "prompt", "response_a__system", "response_b__system", "system_a", "system_b"
        ),
        pk=comparison,
        study=study,
        kind=ComparisonKind.WORK,
    )
    open_to_them = can_see_outcomes(request.user, study)
    context: dict[str, Any] = {
        "study": study,
        "version": row,
        "comparison": found,
        "prompt": [
            Turn(SPEAKERS.get(message.role, message.role), render_markdown(message.content))
            for message in messages_of(found.prompt)
        ],
        "responses": [
            (side, name_of(system, open_to_them), render_markdown(response.text))
            for side, system, response in (
                ("a", found.system_a, found.response_a),
                ("b", found.system_b, found.response_b),
            )
        ],
        "is_open": open_to_them,
    }
    if open_to_them:
        kept = latest_run(study)
        if kept is not None:
            looks.record_view(study, kept, request.user)
        verdicts = verdict_names(found, open_to_them)
        votes = votes_on(study, found, verdicts)
        context["votes"] = votes
        context["judgments"] = judgments_on(study, row, found, verdicts)
        context["tally"] = Counter(vote.verdict for vote in votes).most_common()
    return render(request, "reports/alignment/pair.html", context)


def name_of(system: System, open_to_them: bool) -> str:
    """The name, or the code that stands for it; a study that was never opened has no codes."""
    return system.name if open_to_them else f"system {system.code or '(sealed)'}"


def verdict_names(comparison: Comparison, open_to_them: bool) -> dict[str, str]:
    return {
        Verdict.A.value: f"a, {name_of(comparison.system_a, open_to_them)}",
        Verdict.B.value: f"b, {name_of(comparison.system_b, open_to_them)}",
        Verdict.TIE.value: "tie",
        Verdict.BOTH_BAD.value: "both bad",
    }


def votes_on(study: Study, comparison: Comparison, verdicts: Mapping[str, str]) -> list[Said]:
    """The counted votes, by annotator."""
    votes = (
        counted_votes(study)
        .filter(comparison=comparison)
        .select_related("annotator")
        .order_by("annotator__external_id")
    )
    notes = dict(
        VoteNote.objects.filter(vote__comparison=comparison).values_list("vote", "rationale")
    )
    return [
        Said(
            vote.annotator.external_id,
            verdicts[vote.verdict],
            "" if not vote.margin else f"margin {vote.margin}",
            notes.get(vote.pk, "") or "",
        )
        for vote in votes
    ]


def judgments_on(
    study: Study, version: JudgeVersion, comparison: Comparison, verdicts: Mapping[str, str]
) -> list[Said]:
    """The newest judgment of each order and replicate."""
    newest = {}
    for judgment in (
        judgments_of(study, version).filter(comparison=comparison).select_related("call")
    ):
        newest[judgment.order, judgment.call.replicate if judgment.call else 0] = judgment
    found = []
    for (order, replicate), judgment in sorted(newest.items()):
        who = ORDERS[order] if not replicate else f"{ORDERS[order]}, again ({replicate + 1})"
        more = (
            [] if judgment.confidence is None else [f"confidence {percent(judgment.confidence, 0)}"]
        )
        if judgment.margin:
            more.append("clearly" if judgment.margin > 1 else "slightly")
        verdict = verdicts[judgment.verdict] if judgment.verdict else CAUSES[judgment.missing]
        found.append(Said(who, verdict, ", ".join(more), judgment.reason))
    return found
