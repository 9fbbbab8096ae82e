"""Which system a study's ratings are measured from, and where it stands: a rule of its reports.

It may be changed at any time, as it changes no difference between systems; each change is logged,
and the next report follows it. While names are sealed a system is chosen and shown by its code. One
that was chosen by its name before is then shown by neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotation import audit
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import Study, System, User
from reports.models import RatingAnchor
from reports.models.anchors import HIGHEST, LOWEST


class AnchorRefusedError(Exception):
    """The wish was refused; nothing was changed. The message is for people.

    Attributes
    ----------
    place : str
        `system` or `rating`; empty where neither is at fault.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class ShownAnchor:
    """The anchor as those who conduct the study may know it now.

    Attributes
    ----------
    system : str or None
        Its name, or its code while names are sealed; None where it is `withheld`.
    rating : float
    withheld : bool
        Chosen by its name before the study was sealed.
    """

    system: str | None
    rating: float
    withheld: bool


def anchor_of(study: Study) -> RatingAnchor | None:
    """The study's anchor, with its system. One query."""
    return RatingAnchor.objects.filter(study=study).select_related("system").first()


def shown_anchor(study: Study) -> ShownAnchor | None:
    """What may be told of the anchor; None where there is none."""
    found = anchor_of(study)
    if found is None:
        return None
    if not study.is_sealed:
        return ShownAnchor(found.system.name, found.rating, withheld=False)
    if found.by_code:
        return ShownAnchor(found.system.code, found.rating, withheld=False)
    return ShownAnchor(None, found.rating, withheld=True)


def list_choices(study: Study) -> list[str]:
    """The systems to choose from, by name, or by code while names are sealed."""
    systems = System.objects.filter(study=study)
    if study.is_sealed:
        codes = systems.values_list("code", flat=True)
        return sorted(codes, key=lambda code: (len(code), code))
    return sorted(systems.values_list("name", flat=True))


def set_anchor(
    study: Study, actor: User | None, *, system: str | None = None, rating: float
) -> RatingAnchor:
    """Let one system of the study stand at a number; all others are measured from it.

    Parameters
    ----------
    study : Study
    actor : User or None
        None for the operator at the command line.
    system : str, optional
        Its name, or its code while names are sealed; the one that there is, if left out.
    rating : float

    Raises
    ------
    AnchorRefusedError
        The actor may not, there is no such system, or the number is out of range.
    """
    _check(study, actor)
    # False for NaN, too.
    if not LOWEST <= rating <= HIGHEST:
        raise AnchorRefusedError(
            f"The anchor's rating must lie between {LOWEST:,} and {HIGHEST:,}, not {rating}. "
            "Nothing was changed.",
            "rating",
        )
    with transaction.atomic():
        before = anchor_of(study)
        sealed = study.is_sealed
        if system is not None:
            chosen, by_code = _system(study, system), sealed
        elif before is not None:
            chosen, by_code = before.system, before.by_code
        else:
            raise AnchorRefusedError(
                "Say which system is the anchor. Nothing was changed.", "system"
            )
        now = RatingAnchor(study=study, system=chosen, rating=rating, by_code=by_code)
        stood, stands = _in_log(before, study), _in_log(now, study)
        if stood == stands:
            return before or now
        row, _ = RatingAnchor.objects.update_or_create(
            study=study, defaults={"system": chosen, "rating": rating, "by_code": by_code}
        )
        audit.record(study, actor, "report.anchor_set", {**stands, "before": stood or None})
    return row


def remove_anchor(study: Study, actor: User | None) -> None:
    """Measure ratings from the mean of each group again.

    Raises
    ------
    AnchorRefusedError
        The actor may not.
    """
    _check(study, actor)
    with transaction.atomic():
        before = anchor_of(study)
        if before is None:
            return
        before.delete()
        audit.record(study, actor, "report.anchor_removed", {"before": _in_log(before, study)})


def _check(study: Study, actor: User | None) -> None:
    if actor is not None and not roles_of(actor, study) & READERS:
        raise AnchorRefusedError(
            f"Only an owner or a researcher of {study.slug} chooses the anchor of its ratings."
        )


def _system(study: Study, label: str) -> System:
    """By code while names are sealed, where a name is answered like any other text."""
    sealed = study.is_sealed
    known = System.objects.filter(study=study)
    found = (known.filter(code=label) if sealed else known.filter(name=label)).first()
    if found is None or not label:
        what = "code, such as A1, while its names are sealed" if sealed else "name"
        raise AnchorRefusedError(
            f"The study has no system {label!r}. A system is chosen by its {what}. Nothing was "
            "changed.",
            "system",
        )
    return found


def _in_log(anchor: RatingAnchor | None, study: Study) -> dict[str, Any]:
    """No name that is still to be sealed, and no code beside what was chosen by a name."""
    if anchor is None:
        return {}
    system: str | int = anchor.system.pk
    if study.is_sealed and anchor.by_code:
        system = anchor.system.code
    elif study.was_opened and not study.is_sealed:
        system = anchor.system.name
    return {"system": system, "rating": anchor.rating}
