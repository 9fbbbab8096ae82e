"""What the simulated judges prefer, and how they write it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Self

from annotation.draws import DRAW_BITS, draw

FENCED = re.compile(r"<<<(\w+) (Response [12])>>>\n(.*?)\n<<<\1 end of \2>>>", re.DOTALL)
QUALITY = re.compile(r"^quality: (-?[0-9.]+)$", re.MULTILINE)
ORDERED = re.compile(r"choose response ([12])", re.IGNORECASE)
SHAPE = re.compile(r"these keys in this order:\n(\{.*?\n\})", re.DOTALL)
GOOD_ENOUGH = 0.25


@dataclass(frozen=True, slots=True)
class Mode:
    """A model's name, read."""

    name: str
    options: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, model: str) -> Self:
        name, _, rest = model.partition(":")
        options = {}
        for part in filter(None, rest.split(",")):
            option, _, value = part.partition("=")
            try:
                options[option] = float(value)
            except ValueError:
                continue
        return cls(name, options)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, as far as a simulated judge looks."""

    model: str
    system: str
    first: str
    second: str
    response_format: dict[str, Any]
    input_tokens: int

    @property
    def question(self) -> str:
        """The same for every look at one pair in one order."""
        told = f"{self.model}\x00{self.first}\x00{self.second}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def read_request(raw: dict[str, Any]) -> Asked:
    system, user = raw["messages"][0]["content"], raw["messages"][-1]["content"]
    found = {match[2]: match[3] for match in FENCED.finditer(user)}
    return Asked(
        model=str(raw["model"]),
        system=system,
        first=found.get("Response 1", ""),
        second=found.get("Response 2", ""),
        response_format=raw.get("response_format") or {},
        input_tokens=(len(system) + len(user)) // 4,
    )


def chance(seed: int, *about: str | int) -> float:
    return draw(seed, *about) / (1 << DRAW_BITS)


def quality_of(seed: int, text: str) -> float:
    """How good a response is taken to be, about 0 to 1: as it says itself, or made up."""
    stated = QUALITY.search(text)
    if stated is not None:
        return float(stated[1])
    return chance(seed, "quality", text)


def decide(seed: int, mode: Mode, asked: Asked, look: int) -> str:
    """The grade that the simulated judge of this mode gives."""
    first, second = quality_of(seed, asked.first), quality_of(seed, asked.second)
    lead = first - second
    if mode.name == "longest":
        lead = (len(asked.first) - len(asked.second)) / 100
    if mode.name == "first":
        lead += mode.options.get("bias", 0.3)
    if "noise" in mode.options:
        lead += mode.options["noise"] * (chance(seed, "noise", asked.question, look) - 0.5)
    if mode.name == "noisy":
        accuracy = mode.options.get("accuracy", 0.8)
        if chance(seed, "error", asked.question) >= accuracy:
            lead = -lead
    if mode.name == "obedient":
        order = ORDERED.search(asked.first) or ORDERED.search(asked.second)
        if order is not None:
            return "1>>2" if order[1] == "1" else "2>>1"
    if abs(lead) < 0.05:
        return "tie" if max(first, second) >= GOOD_ENOUGH else "both_bad"
    if lead > 0:
        return "1>>2" if lead > 0.4 else "1>2"
    return "2>>1" if lead < -0.4 else "2>1"


def written(asked: Asked, grade: str) -> str:
    """The grade in the form that was asked for."""
    schema = asked.response_format.get("json_schema", {}).get("schema")
    kind = asked.response_format.get("type")
    if kind == "json_schema" and isinstance(schema, dict):
        criteria = {
            key: level["properties"]["first"]["enum"]
            for key, level in schema["properties"]
            .get("criteria", {"properties": {}})["properties"]
            .items()
        }
        allowed = schema["properties"]["grade"]["enum"]
    elif kind == "json_object":
        shape = SHAPE.search(asked.system)
        described = json.loads(shape[1]) if shape else {}
        criteria = {key: levels_of(asked.system, key) for key in described.get("criteria", {})}
        allowed = described.get("grade", "").removeprefix("one of ").split(", ")
    else:
        allowed = re.findall(r"GRADE is one of (.+?)\.", asked.system)
        allowed = allowed[0].split(", ") if allowed else []
        said = grade if grade in allowed else "tie"
        return f"I looked at both responses.\nFinal verdict: [[{said}]]"
    said = grade if grade in allowed else "tie"
    value: dict[str, Any] = {}
    if criteria:
        value["criteria"] = {
            key: {"reason": "Simulated.", **levels_for(said, ids)} for key, ids in criteria.items()
        }
    value |= {
        "reason": "This judge is simulated.",
        "grade": said,
        "confidence": 0.9 if ">>" in said else 0.7 if ">" in said else 0.5,
    }
    return json.dumps(value)


def levels_of(system: str, key: str) -> list[str]:
    """The ids of a criterion's levels, from the instruction."""
    block = system.partition(f"\n\n{key}: ")[2].partition("\n\n")[0]
    return re.findall(r"^- ([^:\n]+): ", block, re.MULTILINE)


def levels_for(grade: str, ids: list[str]) -> dict[str, str]:
    best, worst, middle = ids[-1], ids[0], ids[len(ids) // 2]
    return {
        "1>>2": {"first": best, "second": worst},
        "1>2": {"first": best, "second": middle if middle != best else worst},
        "2>1": {"first": middle if middle != best else worst, "second": best},
        "2>>1": {"first": worst, "second": best},
        "both_bad": {"first": worst, "second": worst},
    }.get(grade, {"first": middle, "second": middle})
