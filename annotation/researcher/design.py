"""Who meets whom and how often; what is mixed in, asked and watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from annotation.access import SignedInRequest
from annotation.jobs import putting_off
from annotation.lifecycle.generation import DEFAULT_OVERLAP, MAX_OVERLAP, summarise_study
from annotation.lifecycle.identical import generate_identical
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.study_file import LARGEST_SEED
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    JobKind,
    Study,
    System,
)
from annotation.pairing import Design, DesignError

from .design_facts import facts_of
from .frame import StudioForm, readers_only, refuse_frozen, render_step
from .jobs import job_on_page, ring_where_asked
from .patience import patient_database
from .quality_form import QualityForm
from .routing_form import RoutingForm, teams_of
from .rule_forms import AskingForm, ChecksForm, RulesForm
from .saving import filled, save

MOST_IDENTICAL = 10_000
DESIGNS = (
    (Design.ALL, "All: each pair of systems on each prompt"),
    (Design.ANCHOR, "Anchor: each system against one"),
    (Design.BALANCED, "Balanced: a part of the pairs on each prompt, all equally often"),
    (Design.FOCUSED, "Focused: only pairs with one of some systems"),
)


class PairsForm(StudioForm):
    """The design of the pairs."""

    design = forms.ChoiceField(
        label="Which systems meet?", choices=DESIGNS, initial=Design.ALL, widget=forms.RadioSelect
    )
    anchor = forms.ChoiceField(label="The anchor", required=False)
    systems = forms.MultipleChoiceField(
        label="Systems to focus on", required=False, widget=forms.CheckboxSelectMultiple
    )
    rounds = forms.IntegerField(
        label="Rounds on each prompt",
        initial=1,
        min_value=1,
        max_value=1000,
        help_text="Of the balanced design: in a round every system meets one other.",
    )
    overlap = forms.IntegerField(
        label="Votes on each pair",
        initial=DEFAULT_OVERLAP,
        min_value=1,
        max_value=MAX_OVERLAP,
        help_text="By different people. Three tell who disagrees; more prompts tell more about the "
        "systems than more votes on the same.",
    )
    seed = forms.IntegerField(
        label="Seed",
        initial=0,
        min_value=0,
        max_value=LARGEST_SEED,
        help_text="Draws the rounds of the balanced design; the same seed draws the same.",
    )
    replace = forms.BooleanField(
        label="Replace the pairs that are there",
        required=False,
        help_text="Otherwise pairs are added to them.",
    )

    def __init__(self, names: list[str], *args: Any, has_pairs: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anchor, systems = self.fields["anchor"], self.fields["systems"]
        assert isinstance(anchor, forms.ChoiceField)  # noqa: S101  # declared above
        assert isinstance(systems, forms.MultipleChoiceField)  # noqa: S101  # declared above
        anchor.choices = [("", "Choose a system"), *((name, name) for name in names)]
        systems.choices = [(name, name) for name in names]
        if not has_pairs:
            del self.fields["replace"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if data.get("design") == Design.ANCHOR and not data.get("anchor"):
            self.add_error("anchor", "Choose the system that all others meet.")
        if data.get("design") == Design.FOCUSED and not data.get("systems"):
            self.add_error("systems", "Tick at least one system.")
        return data

    def arguments(self) -> dict[str, Any]:
        """What generating takes; what belongs to another design is left out."""
        data = self.cleaned_data
        design = Design(data["design"])
        return {
            "design": design,
            "anchor": data["anchor"] if design is Design.ANCHOR else None,
            "systems": data["systems"] if design is Design.FOCUSED else (),
            "rounds": data["rounds"] if design is Design.BALANCED else 1,
            "overlap": data["overlap"],
            "seed": data["seed"],
            "replace": data.get("replace", False),
        }


class IdenticalForm(StudioForm):
    """Pairs of one response with itself."""

    number = forms.IntegerField(
        label="Identical pairs",
        min_value=1,
        max_value=MOST_IDENTICAL,
        help_text="Responses that meet themselves. They count for nobody; the share of the checks "
        "says how often they come.",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A page of the step."""

    route: str
    label: str


PARTS = (
    Part("studio:design", "Pairs"),
    Part("studio:checks", "Order, checks, limits"),
    Part("studio:asking", "Beside the questions"),
    Part("studio:quality_rules", "Quality rules"),
    Part("studio:routing", "Who rates, who decides"),
)


