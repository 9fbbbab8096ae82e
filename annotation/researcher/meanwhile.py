"""What somebody else changed of a study's texts and rules while a page of it was open.

A page carries a digest of everything that its form showed. What was not touched stays as it is
stored by now, whoever set it. What two people changed differently is set by neither: the page says
what each of them wants, keeps what was typed, and takes it when it is saved once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from annotation.lifecycle.rubric import check_rules
from annotation.lifecycle.rule_changes import with_section
from annotation.models import Study
from annotation.rules import read_rules, rules_as_json

from .untouched import sent_back

SHOWN = "shown"
DIGEST_CHARACTERS = 16
NOTHING = "Nothing."


class StoredForm(forms.BaseForm):
    """A form over some of a study's columns and rules; valid where it is asked."""

    # The study's own columns that it sets, beside the rules.
    columns: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.columns}

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """These rules with what was entered."""
        raise NotImplementedError

    def in_words(self, place: str) -> dict[str, str]:
        """What the fields of a place say, by their labels."""
        return fields_in_words(self, self.fields_at(place))

    def fields_at(self, place: str) -> list[str]:
        """The fields of a place that have the same names on every page of the form."""
        raise NotImplementedError


# The form of a study as it is now, filled with it or with what was sent.
MakeForm = Callable[[Study, Mapping[str, Any] | None], Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """What two people changed differently, in words."""

    what: str
    theirs: str
    yours: str


class MovedMeanwhileError(Exception):
    """Somebody else changed what this form changes, too. Nothing is set then.

    Attributes
    ----------
    differences : list of Difference
    seen : dict of str to str
        The digest of what stands there now, for each place.
    untouched : dict of str to object
        What fields say by now that were not touched on the page; None of a box without a tick.
    """

    def __init__(
        self,
        differences: list[Difference],
        seen: Mapping[str, str],
        untouched: Mapping[str, Any] | None = None,
    ) -> None:
        number = len(differences)
        super().__init__(
            f"After you had opened the page, somebody else changed "
            f"{'something' if number == 1 else f'{number} things'} that you changed, too. Theirs "
            f"stand{'s' if number == 1 else ''} beside yours below; save again to keep yours."
        )
        self.differences = differences
        self.seen = seen
        self.untouched = untouched or {}


def digest_of(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARACTERS]


def as_field(said: Mapping[str, Any]) -> str:
    """What a page carries of what it shows."""
    return json.dumps({place: digest_of(value) for place, value in said.items()})


def seen_in(posted: Mapping[str, Any]) -> dict[str, str] | None:
    """What the page showed, by its digests; None where it does not say, as a script does."""
    try:
        seen = json.loads(posted.get(SHOWN, ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(seen, dict):
        return None
    return {place: str(digest) for place, digest in seen.items()}


def places_of(settings: Mapping[str, Any], rules: object) -> dict[str, Any]:
    """Columns by their names, and rules by section and name."""
    written = rules_as_json(read_rules(rules))
    return {
        **settings,
        **{
            f"{section}.{name}": value
            for section, values in written.items()
            for name, value in values.items()
        },
    }


def sides(
    mine: Mapping[str, Any], stored: Mapping[str, Any], seen: Mapping[str, str] | None
) -> tuple[list[str], list[str]]:
    """The places that stay as they are stored, and those that two people changed differently."""
    kept: list[str] = []
    moved: list[str] = []
    if seen is None:
        return kept, moved
    for place in dict.fromkeys([*mine, *stored]):
        yours, theirs = digest_of(mine.get(place)), digest_of(stored.get(place))
        # A place that is new, such as the demands of a category, was shown as nothing.
        shown = seen.get(place, digest_of(None))
        if yours == theirs:
            continue
        if yours == shown:
            kept.append(place)
        elif theirs != shown:
            moved.append(place)
    return kept, moved


def untouched(make: MakeForm, study: Study) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The form as the study fills it, sent back as it is; what columns and rules it says."""
    back = make(study, sent_back(make(study, None)))
    if back.is_valid():
        return back, back.settings(), back.changed_rules(study.rules)
    # Files state what the page does not take: as it is stored.
    columns = {name: getattr(study, name) for name in back.columns}
    return back, columns, dict(study.rules)


def shown_of(make: MakeForm, study: Study) -> str:
    """What a page carries that shows the form of a study."""
    _, *said = untouched(make, study)
    return as_field(places_of(*said))


def merged(
    form: StoredForm, make: MakeForm, study: Study, seen: Mapping[str, str] | None
) -> dict[str, Any]:
    """Settings, rules among them, of the locked study with what was changed on the page.

    Raises
    ------
    MovedMeanwhileError
        Somebody else changed the same otherwise, after the page had been opened.
    ValidationError
        With every fault of the rules as they would be.
    """
    settings, rules = form.settings(), form.changed_rules(study.rules)
    if seen is None:
        return {**settings, "rules": rules}
    check_rules(rules)
    back, *said = untouched(make, study)
    stored = places_of(*said)
    kept, moved = sides(places_of(settings, rules), stored, seen)
    if moved:
        differences = [entry for place in moved for entry in between(back, form, place)]
        fields = {place: form.fields_at(place) for place in kept}
        told = [*moved, *(place for place in kept if fields[place])]
        raise MovedMeanwhileError(
            differences,
            {place: digest_of(stored.get(place)) for place in told},
            {name: back.data.get(name) for names in fields.values() for name in names},
        )
    for place in kept:
        if place in settings:
            del settings[place]
        else:
            rules = with_stored(rules, study.rules, *place.split(".", 1))
    return {**settings, "rules": rules}


def with_stored(
    rules: Mapping[str, Any], stored: Mapping[str, Any], section: str, name: str
) -> dict[str, Any]:
    """The rules with one as it is stored, or left out as it is there."""
    values = {key: value for key, value in rules.get(section, {}).items() if key != name}
    if name in stored.get(section, {}):
        values[name] = stored[section][name]
    return with_section(rules, section, values)


def between(theirs: StoredForm, mine: StoredForm, place: str) -> list[Difference]:
    """Where two forms say something else of a place; all of it where words do not tell."""
    stored, typed = theirs.in_words(place), mine.in_words(place)
    labels = list(dict.fromkeys([*typed, *stored]))
    differing = [label for label in labels if stored.get(label) != typed.get(label)]
    return [
        Difference(label, stored.get(label) or NOTHING, typed.get(label) or NOTHING)
        for label in differing or labels
    ]


def seen_now(posted: Mapping[str, Any], moved: MovedMeanwhileError) -> str:
    """What the page carries once it has told of what was moved: saved again, it is taken."""
    return json.dumps({**(seen_in(posted) or {}), **moved.seen})


def tell_moved(
    form: forms.BaseForm, posted: QueryDict, moved: MovedMeanwhileError
) -> dict[str, Any]:
    """Refuse in a form what two people changed differently; what its page shows of that."""
    form.data = with_untouched(posted, moved.untouched)
    form.add_error(None, str(moved))
    return {"shown": seen_now(posted, moved), "moved": moved.differences}


def with_untouched(posted: QueryDict, untouched: Mapping[str, Any]) -> QueryDict:
    """What was typed, and in fields that were not touched what stands there now."""
    data = posted.copy()
    for name, value in untouched.items():
        data.pop(name, None)
        if value is not None:
            data[name] = str(value)
    return data


def field_in_words(field: forms.BoundField) -> str:
    """What a field says, as the page writes it."""
    value = field.value()
    if isinstance(field.field, forms.BooleanField):
        return "Yes" if value and value != "False" else "No"
    if isinstance(field.field, forms.ChoiceField):
        choices: Any = field.field.choices
        labels = {str(key): str(label) for key, label in choices}
        return labels.get(str(value), str(value))
    return "" if value is None else str(value)


def fields_in_words(form: forms.BaseForm, names: list[str]) -> dict[str, str]:
    return {str(form[name].label): field_in_words(form[name]) for name in names}
