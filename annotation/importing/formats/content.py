"""Rows that bring content: responses, prompts and ready-made comparisons."""

from collections.abc import Sequence

from annotation.importing.formats.fields import Fields, one_of
from annotation.importing.formats.limits import MAX_COUNT, MAX_CRITERION_LENGTH, MAX_ID_LENGTH
from annotation.importing.formats.problems import RowError, excerpt
from annotation.importing.formats.rows import (
    COMPARISON_KINDS,
    OVERALL,
    VERDICTS,
    ComparisonRow,
    Measures,
    PromptAttributes,
    PromptRow,
    ResponseRow,
    Side,
    Verdict,
)

# Accepted verdicts on further criteria than `overall`.
OTHERS = "gold_by_criterion"

# Columns that a CSV file must have; of the names in one group, any.
RESPONSE_COLUMNS: Sequence[tuple[str, ...]] = (
    ("prompt_id",),
    ("prompt", "prompt_json"),
    ("system", "model"),
    ("response",),
)
PROMPT_COLUMNS: Sequence[tuple[str, ...]] = (("prompt_id",),)
COMPARISON_COLUMNS: Sequence[tuple[str, ...]] = (
    ("item_id",),
    ("prompt_id",),
    ("prompt", "prompt_json"),
    ("system_a", "model_a"),
    ("system_b", "model_b"),
    ("response_a",),
    ("response_b",),
)

# A study's overlap is a number of people; a column of 16 bits holds it.
MAX_OVERLAP = 1000


def parse_response(fields: Fields) -> ResponseRow:
    """Read a row of ``import_responses``; raises RowError with the reason."""
    return ResponseRow(
        prompt=_prompt(fields, required=True),
        system=fields.identifier("system", "model"),
        text=fields.required_text("response"),
        sample=fields.integer("sample", maximum=MAX_COUNT) or 0,
        measures=_measures(fields),
        metadata=fields.rest(),
    )


def parse_prompt(fields: Fields) -> PromptRow:
    """Read a row of ``import_prompts``; raises RowError with the reason."""
    checks = fields.structure("checks")
    return PromptRow(
        prompt=_prompt(fields, required=False, checks=_objects("checks", checks)),
        metadata=fields.rest(),
    )


def parse_comparison(fields: Fields) -> ComparisonRow:
    """Read a row of ``import_comparisons``; raises RowError with the reason."""
    row = ComparisonRow(
        item_id=fields.identifier("item_id"),
        prompt=_prompt(fields, required=True),
        a=_side(fields, "a"),
        b=_side(fields, "b"),
        kind=fields.word("kind", COMPARISON_KINDS) or "work",
        gold=_gold(fields),
        explanation=fields.text("explanation") or "",
        overlap=fields.integer("overlap", minimum=1, maximum=MAX_OVERLAP),
        metadata=fields.rest(),
    )
    _check_kind(row)
    return row


def _gold(fields: Fields) -> dict[str, list[Verdict]] | None:
    """The accepted verdicts: of `overall` as `gold`, of further criteria beside it, as exports do.

    Whether the rubric has these criteria is known when the study opens.
    """
    overall = fields.words("gold", VERDICTS)
    others = fields.structure(OTHERS)
    if others is not None and (not isinstance(others, dict) or not others):
        raise RowError(f"{OTHERS} must be an object of verdicts, got {excerpt(others)}")
    if overall is None:
        if others is not None:
            raise RowError(f"{OTHERS} stands beside gold, the verdicts on the criterion overall")
        return None
    found = {OVERALL: overall}
    for criterion, value in (others or {}).items():
        if criterion == OVERALL or not 0 < len(criterion) <= MAX_CRITERION_LENGTH:
            raise RowError(f"{OTHERS}: {excerpt(criterion)} is no key of a further criterion")
        verdicts = value if isinstance(value, list) else [value]
        if not verdicts:
            raise RowError(f"{OTHERS}: {criterion} has an empty list")
        place = f"{OTHERS}: {criterion}"
        found[criterion] = [
            one_of(place, verdict, VERDICTS) for verdict in dict.fromkeys(map(str, verdicts))
        ]
    return found


