"""Whether a study's content can carry what its rules let the page show."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from annotation.models import Comparison, Response, Study
from annotation.rules import Rules


def faults_of_page(study: Study, rules: Rules) -> list[str]:
    """What keeps the page from showing what the rules say."""
    if rules.answering.show_reference and not with_reference(study):
        return [
            "answering.show_reference is true, but no prompt that is rated has a reference. Import "
            "references with import_prompts, or take the line out."
        ]
    return []


def warnings_of_page(study: Study, rules: Rules) -> list[str]:
    """What may not be meant, and what would tell more than the study wants."""
    if not rules.answering.show_reference:
        return []
    warnings = []
    all_rated = rated(study).values("prompt").distinct().count()
    lacking = all_rated - with_reference(study)
    if lacking:
        warnings.append(f"{lacking} of {all_rated} prompts have no reference answer to show.")
    same = (
        Response.objects.filter(prompt__study=study, text=F("prompt__reference"))
        .exclude(text="")
        .count()
    )
    if same:
        responses = "1 response is" if same == 1 else f"{same} responses are"
        warnings.append(
            f"{responses} the reference answer word for word, and annotators see both: nobody "
            "would vote against them."
        )
    return warnings


def rated(study: Study) -> QuerySet[Comparison]:
    return Comparison.objects.filter(study=study).order_by()


def with_reference(study: Study) -> int:
    """Prompts that are rated and have a reference."""
    return rated(study).filter(~Q(prompt__reference="")).values("prompt").distinct().count()
