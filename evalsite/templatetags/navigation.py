"""The links on top of a study's pages."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.http import HttpRequest
from django.urls import reverse

from annotation.access import roles_on_page
from annotation.accounts.home import STATE_TONES
from annotation.models import Study, StudyState
from evalsite.navigation import list_areas

register = template.Library()


@dataclass(frozen=True, slots=True)
class AreaLink:
    """An area's words and address, and whether this page belongs to it."""

    label: str
    url: str
    is_current: bool


@register.simple_tag(takes_context=True)
def study_areas(context: template.Context, study: Study) -> list[AreaLink]:
    """The areas of a study for whom the page is made; no query on a page of the study."""
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        return []
    match = request.resolver_match
    here = match.view_name if match else ""
    roles = roles_on_page(request, study)
    return [
        AreaLink(area.label, reverse(area.route, kwargs={"slug": study.slug}), area.holds(here))
        for area in list_areas(roles)
    ]


@register.filter
def state_tone(study: Study) -> str:
    """The class of the dot beside the study's state; empty for a neutral one."""
    tone = STATE_TONES[StudyState(study.state)]
    return f"status--{tone}" if tone else ""
