"""Reference answers: written here or imported, and whether annotators see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from annotation.access import SignedInRequest
from annotation.lifecycle.references import (
    ReferencesMovedError,
    as_typed,
    digest_of,
    set_references,
)
from annotation.lifecycle.rubric import configure_draft
from annotation.lifecycle.rule_changes import with_rule
from annotation.models import Prompt, Study
from annotation.rules import rules_of

from .frame import INVALID, readers_only, refuse_frozen, render_step

PROMPTS_A_PAGE = 20
PROMPT_SHOWN = 2_000
# Twenty of these, whatever their letters, stay below the megabyte that a form may send; a longer
# one comes with a file.
LONGEST_TYPED = 16_000


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("references")
def references(request: SignedInRequest, study: Study) -> HttpResponse:
    """Prompts with their references, some at a time."""
    only_missing = request.GET.get("only") == "missing"
    listed: QuerySet[Prompt] = Prompt.objects.filter(study=study).order_by("pk")
    if only_missing:
        listed = listed.filter(reference="")
    page = Paginator(listed, PROMPTS_A_PAGE).get_page(request.GET.get("page"))
    fault = ""
    typed: dict[int, str] = {}
    digests: dict[int, str] = {}
    theirs: Mapping[int, str] = {}
    prompts: Iterable[Prompt] = page
    if request.method == "POST":
        # What was shown, by key: with "only missing" another reload shows others.
        shown = Prompt.objects.filter(study=study, pk__in=keys_in(request.POST))
        typed = {
            prompt: as_typed(request.POST[f"reference_{prompt}"])
            for prompt in shown.values_list("pk", flat=True)
        }
        digests |= {prompt: request.POST.get(f"shown_{prompt}", "") for prompt in typed}
        # What was typed is shown again, also where somebody else filled what was missing.
        prompts = shown.order_by("pk")
        try:
            if any(len(text) > LONGEST_TYPED for text in typed.values()):
                raise ValidationError(
                    f"A reference that is written here has at most {LONGEST_TYPED:,} characters. "
                    "Bring a longer one with a file."
                )
            set_references(study, typed, request.user, shown=digests)
        except ValidationError as refused:
            fault = " ".join(refused.messages)
        except ReferencesMovedError as moved:
            fault, theirs = str(moved), moved.theirs
        else:
            return redirect(after_saving(request, study, page.number, only_missing=only_missing))
    listing = [
        {
            "key": prompt.pk,
            "prompt_id": prompt.prompt_id,
            "text": shown_prompt(prompt),
            "reference": typed.get(prompt.pk, prompt.reference),
            "theirs": theirs.get(prompt.pk),
            "by_file": len(prompt.reference) > LONGEST_TYPED and prompt.pk not in typed,
            "characters": len(prompt.reference),
            # A refused text stays measured by what stood there when it was written.
            "shown": digests[prompt.pk]
            if prompt.pk in digests and prompt.pk not in theirs
            else digest_of(prompt.reference),
        }
        for prompt in prompts
    ]
    return render_step(
        request,
        study,
        "content",
        "references",
        {
            "page": page,
            "prompts": listing,
            "only_missing": only_missing,
            "fault": fault,
            "longest": LONGEST_TYPED,
            "shows": rules_of(study.rules).answering.show_reference,
        },
        status=INVALID if fault else 200,
    )


def keys_in(posted: QueryDict) -> list[int]:
    found = [name.removeprefix("reference_") for name in posted if name.startswith("reference_")]
    # More digits than a key has would be none of the database's numbers.
    return [int(key) for key in found if key.isascii() and key.isdigit() and len(key) < 19][
        :PROMPTS_A_PAGE
    ]


def after_saving(request: SignedInRequest, study: Study, number: int, *, only_missing: bool) -> str:
    query = QueryDict(mutable=True)
    if only_missing:
        # What was written is not missing any more: the same page shows the next ones.
        query["only"] = "missing"
    else:
        query["page"] = str(number + 1 if "next" in request.POST else number)
    address = reverse("studio:references", kwargs={"slug": study.slug})
    return f"{address}?{query.urlencode()}"


def shown_prompt(prompt: Prompt) -> str:
    text = prompt.text
    if prompt.messages is not None:
        text = "\n\n".join(f"{entry['role']}: {entry['content']}" for entry in prompt.messages)
    return text if len(text) <= PROMPT_SHOWN else f"{text[:PROMPT_SHOWN]}…"


@require_POST
@readers_only
@refuse_frozen("references")
def show_references(request: SignedInRequest, study: Study) -> HttpResponse:
    """Switch whether annotators can open the reference below a prompt."""
    shows = request.POST.get("show") == "yes"
    configure_draft(
        study,
        request.user,
        rules=lambda rules: with_rule(rules, "answering", "show_reference", shows),
    )
    return redirect("studio:references", slug=study.slug)
