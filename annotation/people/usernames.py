"""Sign-in names: one spelling each, so that no two accounts look alike."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext

from annotation.models import User

MAX_LENGTH = 150


def normalise_username(username: str) -> str:
    """The spelling in which a sign-in name is stored and looked up: NFKC, lower case."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def check_username(username: str) -> str:
    """The normalised name, if it can be a sign-in name.

    Raises
    ------
    ValidationError
        It is empty, too long or has characters other than letters, digits and @ . + - _
    """
    name = normalise_username(username)
    if not name:
        raise ValidationError(gettext("Choose a name to sign in with."))
    if len(name) > MAX_LENGTH:
        raise ValidationError(
            ngettext(
                "The name is too long: %(most)d character at most.",
                "The name is too long: %(most)d characters at most.",
                MAX_LENGTH,
            )
            % {"most": MAX_LENGTH}
        )
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise ValidationError(
            gettext("Use letters, digits and the characters @ . + - _ without spaces.")
        ) from None
    return name


def is_taken(name: str) -> bool:
    return User.objects.filter(username=name).exists()
