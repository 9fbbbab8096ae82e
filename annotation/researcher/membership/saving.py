"""Saving a section of the rules from a page about people, where nobody moved it meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from annotation.access import SignedInRequest
from annotation.lifecycle.one_section import set_section
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import Study
from annotation.researcher.meanwhile import (
    SHOWN,
    MakeForm,
    MovedMeanwhileError,
    merged,
    seen_in,
    tell_moved,
)

from .forms import SectionForm


def saved(
    request: SignedInRequest, study: Study, form: SectionForm, make: MakeForm
) -> tuple[bool | None, dict[str, Any]]:
    """Whether anything was changed, None where the form was refused; and what the page shows.

    Parameters
    ----------
    make
        The form of a study without the reason, which nothing is compared by.
    """
    shown = {"shown": request.POST.get(SHOWN, "")}
    if not form.is_valid():
        return None, shown
    seen = seen_in(request.POST)

    def changed(rules: Mapping[str, Any]) -> dict[str, Any]:
        now = copy.copy(study)
        now.rules = rules
        together: dict[str, Any] = merged(form, make, now, seen)["rules"]
        return together

    try:
        return set_section(study, request.user, changed, reason=form.reason), shown
    except MovedMeanwhileError as moved:
        return None, tell_moved(form, request.POST, moved)
    except ValidationError as invalid:
        form.add_error(None, [said.removeprefix("rules: ") for said in invalid.messages])
    except LifecycleError as refused:
        form.add_error(None, str(refused))
    return None, shown
