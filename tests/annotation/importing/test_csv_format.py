"""CSV by RFC 4180: what is read, and what a bad record costs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.importing.formats import RESPONSES, FileError, ResponseRow, RowProblem, read_rows
from annotation.importing.formats.csv_records import iter_records
from annotation.importing.formats.limits import MAX_FIELD_BYTES
from annotation.importing.formats.peeking import peek
from annotation.importing.formats.problems import RowError

HEADER = "prompt_id,prompt,system,response"


def read_all(path, form=RESPONSES):
    rows: dict[int, ResponseRow] = {}
    problems: dict[int, str] = {}
    for read in read_rows(path, form):
        if isinstance(read.row, RowProblem):
            problems[read.line] = read.row.reason
        else:
            rows[read.line] = read.row
    return rows, problems


def csv_file(tmp_path, content: str | bytes):
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_quoted_fields_hold_commas_marks_and_line_breaks_as_they_are(tmp_path) -> None:
    path = csv_file(tmp_path, f'{HEADER}\np1,Say,s,"a, ""b""\r\nc\nd"\np2,Say,s,e\n')

    rows, problems = read_all(path)

    assert problems == {}
    assert [row.text for row in rows.values()] == ['a, "b"\r\nc\nd', "e"]
    assert list(rows) == [2, 5]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_read_and_the_last_may_be_missing(tmp_path, end) -> None:
    path = csv_file(tmp_path, end.join([HEADER, "p1,Say,s,x", "", '"p2",Say,s,"y"']))

    rows, problems = read_all(path)

    assert problems == {}
    assert [row.text for row in rows.values()] == ["x", "y"]


def test_a_byte_order_mark_before_the_header_is_ignored(tmp_path) -> None:
    rows, _ = read_all(csv_file(tmp_path, f"\ufeff{HEADER}\np1,Say,s,x\n"))

    assert rows[2].prompt.prompt_id == "p1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter_and_quoted_text_may_hold_the_others(
    tmp_path, delimiter
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    # More of the other delimiters stand inside the quotation marks than of the right one outside.
    writer.writerow([*HEADER.split(","), 'a,,,,;;;;\t\t\t\t\n"b"'])
    writer.writerow(["p1", "Say; a, b", "s", "one;two\tthree,four\n;", "m"])
    writer.writerow(["p2", "Say", "s", "5,5", "m"])
    path = csv_file(tmp_path, text.getvalue() + delimiter.join(["p3", "Say", "s"]) + "\n")

    rows, problems = read_all(path)

    assert [row.text for row in rows.values()] == ["one;two\tthree,four\n;", "5,5"]
    assert rows[3].prompt.text == "Say; a, b"
    assert list(problems.values()) == ["has 3 fields, the header has 5"]
    assert peek(path).columns[:4] == tuple(HEADER.split(","))


@pytest.mark.parametrize(
    ("record", "part"),
    [
        ("p1,Say,s", "has 3 fields, the header has 4"),
        ("p1,Say,s,x,y", "has 5 fields, the header has 4"),
        ('p1,Say,s,5" disk', "column 4: a quotation mark inside a field without quotes"),
        ('p1,Say,s,"x"y', "column 4: text after the closing quotation mark"),
        ('p1, "Say",s,x', "column 2: a quotation mark inside a field without quotes"),
        ("p1,Say,s,x\ry", "column 4: a line break inside a field without quotes"),
        ("p1,Say,s,x\x00y", "column 4: holds a NUL character at character 2"),
        (",Say,s,x", "prompt_id is missing"),
        ("p1,,s,x", "prompt is missing"),
        ("p1,Say,s," + "x" * (MAX_FIELD_BYTES + 1), "column 4: above the limit of 256 KiB"),
        ("p1,Say,s," + "x" * 10_000_000, "above the limit of 1 MiB"),
        ('p1,Say,s,"' + "x\n" * 600_000 + '"', "above the limit of 1 MiB"),
    ],
)
def test_a_bad_record_is_reported_and_costs_only_itself(tmp_path, record, part) -> None:
    rows, problems = read_all(csv_file(tmp_path, f"{HEADER}\n{record}\np2,Say,s,kept\n"))

    assert part in problems[2]
    assert len(problems) == 1
    assert [row.text for row in rows.values()] == ["kept"]


def test_bytes_that_are_not_utf8_inside_quotes_spoil_one_record_of_two_lines(tmp_path) -> None:
    content = HEADER.encode() + b'\np1,Say,s,"caf\xe9\nbar"\np2,Say,s,kept\n'

    rows, problems = read_all(csv_file(tmp_path, content))

    assert "not UTF-8" in problems[2]
    assert "lines 2 to 3" in problems[2]
    assert list(rows) == [4]


def test_an_unclosed_quote_says_where_it_opens_and_how_far_it_reaches(tmp_path) -> None:
    rows, problems = read_all(
        csv_file(tmp_path, f'{HEADER}\np1,Say,s,x\np2,Say,s,"y\np3,Say,s,z\n')
    )

    assert list(rows) == [2]
    assert "column 4: the field's quotation marks are never closed" in problems[3]
    assert "lines 3 to 4" in problems[3]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("prompt_id,prompt,response", "the header lacks system or model"),
        ("prompt_id,system,response", "the header lacks prompt or prompt_json"),
        (f"{HEADER},system", "names 'system' twice"),
        (f"{HEADER},", "column 5 of the header has no name"),
        ('prompt_id,"prompt', "the header cannot be read"),
    ],
)
def test_an_unusable_header_refuses_the_file(tmp_path, header, part) -> None:
    with pytest.raises(FileError, match=part):
        read_all(csv_file(tmp_path, f"{header}\np1,Say,s,x\n"))


def test_a_header_without_rows_refuses_the_file(tmp_path) -> None:
    with pytest.raises(FileError, match="holds no rows"):
        read_all(csv_file(tmp_path, HEADER + "\n"))


def test_ten_thousand_columns_become_metadata(tmp_path) -> None:
    more = [f"c{number}" for number in range(10_000)]
    header = ",".join([HEADER, *more])
    cells = ",".join(["p1,Say,s,x", *more])

    rows, problems = read_all(csv_file(tmp_path, f"{header}\n{cells}\n"))

    assert problems == {}
    assert rows[2].metadata["c9999"] == "c9999"
    assert len(rows[2].metadata) == 10_000


def test_cells_are_read_as_the_types_of_their_columns(tmp_path) -> None:
    path = csv_file(
        tmp_path,
        "prompt_id,prompt,prompt_json,model,response,tags,weight,sample,cost,input_tokens,note\n"
        'p1,,"[{""role"": ""user"", ""content"": ""Hi""}]",s,,a | b|,2.5,3,0.0001,12,\n',
    )

    rows, problems = read_all(path)

    assert problems == {}
    row = rows[2]
    assert row.prompt.messages == [{"role": "user", "content": "Hi"}]
    assert row.prompt.tags == ["a", "b"]
    assert (row.prompt.weight, row.sample, row.text) == (2.5, 3, "")
    assert str(row.measures.cost) == "0.0001000000"
    assert row.measures.input_tokens == 12
    assert row.metadata == {}


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(
    st.lists(st.lists(cell, min_size=2, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n"])
)
def test_what_the_standard_writer_wrote_is_read_back_equal(records, end) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(records)
    raw = [line + b"\n" for line in text.getvalue().encode().split(b"\n")[:-1]]

    found = list(iter_records(enumerate(raw, start=1)))

    assert [fields for _, fields in found] == records


@given(st.text('",\r\nab ', max_size=40))
def test_no_text_loses_the_lines_after_it_without_a_word(text) -> None:
    raw = [line + b"\n" for line in text.encode().split(b"\n")]

    for first, fields in iter_records(enumerate(raw, start=1)):
        assert 1 <= first <= len(raw)
        assert isinstance(fields, (list, RowError))
