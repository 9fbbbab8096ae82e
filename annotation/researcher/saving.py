"""A page over texts and rules of a draft: filled, or saved where nobody moved it meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from annotation.access import SignedInRequest
from annotation.lifecycle.rubric import configure_draft
from annotation.models import Study

from .frame import take_faults
from .meanwhile import (
    SHOWN,
    Difference,
    MakeForm,
    MovedMeanwhileError,
    merged,
    seen_in,
    shown_of,
    tell_moved,
)


@dataclass(frozen=True, slots=True)
class Page:
    """A form with what it was shown with, and what two people changed differently."""

    form: Any
    shown: str
    moved: Sequence[Difference] = ()
    is_saved: bool = False

    def context(self) -> dict[str, Any]:
        """What the templates of the form need."""
        return {"form": self.form, "shown": self.shown, "moved": self.moved}


def filled(study: Study, make: MakeForm) -> Page:
    """The form of a study as it is."""
    # Of an opened study nothing is saved here any more.
    return Page(make(study, None), "" if study.was_opened else shown_of(make, study))


def save(request: SignedInRequest, study: Study, make: MakeForm) -> Page:
    """Save what was changed on the page of a draft; else the page says why not."""
    form, shown = make(study, request.POST), request.POST.get(SHOWN, "")
    if not form.is_valid():
        return Page(form, shown)
    seen = seen_in(request.POST)
    try:
        configure_draft(study, request.user, change=lambda draft: merged(form, make, draft, seen))
    except MovedMeanwhileError as moved:
        return Page(form, **tell_moved(form, request.POST, moved))
    except ValidationError as fault:
        take_faults(form, fault)
        return Page(form, shown)
    return Page(form, shown, is_saved=True)
