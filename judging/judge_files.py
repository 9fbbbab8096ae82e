"""A judge, or a panel of them, in one TOML file, read with every fault at once.

name = "careful"
instructions = ["assessor", "reader"]      # several: one judge for each, to be averaged
rubric = "study"                           # the study's own criteria, or a ready-made one

[endpoint]
name = "main"
base_url = "https://api.example.com/v1"
key_variable = "MAIN"
requests_per_minute = 500

[[models]]
name = "model-one"
max_tokens = 1500
temperature = 0
price = { input = 2.5, cached_input = 1.25, output = 10 }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.lifecycle.study_file import TextError, read_text
from annotation.storable import is_storable
from judging import presets
from judging.budget import PriceError, read_price

MOST_MEMBERS = 20
MOST_TOKENS = 100_000
DEFAULT_TOKENS = 1_500
LONGEST_NAME = 120
LONGEST_INSTRUCTION = 20_000
STUDY_RUBRIC = "study"

# What a request may carry beside model, messages and the form of the answer.
PARAMETERS: dict[str, tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "presence_penalty": (int, float),
    "frequency_penalty": (int, float),
    "seed": (int,),
    "reasoning_effort": (str,),
}
TOKENS_FIELDS = ("max_tokens", "max_completion_tokens")
MODEL_KEYS = {"name", "max_tokens", "tokens_field", "price", *PARAMETERS}
ENDPOINT_KEYS = {
    "name",
    "base_url",
    "key_variable",
    "requests_per_minute",
    "tokens_per_minute",
}
TOP_KEYS = {"name", "instructions", "rubric", "endpoint", "models"}


class JudgeFileError(ValueError):
    """The file cannot be followed; `faults` are sentences that name each place."""

    def __init__(self, place: str, faults: list[str]) -> None:
        self.faults = faults
        super().__init__(
            "\n".join([*(f"{place}: {fault}" for fault in faults), "Nothing was changed."])
        )


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """A model and how it is asked."""

    name: str
    max_tokens: int = DEFAULT_TOKENS
    tokens_field: str = "max_tokens"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    price: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """A ready-made instruction by its name, or one of the file's own."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgeDraft:
    """What a file states: each instruction with each model is a judge."""

    name: str
    endpoint: Mapping[str, Any]
    instructions: tuple[Instruction, ...]
    models: tuple[ModelDraft, ...]
    rubric: str = STUDY_RUBRIC

    def members(self) -> list[tuple[str, Instruction, ModelDraft]]:
        """The judges, each with its name: the file's own where there is only one."""
        pairs = [(i, m) for m in self.models for i in self.instructions]
        if len(pairs) == 1:
            return [(self.name, *pairs[0])]
        return [(f"{self.name}/{m.name}/{i.name}", i, m) for i, m in pairs]


def read_judge_file(path: Path) -> JudgeDraft:
    """Read a file.

    Raises
    ------
    JudgeFileError
    """
    try:
        raw = tomllib.loads(read_text(path))
    except (TextError, tomllib.TOMLDecodeError) as fault:
        raise JudgeFileError(str(path), [f"{fault}."]) from None
    except (RecursionError, ValueError):
        raise JudgeFileError(str(path), ["It is nested too deeply, or holds no number."]) from None
    return read_draft(raw, str(path))


def read_draft(raw: Mapping[str, Any], place: str) -> JudgeDraft:
    """Read what a file, or a form, states.

    Raises
    ------
    JudgeFileError
    """
    faults: list[str] = []
    for key in sorted(set(raw) - TOP_KEYS):
        faults.append(f"{key} is unknown; known are {', '.join(sorted(TOP_KEYS))}.")
    name = raw.get("name")
    if not _is_text(name, LONGEST_NAME):
        faults.append(f"name must be a text of 1 to {LONGEST_NAME} characters.")
    rubric = raw.get("rubric", STUDY_RUBRIC)
    known = [STUDY_RUBRIC, *presets.rubric_names()]
    if rubric not in known:
        faults.append(f"rubric must be one of {', '.join(known)}; {rubric!r} is not.")
    instructions = _instructions(raw.get("instructions", ["assessor"]), faults)
    endpoint = raw.get("endpoint")
    if not isinstance(endpoint, dict):
        faults.append("[endpoint] is missing: give it a name and a base_url.")
        endpoint = {}
    else:
        _check_endpoint(endpoint, faults)
    models = _models(raw.get("models"), faults)
    if len(models) * len(instructions) > MOST_MEMBERS:
        faults.append(f"More than {MOST_MEMBERS} judges in one file: use several files.")
    if len({model.name for model in models}) < len(models):
        faults.append("Two [[models]] have one name.")
    if len({one.name for one in instructions}) < len(instructions):
        faults.append("Two instructions have one name.")
    if faults:
        raise JudgeFileError(place, faults)
    return JudgeDraft(str(name), endpoint, tuple(instructions), tuple(models), str(rubric))


