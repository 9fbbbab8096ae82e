"""What a good row says. ``None`` means that the row does not state the value."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

Verdict = Literal["a", "b", "tie", "both_bad"]
ComparisonKind = Literal["work", "gold", "identical", "consistency", "training"]
Order = Literal["ab", "ba", "both"]
ShownSide = Literal["a", "b"]
Metadata = dict[str, object]

VERDICTS: tuple[Verdict, ...] = ("a", "b", "tie", "both_bad")
COMPARISON_KINDS: tuple[ComparisonKind, ...] = (
    "work",
    "gold",
    "identical",
    "consistency",
    "training",
)
ORDERS: tuple[Order, ...] = ("ab", "ba", "both")
SHOWN_SIDES: tuple[ShownSide, ...] = ("a", "b")
OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class PromptAttributes:
    """What a row says about its prompt: either ``text`` or ``messages``, or neither."""

    prompt_id: str
    text: str | None = None
    messages: list[dict[str, str]] | None = None
    reference: str | None = None
    category: str | None = None
    tags: list[str] | None = None
    weight: float | None = None
    checks: list[dict[str, object]] | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """What producing a response took. Times in milliseconds, cost in US dollars."""

    latency_ms: float | None = None
    ttft_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ResponseRow:
    prompt: PromptAttributes
    system: str
    text: str
    sample: int = 0
    measures: Measures = Measures()
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptRow:
    prompt: PromptAttributes
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two responses of a ready-made comparison."""

    system: str
    text: str
    measures: Measures = Measures()


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    item_id: str
    prompt: PromptAttributes
    a: Side
    b: Side
    kind: ComparisonKind = "work"
    # The accepted verdicts by criterion; `overall` is among them.
    gold: dict[str, list[Verdict]] | None = None
    explanation: str = ""
    overlap: int | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VoteRow:
    item_id: str
    annotator_id: str
    verdict: Verdict
    criterion: str = OVERALL
    margin: int | None = None
    seconds: float | None = None
    reason: str = ""
    left: ShownSide | None = None
    tags: list[str] = field(default_factory=list)
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgmentRow:
    """``verdict`` None: no verdict could be read out of what the judge wrote."""

    item_id: str
    judge_id: str
    order: Order
    verdict: Verdict | None
    confidence: float | None = None
    reason: str = ""
    inconsistent: bool | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    latency_ms: float | None = None
    metadata: Metadata = field(default_factory=dict)
