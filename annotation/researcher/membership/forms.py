"""What is typed on the pages about people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from annotation.accounts.forms import PlainForm
from annotation.lifecycle.rule_changes import with_section
from annotation.models import LONGEST_TEAM, Role
from annotation.page_rules import Crowd, read_code, read_parameter, read_return_url
from annotation.people import BadListError, Invitee, read_list
from annotation.people.crowd import CROWD_LIFETIME, MOST_DAYS, MOST_PEOPLE
from annotation.people.invitations import MAX_INVITATIONS
from annotation.people.leaving import LONGEST_REASON
from annotation.people.lists import MOST_CHARACTERS
from annotation.profile_rules import MOST_QUESTIONS
from annotation.researcher.meanwhile import StoredForm

# Generic for the type checker only.
if TYPE_CHECKING:
    AnyUploadedFile = UploadedFile[Any]
else:
    AnyUploadedFile = UploadedFile

BY_EMAIL, BY_LINK = "email", "link"


def role_choices(roles: frozenset[Role]) -> list[tuple[str, str]]:
    """Annotators first: they are most of those invited."""
    ordered = sorted(roles, key=lambda role: (role != Role.ANNOTATOR, list(Role).index(role)))
    return [(role.value, str(role.label)) for role in ordered]


class InviteForm(PlainForm):
    """A pasted list or a file, and how the people get their links."""

    people = forms.CharField(
        label="Who",
        required=False,
        max_length=MOST_CHARACTERS,
        help_text=(
            "One person in each line: an e-mail address, or name, e-mail, role and team with "
            "commas between them. A first line may name the columns."
        ),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "code"}),
    )
    file = forms.FileField(
        label="Or a CSV file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )
    role = forms.ChoiceField(label="Role of rows that name none")
    team = forms.CharField(
        label="Team of rows that name none", required=False, max_length=LONGEST_TEAM
    )
    how = forms.ChoiceField(
        label="How they get their link",
        choices=[
            (BY_EMAIL, "Send each of them an e-mail"),
            (BY_LINK, "Show me the links, and I pass them on"),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, roles: frozenset[Role], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["role"]).choices = role_choices(roles)
        # Without a mail server nothing that is sent arrives.
        self.fields["how"].initial = BY_EMAIL if settings.EMAIL_HOST else BY_LINK
        self.problems: tuple[str, ...] = ()
        self.invitees: list[Invitee] = []

    @property
    def by_email(self) -> bool:
        return bool(self.cleaned_data["how"] == BY_EMAIL)

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        file = self.cleaned_data.get("file")
        text = self.cleaned_data.get("people", "")
        if file and text.strip():
            raise ValidationError("Paste a list or choose a file, not both.")
        try:
            self.invitees = read_list(
                text_of(file) if file else text,
                role=Role(self.cleaned_data["role"]),
                team=self.cleaned_data["team"],
                needs_email=self.by_email,
            )
        except BadListError as bad:
            self.refuse(bad)
        return self.cleaned_data

    def refuse(self, bad: BadListError) -> None:
        """Every bad row is listed on top, with its line."""
        self.problems = tuple(str(problem) for problem in bad.problems)
        count = len(self.problems)
        self.add_error(
            None, f"{count} row{'' if count == 1 else 's'} cannot be used. Nobody was invited."
        )


def text_of(file: AnyUploadedFile) -> str:
    if (file.size or 0) > MOST_CHARACTERS:
        raise ValidationError(f"The file is larger than {MOST_CHARACTERS // 1000} kB.")
    try:
        content: bytes = file.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ValidationError(
            f"The file is no UTF-8 from byte {fault.start + 1} on. Save it as CSV UTF-8."
        ) from None


class LinksForm(PlainForm):
    """Links for people who are not named here."""

    role = forms.ChoiceField(label="Role")
    count = forms.IntegerField(
        label="How many links", min_value=1, max_value=MAX_INVITATIONS, initial=1
    )

    def __init__(self, roles: frozenset[Role], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["role"]).choices = role_choices(roles)


class CrowdLinkForm(PlainForm):
    most_people = forms.IntegerField(
        label="How many people it lets in", min_value=1, max_value=MOST_PEOPLE, initial=20
    )
    days = forms.IntegerField(
        label="For how many days", min_value=1, max_value=MOST_DAYS, initial=CROWD_LIFETIME.days
    )


# Reader, label and help of each field of `Crowd`, in the order of the page.
CROWD_FIELDS: tuple[tuple[str, Any, str, str], ...] = (
    ("participant", read_parameter, "Parameter that names the participant", ""),
    ("study", read_parameter, "Parameter that names the platform's study", ""),
    ("session", read_parameter, "Parameter that names the submission", ""),
    ("completed_code", read_code, "Code for whoever is finished", ""),
    ("no_work_code", read_code, "Code for whoever finds no work left", ""),
    ("screened_out_code", read_code, "Code for whoever does not qualify", ""),
    (
        "return_url",
        read_return_url,
        "Address to go back to",
        "Begins with https://; {code} in it stands for the code. Empty shows the code alone.",
    ),
)


class ReasonForm(PlainForm):
    """A change of the rules, with the reason that an opened study asks for."""

    def __init__(self, *args: Any, needs_reason: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if needs_reason:
            self.fields["reason"] = forms.CharField(
                label="Why it is changed",
                help_text="The study was opened: this makes a new version, and the reason is kept.",
                max_length=LONGEST_REASON,
            )

    @property
    def reason(self) -> str:
        return str(self.cleaned_data.get("reason", ""))


class SectionForm(StoredForm, ReasonForm):
    """A form over one section of the rules, all of it."""

    name = ""

    def section(self) -> Mapping[str, object]:
        """What differs from the defaults, as rules are stored."""
        raise NotImplementedError

    def fields_at(self, place: str) -> list[str]:
        name = place.removeprefix(f"{self.name}.")
        return [name] if name in self.fields else []

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        return with_section(before, self.name, self.section())


class CrowdForm(SectionForm):
    """Parameters and codes of a recruitment platform."""

    name = "crowd"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = self.fields.pop("reason", None)
        for name, _, label, help_text in CROWD_FIELDS:
            self.fields[name] = forms.CharField(
                label=label,
                help_text=help_text,
                required=name in ("participant", "study", "session"),
            )
        if last is not None:
            self.fields["reason"] = last

    def clean(self) -> dict[str, Any]:
        for name, read, *_ in CROWD_FIELDS:
            if name in self.cleaned_data:
                faults: list[str] = []
                read(str(self.fields[name].label), self.cleaned_data[name], faults)
                for fault in faults:
                    self.add_error(name, fault)
        return self.cleaned_data

    def section(self) -> dict[str, str]:
        plain = Crowd()
        return {
            name: self.cleaned_data[name]
            for name, *_ in CROWD_FIELDS
            if self.cleaned_data[name] != getattr(plain, name)
        }


class QuestionsForm(SectionForm):
    """Up to five questions, each with its options, one in a line."""

    name = "profile"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = self.fields.pop("reason", None)
        for number in range(1, MOST_QUESTIONS + 1):
            self.fields[f"text_{number}"] = forms.CharField(
                label=f"Question {number}", required=False
            )
            self.fields[f"options_{number}"] = forms.CharField(
                label="Options, one in each line",
                required=False,
                widget=forms.Textarea(attrs={"rows": 3}),
            )
            self.fields[f"key_{number}"] = forms.CharField(
                label="Short name in rules and files",
                help_text="Small letters, digits and _. Left empty, it is made of the question.",
                required=False,
            )
        if last is not None:
            self.fields["reason"] = last

    def rows(self) -> list[tuple[int, forms.BoundField, forms.BoundField, forms.BoundField]]:
        return [
            (number, self[f"text_{number}"], self[f"options_{number}"], self[f"key_{number}"])
            for number in range(1, MOST_QUESTIONS + 1)
        ]

    def in_words(self, place: str) -> dict[str, str]:
        return {
            f"Question {number}": "\n".join(
                [entry["text"], *entry["options"], f"Short name: {entry['key']}"]
            )
            for number, entry in enumerate(self.section().get("questions", []), 1)
        }

    def section(self) -> dict[str, list[dict[str, Any]]]:
        """As rules are stored; what is wrong with it they say themselves."""
        questions: list[dict[str, Any]] = []
        for number in range(1, MOST_QUESTIONS + 1):
            text = self.cleaned_data[f"text_{number}"]
            options = [
                line.strip()
                for line in self.cleaned_data[f"options_{number}"].splitlines()
                if line.strip()
            ]
            if text or options:
                key = self.cleaned_data[f"key_{number}"] or key_of(text)
                questions.append({"key": key, "text": text, "options": options})
        return {"questions": questions} if questions else {}


def key_of(text: str) -> str:
    """A short name made of the question's words.

    Examples
    --------
    >>> key_of("What is your field?")
    'what_is_your_field'
    """
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_0123456789")
    return words[:32].strip("_")
