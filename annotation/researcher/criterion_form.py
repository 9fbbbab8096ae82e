"""One question of the rubric as a form: its words, its scale and its levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.text import slugify

from annotation.lifecycle.rubric import PARTS_OF_A_CRITERION, CriterionDraft
from annotation.lifecycle.study_file import LONGEST_KEY, LONGEST_QUESTION
from annotation.models import Criterion, Scale

from .frame import StudioForm
from .meanwhile import NOTHING, Difference
from .question_levels import Level, beyond, free_ids, numbered
from .untouched import sent_back

MOST_LEVELS = 7
LONGEST_LEVEL = 2_000
SCALES = (
    (Scale.TERNARY, "Left, tie, right"),
    (Scale.BINARY, "Left or right, no tie"),
    (Scale.FIVE, "Five steps, the middle one is a tie"),
    (Scale.SEVEN, "Seven steps, the middle one is a tie"),
)
SCALE_WORDS = dict(SCALES)


class CriterionForm(StudioForm):
    """One question, with up to seven levels of what a response can be like."""

    question = forms.CharField(
        label="Question",
        max_length=LONGEST_QUESTION,
        help_text="Asked of the pair: “Which answer would you rather send?”",
        error_messages={"required": "Say what annotators shall decide."},
    )
    key = forms.CharField(
        label="Short name (optional)",
        required=False,
        max_length=LONGEST_KEY,
        help_text="Stands in files and the report. Without one it is made from the question.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    scale = forms.ChoiceField(label="Scale", choices=SCALES, widget=forms.RadioSelect)
    both_bad = forms.BooleanField(
        label="Offer “both are bad” as an answer of its own",
        required=False,
        help_text="Two bad responses are no tie: the report tells them apart.",
    )
    required = forms.BooleanField(label="An answer is required", required=False)

    def __init__(
        self, *args: Any, drafts: Sequence[CriterionDraft], own: CriterionDraft | None, **kw: Any
    ) -> None:
        if own is not None:
            kw.setdefault("initial", initial_of(own))
        else:
            kw.setdefault("initial", {"scale": Scale.TERNARY, "required": False})
        super().__init__(*args, **kw)
        self.drafts, self.own = drafts, own
        self.is_overall = own is not None and own.key == Criterion.OVERALL
        if self.is_overall:
            # Every study has it, and always asks it.
            del self.fields["key"], self.fields["required"]
        for number in range(1, MOST_LEVELS + 1):
            # Which level it was that the page showed here; empty for a further one.
            self.fields[f"level_id_{number}"] = forms.CharField(
                required=False, strip=False, widget=forms.HiddenInput
            )
            self.fields[f"level_{number}"] = forms.CharField(
                label=f"Level {number}", required=False, max_length=LONGEST_LEVEL
            )
            self.fields[f"example_{number}"] = forms.CharField(
                label=f"Example of level {number}",
                required=False,
                max_length=LONGEST_LEVEL,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
            self.fields[f"reason_{number}"] = forms.CharField(
                label=f"Why the example is of level {number}",
                required=False,
                max_length=LONGEST_LEVEL,
            )

    def main_fields(self) -> list[forms.BoundField]:
        return [
            self[name]
            for name in ("question", "key", "scale", "both_bad", "required")
            if name in self.fields
        ]

    def level_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "identifier": self[f"level_id_{number}"],
                "level": self[f"level_{number}"],
                "example": self[f"example_{number}"],
                "reason": self[f"reason_{number}"],
            }
            for number in range(1, MOST_LEVELS + 1)
        ]

    def clean(self) -> dict[str, Any]:
        super().clean()
        for number in range(1, MOST_LEVELS + 1):
            level, example, reason = (
                self.cleaned_data.get(f"{name}_{number}") for name in ("level", "example", "reason")
            )
            if example and not level:
                self.add_error(f"level_{number}", "An example needs the level that it is of.")
            if reason and not example:
                self.add_error(f"example_{number}", "A reason needs the example that it is of.")
        if not self.is_overall:
            key = self.cleaned_data.get("key") or ""
            if self.own is not None and (self.fields["key"].disabled or key == self.own.key):
                # Keys that came from a file or the API may be written otherwise, and stay.
                key = self.own.key
            else:
                key = slugify(key).replace("-", "_") or self.free_key()
            others = {draft.key for draft in self.drafts if draft is not self.own}
            if key in others:
                self.add_error("key", f"There is a criterion “{key}” already.")
            self.cleaned_data["key"] = key
        return self.cleaned_data

    def free_key(self) -> str:
        words = slugify(self.cleaned_data.get("question") or "").replace("-", "_")
        stem = words[: LONGEST_KEY - 4].strip("_") or "criterion"
        taken = {draft.key for draft in self.drafts if draft is not self.own}
        number, key = 1, stem
        while key in taken:
            number += 1
            key = f"{stem}_{number}"
        return key

    def levels_before(self, shown: Sequence[Mapping[str, Any]] | None = None) -> list[Level]:
        """The levels that the page was shown with where they are known, else those of now."""
        return numbered(() if self.own is None else self.own.levels if shown is None else shown)

    def ids_shown(self, shown: Sequence[Mapping[str, Any]] | None = None) -> list[str]:
        """The id of the level that each row showed, empty of none; by place where none is sent."""
        names = [f"level_id_{number}" for number in range(1, MOST_LEVELS + 1)]
        if self.own is not None and any(self.add_prefix(name) in self.data for name in names):
            return [self.cleaned_data[name] for name in names]
        ids = [level["id"] for level in self.levels_before(shown)[:MOST_LEVELS]]
        return ids + [""] * (MOST_LEVELS - len(ids))

    def draft(self, shown: Sequence[Mapping[str, Any]] | None = None) -> CriterionDraft:
        """The criterion as it was typed; levels keep the ids that they were shown with.

        Parameters
        ----------
        shown
            The levels that the page was shown with, where they are known.
        """
        data = self.cleaned_data
        ids = self.ids_shown(shown)
        # The form has no room for more of them: those of files and the API stay as they are.
        more = beyond(self.levels_before(shown), ids, MOST_LEVELS)
        free = free_ids({*ids, *(level["id"] for level in more)})
        levels: list[Level] = []
        for number, identifier in enumerate(ids, start=1):
            if not data[f"level_{number}"]:
                continue
            entry = {"id": identifier or next(free), "description": data[f"level_{number}"]}
            for name in ("example", "reason"):
                if data[f"{name}_{number}"]:
                    entry[name] = data[f"{name}_{number}"]
            levels.append(entry)
        levels.extend(more)
        return CriterionDraft(
            key=Criterion.OVERALL if self.is_overall else data["key"],
            question=data["question"],
            scale=data["scale"],
            both_bad=data["both_bad"],
            required=True if self.is_overall else data["required"],
            levels=tuple(levels),
        )


def initial_of(draft: CriterionDraft) -> dict[str, Any]:
    found: dict[str, Any] = {
        "question": draft.question,
        "key": draft.key,
        "scale": draft.scale,
        "both_bad": draft.both_bad,
        "required": draft.required,
    }
    for number, entry in enumerate(numbered(draft.levels)[:MOST_LEVELS], start=1):
        found[f"level_id_{number}"] = entry["id"]
        found[f"level_{number}"] = entry.get("description", "")
        found[f"example_{number}"] = entry.get("example", "")
        found[f"reason_{number}"] = entry.get("reason", "")
    return found


LABELS = {
    "question": "Question",
    "key": "Short name",
    "scale": "Scale",
    "both_bad": "“Both are bad” as an answer of its own",
    "required": "An answer is required",
    "levels": "Levels",
}


def said_of(draft: CriterionDraft) -> dict[str, Any]:
    """What a question says, by the names of its parts, as JSON has it."""
    return {name: plain(getattr(draft, name)) for name in ("key", *PARTS_OF_A_CRITERION)}


def plain(value: Any) -> Any:
    """As JSON has it: levels are lists there, and a scale is its word."""
    if isinstance(value, (list, tuple)):
        return [dict(level) for level in value]
    return str(value) if isinstance(value, str) else value


def sent_back_of(draft: CriterionDraft) -> CriterionDraft:
    """A question as the page gives it back where nobody touches it."""
    back = CriterionForm(sent_back(CriterionForm(drafts=(), own=draft)), drafts=(), own=draft)
    # Files state what the page does not take: as it is stored.
    return back.draft() if back.is_valid() else draft


def part_in_words(name: str, value: Any) -> str:
    """A part of a question as the page writes it."""
    if name == "levels":
        return "\n".join(level_in_words(number, level) for number, level in enumerate(value, 1))
    if name == "scale":
        return SCALE_WORDS[Scale(value)]
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def difference_in(name: str, theirs: Any, mine: Any) -> Difference:
    """A part of a question that two people want otherwise."""
    return Difference(
        LABELS[name],
        part_in_words(name, theirs) or NOTHING,
        part_in_words(name, mine) or NOTHING,
    )


def level_in_words(number: int, level: Mapping[str, Any]) -> str:
    said = f"{number}. {level.get('description', '')}"
    if level.get("example"):
        said += f" Example: {level['example']}"
    if level.get("reason"):
        said += f" Why: {level['reason']}"
    return said
