"""A judge version's configuration and a comparison's texts, as what is sent. No writing here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from annotation.models import Comparison
from judging.budget import Price, read_price, worst_case
from judging.models import JudgeVersion
from judging.prompts import (
    Message,
    Pair,
    Rubric,
    build_messages,
    instruction,
    likely_tokens,
    response_format,
    rubric_from,
    size_of,
    worst_case_of_sizes,
)

TEXTS = ("prompt", "response_a", "response_b")


def pair_of(comparison: Comparison, *, with_reference: bool) -> Pair:
    """The texts of a comparison that people see, and nothing else. They must be loaded."""
    prompt = comparison.prompt
    return Pair(
        prompt=prompt.text if prompt.messages is None else prompt.messages,
        response_a=comparison.response_a.text,
        response_b=comparison.response_b.text,
        reference=prompt.reference if with_reference else "",
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """A judge version, ready to ask."""

    model: str
    instruction: str
    rubric: Rubric
    parameters: Mapping[str, Any]
    max_tokens: int
    tokens_field: str
    price: Price | None
    with_reference: bool
    version_hash: str

    @classmethod
    def of(cls, version: JudgeVersion) -> Asking:
        config = version.config
        return cls(
            model=config["model"],
            instruction=config["instruction"]["text"],
            rubric=rubric_from(config["rubric"]),
            parameters=config["parameters"],
            max_tokens=config["max_tokens"],
            tokens_field=config["tokens_field"],
            price=read_price(config["price"]),
            with_reference=config["with_reference"],
            version_hash=version.content_hash,
        )

    def pair_of(self, comparison: Comparison) -> Pair:
        """The texts that people see, and nothing else. Its texts must be loaded."""
        return pair_of(comparison, with_reference=self.with_reference)

    def messages(self, pair: Pair, order: str, rung: str) -> list[Message]:
        """What is sent, with a word that is drawn anew for each request."""
        return build_messages(
            self.instruction, self.rubric, pair, order, secrets.token_hex(8), rung
        )

    def payload(self, messages: list[Message], rung: str) -> dict[str, Any]:
        wanted = response_format(self.rubric, rung)
        return {
            **self.parameters,
            "model": self.model,
            "messages": messages,
            self.tokens_field: self.max_tokens,
            **({} if wanted is None else {"response_format": wanted}),
        }

    def worst_case(self, messages: list[Message], rung: str) -> Decimal:
        """More than the request can cost; a schema that goes along is read too."""
        sizes = [size_of(message["content"]) for message in messages]
        return self.worst_case_of(sizes, self.size_of_schema(rung))

    def worst_case_of(self, sizes: Sequence[int], schema: int) -> Decimal:
        """The same, by the bytes of each message and of the schema."""
        return worst_case(self.price, worst_case_of_sizes(sizes) + schema, self.max_tokens)

    def size_of_schema(self, rung: str) -> int:
        schema = response_format(self.rubric, rung)
        return 0 if schema is None else len(str(schema).encode())

    def size_of_instruction(self, rung: str) -> int:
        """Bytes of the first message, which is the same in every call."""
        return size_of(instruction(self.instruction, self.rubric, rung))

    def likely_tokens(self, messages: list[Message]) -> int:
        """For the bucket of tokens: the input as guessed, and all the output there may be."""
        return likely_tokens(messages) + self.max_tokens
