"""What JSONL rows are taken, and that every other one is reported, not raised."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.importing.formats import VOTES, FileError, RowProblem, VoteRow, read_rows
from annotation.importing.formats.jsonl import parse_object
from annotation.importing.formats.limits import MAX_FIELD_BYTES, MAX_ROW_BYTES
from annotation.importing.formats.problems import RowError
from tests.annotation.importing.malformed_json import GOOD_ROW, around, must_accept, must_reject

VOTE = {"item_id": "i", "annotator_id": "p", "verdict": "a"}


def outcomes(path: Path) -> list[tuple[int, VoteRow | str]]:
    return [
        (read.line, read.row.reason if isinstance(read.row, RowProblem) else read.row)
        for read in read_rows(path, VOTES)
    ]


def reasons(path: Path) -> dict[int, str]:
    return {line: row for line, row in outcomes(path) if isinstance(row, str)}


def test_the_corpus_has_hundreds_of_cases() -> None:
    assert len(list(must_reject())) + len(list(must_accept())) >= 300


def test_every_malformed_row_is_reported_on_its_own_line_and_good_rows_between_survive(
    write_rows,
) -> None:
    bad = [case for case in must_reject() if b"\n" not in case]
    rows = [row for case in bad for row in (case, GOOD_ROW)]

    found = outcomes(write_rows(*rows))

    assert [line for line, row in found if isinstance(row, str)] == list(range(1, 2 * len(bad), 2))
    assert len(found) == len(rows)


def test_every_well_formed_row_is_taken(write_rows) -> None:
    good = list(must_accept())

    assert reasons(write_rows(*good)) == {}


def test_rows_split_at_line_feeds_only(write_rows) -> None:
    texts = ["one\u2028two", "one\x85two", "one\u2029two", "one\x0btwo"]
    rows = [json.dumps(VOTE | {"reason": text}, ensure_ascii=False) for text in texts[:3]]

    found = outcomes(write_rows(*rows))

    assert [row.reason for _, row in found if isinstance(row, VoteRow)] == texts[:3]


def test_a_carriage_return_alone_ends_no_row(write_rows) -> None:
    path = write_rows(GOOD_ROW + b"\r" + GOOD_ROW)

    assert list(reasons(path)) == [1]


def test_mixed_line_ends_blank_lines_and_a_missing_last_line_feed_do_no_harm(tmp_path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD_ROW + b"\r\n\n  \n" + GOOD_ROW + b"\n" + GOOD_ROW)

    assert [line for line, _ in outcomes(path)] == [1, 4, 5]


def test_a_leading_byte_order_mark_is_ignored_and_a_later_one_is_not(write_rows) -> None:
    path = write_rows(b"\xef\xbb\xbf" + GOOD_ROW, b"\xef\xbb\xbf" + GOOD_ROW)

    assert list(reasons(path)) == [2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_give_errors_that_say_so_or_list_every_row(tmp_path, encoding) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes((GOOD_ROW.decode() + "\n").encode(encoding) * 2)

    if encoding == "utf-16-le":  # no byte order mark: the zero bytes give it away row by row
        assert 1 in reasons(path)
    else:
        with pytest.raises(FileError, match="save it as UTF-8"):
            outcomes(path)


def test_latin_1_is_reported_with_the_byte_and_its_place(write_rows) -> None:
    path = write_rows(around('"é"'.encode("latin-1")))

    assert "not UTF-8: byte 0xe9 at position 65" in reasons(path)[1]


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (b'{"item_id": "i", "item_id": "j"}', "the key 'item_id' stands twice"),
        (b'{"item_id": NaN}', "NaN is not a JSON value"),
        (b'{"item_id": 1e999}', "beyond the range of a double"),
        (b'{"item_id": ' + b"7" * 5_000 + b"}", "beyond 64 bits; write it as a text"),
        (b"[" * 100_000, "nested deeper than the limit of 32"),
        (b'["a"]', "a row must be a JSON object, got a list"),
        (around(b'"\\ud800"'), "'extra': holds half of a surrogate pair at character 1"),
        (around(b'{"k\\u0000": 1}'), "holds a NUL character at character 2"),
        (b"{", "not JSON"),
    ],
)
def test_the_reason_says_what_is_wrong(write_rows, row, part) -> None:
    assert part in reasons(write_rows(row))[1]


def test_depth_32_is_the_limit_counting_the_row_itself() -> None:
    parse_object(around(b"[" * 31 + b"]" * 31))
    with pytest.raises(RowError, match="nested deeper"):
        parse_object(around(b"[" * 32 + b"]" * 32))


def test_a_field_at_the_limit_is_taken_and_one_byte_more_is_not(write_rows) -> None:
    path = write_rows(
        around(b'"' + b"x" * MAX_FIELD_BYTES + b'"'),
        around(b'"' + b"x" * (MAX_FIELD_BYTES + 1) + b'"'),
        around(b'"' + "é".encode() * (MAX_FIELD_BYTES // 2 + 1) + b'"'),
    )

    assert set(reasons(path)) == {2, 3}
    assert "above the limit of 256 KiB" in reasons(path)[2]


def test_a_row_at_the_limit_is_taken_and_a_ten_megabyte_row_costs_only_itself(write_rows) -> None:
    filler = b", ".join([b'"' + b"x" * 100_000 + b'"'] * 10)
    row = around(b"[" + filler + b"]")
    row += b" " * (MAX_ROW_BYTES - len(row))
    path = write_rows(row, row + b" ", b"x" * 10_000_000, GOOD_ROW)

    assert set(reasons(path)) == {2, 3}
    assert "above the limit of 1 MiB" in reasons(path)[3]


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner),
            max_leaves=8,
        ),
    ),
    st.booleans(),
)
def test_what_was_written_as_json_is_read_back_equal(row, escaped) -> None:
    assert parse_object(json.dumps(row, ensure_ascii=escaped).encode()) == row


@given(st.binary(max_size=60) | st.text('{}[]":,0eE-ud8\\ ').map(str.encode))
def test_any_bytes_give_an_object_or_a_printable_row_error(raw) -> None:
    reason = "none"
    try:
        found: object = parse_object(raw)
    except RowError as problem:
        found, reason = {}, str(problem)
    assert isinstance(found, dict)
    assert reason.isprintable()