def _is_text(value: object, longest: int) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= len(value) <= longest
        and is_storable(value)
    )


def _instructions(raw: object, faults: list[str]) -> list[Instruction]:
    found = []
    for entry in raw if isinstance(raw, list) and raw else [raw]:
        if isinstance(entry, str) and entry in presets.INSTRUCTIONS:
            found.append(Instruction(entry, presets.INSTRUCTIONS[entry]))
        elif (
            isinstance(entry, dict)
            and set(entry) == {"name", "text"}
            and _is_text(entry["name"], LONGEST_NAME)
            and _is_text(entry["text"], LONGEST_INSTRUCTION)
        ):
            found.append(Instruction(entry["name"], entry["text"].strip()))
        else:
            faults.append(
                "instructions is a list of names ("
                + ", ".join(presets.INSTRUCTIONS)
                + ') or of { name = "…", text = "…" }.'
            )
            break
    return found


def _check_endpoint(raw: Mapping[str, Any], faults: list[str]) -> None:
    for key in sorted(set(raw) - ENDPOINT_KEYS):
        hint = " A key is never written into a file." if "key" in key else ""
        faults.append(
            f"endpoint.{key} is unknown; known are {', '.join(sorted(ENDPOINT_KEYS))}.{hint}"
        )
    for key in ("name", "base_url", "key_variable"):
        if (key != "key_variable" or key in raw) and not isinstance(raw.get(key), str):
            faults.append(f"endpoint.{key} must be a text.")
    for key in ("requests_per_minute", "tokens_per_minute"):
        if key in raw and (not isinstance(raw[key], int) or isinstance(raw[key], bool)):
            faults.append(f"endpoint.{key} must be a whole number.")


def _models(raw: object, faults: list[str]) -> list[ModelDraft]:
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        faults.append("[[models]] is missing: name at least one model.")
        return []
    return [
        model
        for number, one in enumerate(raw, 1)
        if (model := _model(one, f"models[{number}]", faults)) is not None
    ]


def _model(raw: Mapping[str, Any], place: str, faults: list[str]) -> ModelDraft | None:
    before = len(faults)
    for key in sorted(set(raw) - MODEL_KEYS):
        faults.append(f"{place}.{key} is unknown; known are {', '.join(sorted(MODEL_KEYS))}.")
    if not _is_text(raw.get("name"), LONGEST_NAME):
        faults.append(f"{place}.name must be a text of 1 to {LONGEST_NAME} characters.")
    tokens = raw.get("max_tokens", DEFAULT_TOKENS)
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MOST_TOKENS:
        faults.append(f"{place}.max_tokens must be a whole number from 1 to {MOST_TOKENS:,}.")
    if raw.get("tokens_field", "max_tokens") not in TOKENS_FIELDS:
        faults.append(f"{place}.tokens_field must be one of {', '.join(TOKENS_FIELDS)}.")
    for key, kinds in PARAMETERS.items():
        if key in raw and (not isinstance(raw[key], kinds) or isinstance(raw[key], bool)):
            faults.append(f"{place}.{key} has a value of another kind: {raw[key]!r}.")
    price = raw.get("price")
    card = None
    if price is not None and not isinstance(price, dict):
        faults.append(f"{place}.price must be a table with input and output.")
    elif isinstance(price, dict):
        try:
            read = read_price(price)
        except PriceError as fault:
            faults.append(f"{place}: {fault}")
        else:
            if read is not None:
                card = {
                    "input": str(read.input),
                    "cached_input": str(read.cached_input),
                    "output": str(read.output),
                }
    if len(faults) > before:
        return None
    return ModelDraft(
        name=raw["name"],
        max_tokens=tokens,
        tokens_field=raw.get("tokens_field", "max_tokens"),
        parameters={key: raw[key] for key in PARAMETERS if key in raw},
        price=card,
    )
