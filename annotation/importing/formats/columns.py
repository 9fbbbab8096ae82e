"""Which column of a file is which of ours: what is lacking, and what a name most likely means."""

from collections.abc import Iterable, Mapping, Sequence

# What other tools call our columns, in the order in which they are believed.
ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "prompt_id": ("question_id", "example_id", "task_id", "item_id", "qid", "uid", "id", "index"),
    "prompt": ("question", "instruction", "query", "input", "user", "request", "problem"),
    "system": (
        "model_id",
        "model_name",
        "generator",
        "assistant",
        "candidate",
        "variant",
        "source",
    ),
    "response": ("output", "answer", "completion", "generation", "reply", "text", "content"),
    "system_a": ("model_1", "left_model", "generator_a", "system_1"),
    "system_b": ("model_2", "right_model", "generator_b", "system_2"),
    "response_a": ("answer_a", "output_a", "completion_a", "response_1", "output_1", "left"),
    "response_b": ("answer_b", "output_b", "completion_b", "response_2", "output_2", "right"),
    "item_id": ("comparison_id", "pair_id", "battle_id", "id"),
    "reference": ("expected", "gold_answer", "ideal", "target", "reference_answer"),
    "category": ("topic", "task", "domain", "type", "subset"),
}

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "responses": ("sample", "category", "tags", "weight", "reference"),
    "comparisons": ("kind", "gold", "explanation", "overlap", "category", "reference"),
    "prompts": ("prompt", "reference", "category", "tags", "weight"),
}

_MEASURES = ("latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cost")

# What files of a kind may hold further; pages offer only the columns of `OPTIONAL`.
FURTHER: Mapping[str, tuple[str, ...]] = {
    "responses": ("created_at", *_MEASURES),
    "comparisons": (
        "tags",
        "weight",
        "created_at",
        "gold_by_criterion",
        *(f"{measure}_{side}" for side in "ab" for measure in _MEASURES),
    ),
    "prompts": ("prompt_json", "created_at", "checks"),
    "votes": ("criterion", "margin", "seconds", "reason", "left", "tags"),
    "judgments": (
        "confidence",
        "reason",
        "inconsistent",
        "input_tokens",
        "output_tokens",
        "cost",
        "latency_ms",
    ),
}

# Columns that one text can stand for in all rows, as in a file of one system.
MAY_BE_FIXED = ("system", "system_a", "system_b", "category")


def fields_of(kind: str, groups: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the names of all columns that files of a kind may have, the needed ones first."""
    needed = [name for group in groups for name in group]
    return list(dict.fromkeys([*needed, *OPTIONAL.get(kind, ()), *FURTHER[kind]]))


def lacking(
    groups: Sequence[tuple[str, ...]],
    columns: Iterable[str],
    names: Mapping[str, str],
    fixed: Mapping[str, str],
) -> list[tuple[str, ...]]:
    """The groups of needed columns of which a file has none, once its columns are renamed."""
    there = {names.get(column, column) for column in columns} | set(fixed)
    return [group for group in groups if there.isdisjoint(group)]


def propose(groups: Sequence[tuple[str, ...]], columns: Sequence[str]) -> dict[str, str]:
    """Which of a file's columns may be what is lacking: the file's name to ours.

    Examples
    --------
    >>> propose([("prompt_id",), ("response",)], ["ID", "response"])
    {'ID': 'prompt_id'}
    """
    names: dict[str, str] = {}
    plain = {plain_name(column): column for column in reversed(columns)}
    for group in lacking(groups, columns, {}, {}):
        for alias in (*group, *ALSO_CALLED.get(group[0], ())):
            column = plain.get(alias)
            if column is not None and column not in names:
                names[column] = group[0]
                break
    return names


def plain_name(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")
