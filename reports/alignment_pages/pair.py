"""The pair behind a judge's verdict: what was asked, both responses, what people and judge said.

While a study is sealed its systems stand under their codes, in the order of these, and no vote and
no verdict is shown: a and b are in the order of the names, and would give it away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import Comparison, ComparisonKind, Study, Verdict, VoteNote
from annotation.queue.presenting import messages_of
from annotation.rating.allow_list import Html
from annotation.rating.markdown import render_markdown
from annotation.selectors import counted_votes
from judging.models import JudgeVersion, MissingCause, Order
from reports import looks
from reports.freshness import latest_run
from reports.judgment_records import judgments_of
from reports.pages.views import OUTCOME_ROLES
from reports.watching.names import Names, Watcher
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
    watcher = Watcher.of(request, study)
    open_to_them = watcher.sees_outcomes
    names = Names.of(study, watcher)
    responses = {
        found.system_a_id: ("a", found.response_a.text),
        found.system_b_id: ("b", found.response_b.text),
    }
    order = list(responses) if open_to_them else names.in_order(*responses)
    context: dict[str, Any] = {
        "study": study,
        "version": row,
        "comparison": found,
        "prompt": [
            Turn(SPEAKERS.get(message.role, message.role), render_markdown(message.content))
            for message in messages_of(found.prompt)
        ],
        "responses": [
            (
                responses[system][0] if open_to_them else place,
                names.labels[system],
                render_markdown(responses[system][1]),
            )
            for place, system in enumerate(order, start=1)
        ],
        "is_open": open_to_them,
    }
    if open_to_them:
        kept = latest_run(study)
        if kept is not None:
            looks.record_view(study, kept, request.user)
        verdicts = verdict_names(found)
        votes = votes_on(study, found, verdicts, with_reasons=watcher.conducts)
        context["votes"] = votes
        context["judgments"] = judgments_on(study, row, found, verdicts)
        context["tally"] = Counter(vote.verdict for vote in votes).most_common()
    return render(request, "reports/alignment/pair.html", context)


def verdict_names(comparison: Comparison) -> dict[str, str]:
    return {
        Verdict.A.value: f"a, {comparison.system_a.name}",
        Verdict.B.value: f"b, {comparison.system_b.name}",
        Verdict.TIE.value: "tie",
        Verdict.BOTH_BAD.value: "both bad",
    }


def votes_on(
    study: Study, comparison: Comparison, verdicts: Mapping[str, str], *, with_reasons: bool
) -> list[Said]:
    """The counted votes, by annotator; why they decided so is for those who run the study."""
    votes = (
        counted_votes(study)
        .filter(comparison=comparison)
        .select_related("annotator")
        .order_by("annotator__external_id")
    )
    notes: dict[int, str] = {}
    if with_reasons:
        # A note on a further criterion is not why they decided on the whole.
        found = VoteNote.objects.filter(vote__comparison=comparison, criterion__isnull=True)
        notes = dict(found.values_list("vote", "rationale"))
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