def _check_kind(row: ComparisonRow) -> None:
    known = row.kind in ("gold", "training")
    if known and row.gold is None:
        raise RowError(f"kind {row.kind} needs gold, the accepted verdicts")
    if not known and row.gold is not None:
        raise RowError(f"gold is given but kind is {row.kind}; it must be gold or training")
    same_system = row.a.system == row.b.system
    same_text = row.a.text == row.b.text
    if row.kind == "identical":
        if not (same_system and same_text):
            raise RowError(
                "kind identical shows one response twice: systems and texts must be equal; "
                "equal texts of two systems are kind work"
            )
        if Measures() not in (row.a.measures, row.b.measures) and row.a.measures != row.b.measures:
            raise RowError("kind identical shows one response twice: its measures must be equal")
    elif same_system and (row.kind != "consistency" or same_text):
        hint = "identical" if same_text else "consistency"
        raise RowError(
            f"system_a and system_b are both {excerpt(row.a.system)}; "
            f"only kind {hint} pairs such responses"
        )


def _side(fields: Fields, side: str) -> Side:
    return Side(
        system=fields.identifier(f"system_{side}", f"model_{side}"),
        text=fields.required_text(f"response_{side}"),
        measures=_measures(fields, f"_{side}"),
    )


def _measures(fields: Fields, suffix: str = "") -> Measures:
    return Measures(
        latency_ms=fields.number(f"latency_ms{suffix}"),
        ttft_ms=fields.number(f"ttft_ms{suffix}"),
        input_tokens=fields.integer(f"input_tokens{suffix}"),
        output_tokens=fields.integer(f"output_tokens{suffix}"),
        cost=fields.cost(f"cost{suffix}"),
    )


def _prompt(
    fields: Fields, *, required: bool, checks: list[dict[str, object]] | None = None
) -> PromptAttributes:
    prompt_id = fields.identifier("prompt_id")
    text, messages = _text_or_messages(fields)
    if required and text is None and messages is None:
        raise RowError("prompt is missing")
    return PromptAttributes(
        prompt_id=prompt_id,
        text=text,
        messages=messages,
        reference=fields.text("reference") or None,
        category=fields.short_text("category") or None,
        tags=fields.labels("tags") or None,
        weight=fields.number("weight"),
        checks=checks or None,
        created_at=fields.moment("created_at"),
    )


def _text_or_messages(fields: Fields) -> tuple[str | None, list[dict[str, str]] | None]:
    prompt = fields.take("prompt")
    conversation = fields.cell_json("prompt_json")
    if conversation is not None:
        if prompt is not None:
            raise RowError("prompt and prompt_json are both given; leave one of them empty")
        return None, _messages("prompt_json", conversation)
    if prompt is None:
        return None, None
    if isinstance(prompt, list):
        return None, _messages("prompt", prompt)
    if not isinstance(prompt, str):
        raise RowError(f"prompt must be a text or a list of messages, got {excerpt(prompt)}")
    if not prompt:
        raise RowError("prompt is empty")
    return prompt, None


def _messages(name: str, value: object) -> list[dict[str, str]]:
    messages = []
    for number, item in enumerate(_objects(name, value) or [], start=1):
        role, content = item.get("role"), item.get("content")
        if set(item) != {"role", "content"}:
            raise RowError(f"{name}: message {number} must have role and content, nothing else")
        if not isinstance(role, str) or not 0 < len(role) <= MAX_ID_LENGTH:
            raise RowError(f"{name}: the role of message {number} must be a short text")
        if not isinstance(content, str):
            raise RowError(f"{name}: the content of message {number} must be a text")
        messages.append({"role": role, "content": content})
    if not messages:
        raise RowError(f"{name} is an empty list")
    return messages


def _objects(name: str, value: object) -> list[dict[str, object]] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RowError(f"{name} must be a list of objects, got {excerpt(value)}")
    return value
