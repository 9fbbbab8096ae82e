"""Files to rows: reads JSONL and CSV, and says of every bad row where it stands and what is wrong.

Pure: nothing here knows the database or Django. ``read_rows`` is the way in::

    for read in read_rows(path, RESPONSES):
        ...  # read.row is one of the frozen dataclasses of `rows`, or a RowProblem
"""

from annotation.importing.formats.content import (
    COMPARISON_COLUMNS,
    PROMPT_COLUMNS,
    RESPONSE_COLUMNS,
    parse_comparison,
    parse_prompt,
    parse_response,
)
from annotation.importing.formats.fields import Fields
from annotation.importing.formats.labels import (
    JUDGMENT_COLUMNS,
    VOTE_COLUMNS,
    parse_judgment,
    parse_vote,
)
from annotation.importing.formats.problems import FileError, RowError, RowProblem
from annotation.importing.formats.reading import ReadRow, RowFormat, read_rows
from annotation.importing.formats.rows import (
    ComparisonRow,
    JudgmentRow,
    Measures,
    PromptAttributes,
    PromptRow,
    ResponseRow,
    Side,
    VoteRow,
)
from annotation.importing.formats.source import content_sha256

RESPONSES = RowFormat("responses", parse_response, RESPONSE_COLUMNS)
PROMPTS = RowFormat("prompts", parse_prompt, PROMPT_COLUMNS)
COMPARISONS = RowFormat("comparisons", parse_comparison, COMPARISON_COLUMNS)
VOTES = RowFormat("votes", parse_vote, VOTE_COLUMNS)
JUDGMENTS = RowFormat("judgments", parse_judgment, JUDGMENT_COLUMNS)

__all__ = [
    "COMPARISONS",
    "JUDGMENTS",
    "PROMPTS",
    "RESPONSES",
    "VOTES",
    "ComparisonRow",
    "Fields",
    "FileError",
    "JudgmentRow",
    "Measures",
    "PromptAttributes",
    "PromptRow",
    "ReadRow",
    "ResponseRow",
    "RowError",
    "RowFormat",
    "RowProblem",
    "Side",
    "VoteRow",
    "content_sha256",
    "read_rows",
]
