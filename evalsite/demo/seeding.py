"""Fill an empty site with the demo study, through the code that real studies go through.

The simulated annotators claim pairs from the queue and submit votes as people do; only their
reading time is made up, since a program has no need to wait.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

from django.db.models import F

from annotation import queue, voting
from annotation.importing.transfer import import_files
from annotation.importing.writers import responses
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.rubric import configure_draft, set_rubric
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    ComparisonKind,
    Criterion,
    Study,
)
from evalsite.demo.cast import ANNOTATORS, JUDGES, SimulatedAnnotator, SimulatedJudge
from evalsite.demo.plan import DemoPlan
from evalsite.demo.simulation import Scale, active_seconds, choose, judge, rationale
from judging.endpoints.addresses import SIMULATOR_URL
from judging.judge_files import read_draft
from judging.judges import add_judges
from judging.runs import imported
from reports import analysis
from reports.models import AnalysisRun

# Names the decisions of the simulation, so that seeding twice sends the same keys.
DECISIONS = uuid.UUID("5d1f0f4e-6c1b-4f5e-9b1a-9d5c3a0b7e21")

Say = Callable[[str], None]


OFFERED_JUDGE = {
    "name": "try-me",
    "endpoint": {"name": "simulator", "base_url": SIMULATOR_URL},
    # Its prices are made up, so that a budget can be tried.
    "models": [{"name": "fair:noise=0.6", "price": {"input": 1, "output": 4}}],
}


def seed(plan: DemoPlan, say: Say) -> Study:
    """Make the demo study and everything in it; a study that was seeded already is left alone.

    A start that was interrupted is continued: each step finds what is there. The report comes
    last, so that its presence says that all is done.
    """
    if AnalysisRun.objects.filter(study__slug=plan.slug).exists():
        return Study.objects.get(slug=plan.slug)
    say("Importing 96 responses and generating comparisons")
    import_files(plan.slug, [plan.responses], responses.PLAN, say=lambda text: None)
    study = Study.objects.get(slug=plan.slug)
    if not study.was_opened:
        configure_draft(study, **plan.settings)
        set_rubric(study, plan.criteria)
        generate_comparisons(
            study, design=plan.design, overlap=plan.overlap, seed=plan.settings["seed"]
        )
        open_study(study, queue_seed=plan.settings["seed"])
        study.refresh_from_db()
    say("Simulating eight annotators and two judges")
    simulate_annotators(study, plan)
    simulate_judges(study, plan)
    offer_judge(study)
    say("Computing the report")
    analysis.run(study)
    return study


def simulate_annotators(study: Study, plan: DemoPlan) -> None:
    """Let the simulated people vote in turn, until the planned share of the work is done."""
    profiles = {profile.key: profile for profile in ANNOTATORS if profile.key in plan.annotators}
    people = [
        (
            Annotator.objects.get_or_create(
                study=study, external_id=key, defaults={"profile": {"simulated": True}}
            )[0],
            profile,
        )
        for key, profile in profiles.items()
    ]
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).count() * plan.overlap
    done = Assignment.objects.filter(comparison__study=study, votes__isnull=False).count()
    criteria = list(study.criteria.all())
    while done < plan.completed * work:
        voted = [vote_once(study, person, profile, criteria) for person, profile in people]
        if not any(voted):
            break
        done += sum(voted)
    for person, _ in people:
        give_back(person)


def vote_once(
    study: Study,
    person: Annotator,
    profile: SimulatedAnnotator,
    criteria: list[Criterion],
) -> bool:
    """One pair from claim to vote; False if the queue has nothing for this person."""
    held = queue.claim(person, want=1).current
    if held is None:
        return False
    assignment = Assignment.objects.select_related(
        "comparison__prompt", "comparison__system_a", "comparison__system_b"
    ).get(public_id=held.pair.id)
    comparison = assignment.comparison
    names = [comparison.system_a.name, comparison.system_b.name]
    left, right = reversed(names) if assignment.swapped else names
    prompt = comparison.prompt
    picked = {
        criterion.key: choose(
            profile,
            study.seed,
            left_system=left,
            right_system=right,
            prompt_id=prompt.prompt_id,
            category=prompt.category,
            criterion=criterion.key,
            # The database holds nothing else.
            scale=cast(Scale, criterion.scale),
            both_bad=criterion.both_bad,
        )
        for criterion in criteria
    }
    pair = held.pair
    words = sum(
        len(text.split())
        for text in (pair.left, pair.right, *(message.content for message in pair.prompt))
    )
    seconds = active_seconds(
        profile,
        study.seed,
        left_system=left,
        right_system=right,
        prompt_id=prompt.prompt_id,
        words=words,
    )
    queue.mark_displayed(person, held.pair.id)
    pretend_to_read(assignment, seconds)
    milliseconds = int(seconds * 1000)
    voting.submit(
        person,
        held.pair.id,
        {key: voting.Answer(choice.choice, choice.margin) for key, choice in picked.items()},
        uuid.uuid5(DECISIONS, f"{person.external_id}/{comparison.item_id}"),
        rationale=rationale(
            profile,
            study.seed,
            picked[Criterion.OVERALL].choice,
            left_system=left,
            right_system=right,
            prompt_id=prompt.prompt_id,
        ),
        timing=voting.Timing(
            active_ms=milliseconds, elapsed_ms=milliseconds, first_choice_ms=milliseconds
        ),
        reading={"simulated": True},
    )
    return True


def pretend_to_read(assignment: Assignment, seconds: float) -> None:
    """Serve the pair earlier by the reading time, which the vote's durations are clamped to.

    The one place outside the queue that touches its rows: nobody waits for an invented reader.
    """
    ago = timedelta(seconds=seconds)
    Assignment.objects.filter(pk=assignment.pk).update(
        reserved_at=F("reserved_at") - ago, displayed_at=F("displayed_at") - ago
    )


def give_back(person: Annotator) -> None:
    """Pairs that a simulated person still holds are the visitor's."""
    for held in queue.claim(person, want=1).held:
        queue.release(person, held.pair.id, "other", "The simulation is over.")


def simulate_judges(study: Study, plan: DemoPlan) -> None:
    """Judge every comparison in both orders, and import the judgments as a file."""
    profiles = [profile for profile in JUDGES if profile.key in plan.judges]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judgments.jsonl"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row in judgment_rows(study, profiles):
                file.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
        import_files(study.slug, [path], imported.IMPORT_PLAN, say=lambda text: None)


def offer_judge(study: Study) -> None:
    """A judge that visitors can run by themselves, without a key: it is simulated."""
    draft = read_draft(OFFERED_JUDGE, "The demo's judge")
    add_judges(study, draft, actor=None)


def judgment_rows(study: Study, profiles: list[SimulatedJudge]) -> Iterator[dict[str, object]]:
    # By content, not by key: generated item ids are drawn, so their order means nothing.
    comparisons = (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        .select_related("prompt", "system_a", "system_b")
        .order_by("prompt__prompt_id", "system_a__name", "system_b__name")
    )
    for profile in profiles:
        for comparison in comparisons:
            for order in ("ab", "ba"):
                judged = judge(
                    profile,
                    study.seed,
                    system_a=comparison.system_a.name,
                    system_b=comparison.system_b.name,
                    prompt_id=comparison.prompt.prompt_id,
                    category=comparison.prompt.category,
                    order=order,
                )
                yield {
                    "item_id": comparison.item_id,
                    "judge_id": profile.key,
                    "order": order,
                    "verdict": judged.verdict,
                    "confidence": judged.confidence,
                    "reason": judged.reason,
                }
