"""Who may rate which categories of prompts. Pure; no Django."""

from __future__ import annotations

from collections.abc import Mapping

Demands = Mapping[str, Mapping[str, tuple[str, ...]]]


def forbidden_categories(eligibility: Demands, profile: Mapping[str, object]) -> tuple[str, ...]:
    """The categories that an annotator may not rate.

    Parameters
    ----------
    eligibility : mapping
        `Rules.eligibility`: for each category the profile keys and their allowed values. All keys
        must fit. A category that is not named is for everybody.
    profile : mapping
        The annotator's; a value is a text or a list of texts.

    Examples
    --------
    >>> forbidden_categories({"law": {"profession": ("lawyer",)}}, {"profession": "nurse"})
    ('law',)
    """
    return tuple(
        sorted(
            category
            for category, demands in eligibility.items()
            if not all(fits(profile.get(key), allowed) for key, allowed in demands.items())
        )
    )


def fits(value: object, allowed: tuple[str, ...]) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(one in allowed for one in values)
