"""What is asked on the way of files into a draft: what they are, their columns, what is stored."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.importing import uploads
from annotation.importing.formats.columns import MAY_BE_FIXED, OPTIONAL
from annotation.importing.formats.limits import MAX_FILE_BYTES, MAX_ROWS, MIB
from annotation.importing.naming import NamingPolicy
from annotation.importing.receiving import MOST_UPLOAD_BYTES
from annotation.importing.uploads import PLANS
from annotation.models import ImportKind, Upload

from .frame import StudioForm

LONGEST_FIXED = 255

KINDS = (
    (ImportKind.RESPONSES, "Responses: one row for each response of a system to a prompt"),
    (ImportKind.COMPARISONS, "Comparisons: one row for each ready-made pair, with both responses"),
    (ImportKind.PROMPTS, "Prompts: reference answers, categories and other attributes of prompts"),
)
NAMING_CHOICES = (
    (NamingPolicy.FLAG, "Store them as they are; the list says where they are"),
    (NamingPolicy.MASK, "Replace the names that are ticked by “[name]”"),
    (NamingPolicy.EXCLUDE, "Leave out the rows that have a ticked name"),
)
BAD_ROWS_CHOICES = (
    ("all", "All or nothing: correct the file and upload it again"),
    ("skip", "Skip the bad rows and store the others"),
)


class MultipleFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class UploadForm(StudioForm):
    """What is uploaded; the files themselves are read by the view."""

    kind = forms.ChoiceField(
        label="What is in the files?",
        choices=KINDS,
        initial=ImportKind.RESPONSES,
        widget=forms.RadioSelect,
    )
    chosen = forms.Field(
        label="Files",
        required=False,
        help_text=f"JSONL, a JSON list or CSV, also packed as .gz; up to {uploads.MOST_FILES} "
        f"files of {MAX_FILE_BYTES // MIB} MiB and {MAX_ROWS:,} rows each, and together "
        f"{MOST_UPLOAD_BYTES // MIB:,} MiB. Nothing is stored before you "
        "have seen what is in them.",
        widget=MultipleFiles(
            attrs={"accept": ".jsonl,.json,.csv,.tsv,.gz", "data-most-bytes": MOST_UPLOAD_BYTES}
        ),
    )


class ColumnsForm(StudioForm):
    """Which column of the files is which of ours; columns nobody names are kept as metadata."""

    def __init__(self, made: Upload, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made = made
        self.columns = uploads.columns_of(made.files)
        self.groups = PLANS[made.kind].form.columns
        chosen = {ours: theirs for theirs, ours in made.choices.get("names", {}).items()}
        fixed = made.choices.get("fixed", {})
        needed = list(self.groups)
        offered = [(group[0], group, True) for group in needed] + [
            (name, (name,), False)
            for name in OPTIONAL[made.kind]
            if not any(name in group for group in needed)
        ]
        self.sources: list[tuple[str, bool]] = []
        for name, group, is_needed in offered:
            own = next((column for column in group if column in self.columns), "")
            # A column that has one of our names already needs no other.
            choices = [("", "–" if is_needed else "not in the files")]
            choices += [(column, column) for column in self.columns]
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=name,
                choices=choices,
                required=False,
                initial=chosen.get(name, own),
            )
            if name in MAY_BE_FIXED and not own:
                self.fields[f"fixed_{name}"] = forms.CharField(
                    label=f"or one text for all rows: {name}",
                    required=False,
                    max_length=LONGEST_FIXED,
                    initial=fixed.get(name, ""),
                )
            self.sources.append((name, is_needed))

    def rows(self) -> list[dict[str, Any]]:
        """For the template: each column of ours with its fields."""
        return [
            {
                "name": name,
                "is_needed": is_needed,
                "column": self[f"column_{name}"],
                "fixed": self[f"fixed_{name}"] if f"fixed_{name}" in self.fields else None,
            }
            for name, is_needed in self.sources
        ]

    def names(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, _ in self.sources:
            column = self.cleaned_data[f"column_{name}"]
            if column and column != name and not self._is_alias(name, column):
                found[column] = name
        return found

    def _is_alias(self, name: str, column: str) -> bool:
        return any(name == group[0] and column in group for group in self.groups)

    def fixed(self) -> dict[str, str]:
        return {
            name: text
            for name, _ in self.sources
            if (text := self.cleaned_data.get(f"fixed_{name}", "").strip())
            and not self.cleaned_data[f"column_{name}"]
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        chosen = [value for key, value in self.cleaned_data.items() if key.startswith("column_")]
        for column in sorted({value for value in chosen if value and chosen.count(value) > 1}):
            self.add_error(None, f"“{column}” is chosen twice; each column is one thing.")
        return self.cleaned_data


class StoreForm(StudioForm):
    """What is done with bad rows and with names, before anything is written."""

    bad_rows = forms.ChoiceField(
        label="What shall be done about the bad rows?",
        choices=BAD_ROWS_CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what shall be done about the bad rows."},
    )
    naming = forms.ChoiceField(
        label="What shall be done about responses that name a system or its maker?",
        choices=NAMING_CHOICES,
        initial=NamingPolicy.FLAG,
        widget=forms.RadioSelect,
    )
    chosen_names = forms.MultipleChoiceField(
        label="Names",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A name can be innocent, such as a painter’s: leave it unticked then.",
    )

    def __init__(self, made: Upload, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names: dict[str, int] = made.found.get("names", {})
        field = self.fields["chosen_names"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  # declared above
        field.choices = [(name, f"{name} ({count:,})") for name, count in names.items()]
        field.initial = list(names)
        if not names:
            del self.fields["naming"], self.fields["chosen_names"]
        if not made.found.get("bad"):
            del self.fields["bad_rows"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("bad_rows") == "all":
            self.add_error(
                "bad_rows", "Nothing is stored then: correct the file, or skip the rows."
            )
        policy = self.cleaned_data.get("naming")
        if policy in (NamingPolicy.MASK, NamingPolicy.EXCLUDE) and not self.cleaned_data.get(
            "chosen_names"
        ):
            self.add_error("chosen_names", "Tick a name, or store the responses as they are.")
        return self.cleaned_data