def design_page(
    request: SignedInRequest, study: Study, form: PairsForm, identical: IdenticalForm
) -> HttpResponse:
    summary = summarise_study(study)
    kinds = Comparison.objects.filter(study=study, kind=ComparisonKind.IDENTICAL).count()
    people = (
        Annotator.objects.filter(study=study)
        .exclude(state__in=[AnnotatorState.REMOVED, AnnotatorState.FAILED])
        .count()
    )
    return render_step(
        request,
        study,
        "design",
        "design",
        {
            "form": form,
            **job_on_page(study, JobKind.PAIRS),
            "identical": identical,
            "identical_count": kinds,
            "summary": summary,
            "names_shown": not study.was_opened,
            "system_count": len(form.fields["anchor"].choices) - 1,  # type: ignore[attr-defined]
            "people": people or "",
            "parts": PARTS,
            "facts": facts_of(study) if study.was_opened else (),
        },
        status=422 if form.errors or identical.errors else 200,
    )


def empty_forms(study: Study) -> tuple[PairsForm, IdenticalForm]:
    return pairs_form(study), IdenticalForm()


def pairs_form(study: Study, *args: Any) -> PairsForm:
    names = list(System.objects.filter(study=study).order_by("name").values_list("name", flat=True))
    has_pairs = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).exists()
    # Of an opened study nothing is chosen here any more, and names are sealed.
    return PairsForm([] if study.was_opened else names, *args, has_pairs=has_pairs)


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("design")
def design(request: SignedInRequest, study: Study) -> HttpResponse:
    """The pairs that there are, and the form that makes them."""
    if request.method != "POST":
        return design_page(request, study, *empty_forms(study))
    form = pairs_form(study, request.POST)
    if form.is_valid():
        try:
            with patient_database():
                asked = putting_off.ask_for_pairs(study, request.user, **form.arguments())
        except (DesignError, LifecycleError) as fault:
            form.add_error(None, str(fault))
        else:
            ring_where_asked(asked)
            return redirect("studio:design", slug=study.slug)
    return design_page(request, study, form, IdenticalForm())


@require_POST
@readers_only
@refuse_frozen("design")
def identical(request: SignedInRequest, study: Study) -> HttpResponse:
    """Make identical pairs."""
    form = IdenticalForm(request.POST)
    if form.is_valid():
        try:
            generate_identical(study, form.cleaned_data["number"], actor=request.user)
        except DesignError as fault:
            form.add_error("number", str(fault))
        else:
            return redirect("studio:design", slug=study.slug)
    return design_page(request, study, pairs_form(study), form)


def rules_page(
    request: SignedInRequest,
    study: Study,
    kind: type[RulesForm],
    template: str,
    here: str,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """A page over some of the rules of a draft."""
    page = save(request, study, kind) if request.method == "POST" else filled(study, kind)
    if page.is_saved:
        return redirect(here if "stay" in request.POST else next_part(here), slug=study.slug)
    return render_step(
        request,
        study,
        "design",
        template,
        {**page.context(), "parts": PARTS, "here": here, **(more or {})},
    )


def next_part(route: str) -> str:
    """The page after this one; after the last one the next step."""
    routes = [part.route for part in PARTS]
    place = routes.index(route) + 1
    return routes[place] if place < len(routes) else "studio:people"


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("checks")
def checks(request: SignedInRequest, study: Study) -> HttpResponse:
    """Order, checks, limits, stopping rule."""
    return rules_page(request, study, ChecksForm, "checks", "studio:checks")


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("asking")
def asking(request: SignedInRequest, study: Study) -> HttpResponse:
    """What is asked beside the criteria."""
    return rules_page(request, study, AskingForm, "asking", "studio:asking")


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("quality_rules")
def quality_rules(request: SignedInRequest, study: Study) -> HttpResponse:
    """What is noticed of people's answers."""
    return rules_page(request, study, QualityForm, "quality_rules", "studio:quality_rules")


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("routing")
def routing(request: SignedInRequest, study: Study) -> HttpResponse:
    """Who may rate which category, and what is decided by an adjudicator."""
    return rules_page(
        request, study, RoutingForm, "routing", "studio:routing", {"teams": teams_of(study)}
    )
