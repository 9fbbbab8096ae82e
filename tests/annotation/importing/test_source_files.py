"""Files as wholes: names, sizes, gzip, and what is refused before any row is looked at."""

import gzip
import json
import os

import pytest

from annotation.importing.formats import (
    VOTES,
    FileError,
    RowProblem,
    VoteRow,
    content_sha256,
    read_rows,
    source,
)
from annotation.importing.formats.peeking import peek
from tests.annotation.importing.malformed_json import GOOD_ROW


def rows_of(path):
    return [read.row for read in read_rows(path, VOTES)]


@pytest.mark.parametrize("name", ["v.jsonl", "v.JSONL", "v.jsonl.gz", "v.x.jsonl"])
def test_jsonl_is_told_by_the_name(write_rows, name) -> None:
    rows = rows_of(write_rows(GOOD_ROW, name=name.replace(".GZ", ".gz")))

    assert [type(row) for row in rows] == [VoteRow]


def test_packed_csv_is_read(write_rows) -> None:
    path = write_rows("item_id,annotator_id,winner", "i,p,tie (bothbad)", name="v.csv.gz")

    assert [row.verdict for row in rows_of(path)] == ["both_bad"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_objects_is_read_row_by_row(write_rows, indent) -> None:
    hard = 'a "quoted" \\ ], {,[ text\n' * 9_000
    rows = [
        {"item_id": f"i{n}", "annotator_id": "p", "verdict": "a", "reason": hard, "x": [{"y": [n]}]}
        for n in range(9)
    ]
    rows[4] = {"item_id": "i4", "reason": "x" * 2_000_000}
    path = write_rows("\ufeff" + json.dumps([*rows, 7], indent=indent), name="v.json")

    read = list(read_rows(path, VOTES))

    good = [found.row for found in read if not isinstance(found.row, RowProblem)]
    assert [row.item_id for row in good] == ["i0", "i1", "i2", "i3", "i5", "i6", "i7", "i8"]
    assert {row.reason for row in good} == {hard}
    bad = [found for found in read if isinstance(found.row, RowProblem)]
    assert ["limit" in bad[0].row.reason, "object" in bad[1].row.reason] == [True, True]
    if indent:
        lines = json.dumps([*rows, 7], indent=indent).splitlines()
        starts = [number for number, line in enumerate(lines, 1) if line in ("  {", "  7")]
        assert [found.line for found in read] == starts
    else:
        assert {found.line for found in read} == {1}
    assert peek(path).columns[:2] == ("item_id", "annotator_id")
    packed = write_rows(json.dumps([rows[0]], indent=indent), name="v.json.gz")
    assert rows_of(packed) == good[:1]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '[{"a": 1}', "[] []", "[] x", 'x [{"a": 1}]', '"[]"', "[]", '[{"a": "]'],
)
def test_a_json_file_that_is_no_list_of_rows_is_refused(write_rows, text) -> None:
    with pytest.raises(FileError, match=r"list|no rows"):
        list(read_rows(write_rows(text, name="v.json"), VOTES))


@pytest.mark.parametrize("name", ["v.txt", "v", "v.gz", "v.jsonl.zip", "v.parquet"])
def test_other_names_are_refused_with_the_names_that_will_do(write_rows, name) -> None:
    with pytest.raises(FileError, match=r"must end in \.jsonl, \.csv"):
        rows_of(write_rows(GOOD_ROW, name=name))


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")

    with pytest.raises(FileError, match="does not exist"):
        rows_of(tmp_path / "none.jsonl")
    for name in ("folder.jsonl", "pipe.jsonl"):
        with pytest.raises(FileError, match="not a regular file"):
            rows_of(tmp_path / name)


def test_a_name_with_a_nul_is_refused(tmp_path) -> None:
    with pytest.raises(FileError):
        rows_of(tmp_path / "a\x00.jsonl")


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_a_file_without_rows_is_refused(tmp_path, content) -> None:
    path = tmp_path / "v.jsonl"
    path.write_bytes(content)

    with pytest.raises(FileError, match=r"empty|holds no rows"):
        rows_of(path)


def test_a_packed_file_without_gz_in_its_name_is_told_apart(tmp_path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_bytes(gzip.compress(GOOD_ROW))

    with pytest.raises(FileError, match=r"must end in \.gz"):
        rows_of(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: b"not gzip at all, but long enough to look",
        lambda packed: packed[:40] + b"\xff\xff\xff\xff" + packed[44:],
        lambda packed: packed + b"trailing garbage",
    ],
    ids=["no trailer", "half", "not gzip", "flipped", "trailing"],
)
def test_a_damaged_gzip_file_is_refused(tmp_path, damage) -> None:
    path = tmp_path / "v.jsonl.gz"
    rows = b"\n".join(GOOD_ROW.replace(b"v", os.urandom(4).hex().encode()) for _ in range(500))
    path.write_bytes(damage(gzip.compress(rows)))

    with pytest.raises(FileError, match=r"damaged or cut short|unpacks to more"):
        rows_of(path)


def test_a_gzip_bomb_is_refused_from_what_it_announces(tmp_path) -> None:
    path = tmp_path / "v.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 30_000_000))

    with pytest.raises(FileError, match="unpacks to more than"):
        rows_of(path)


def test_a_gzip_bomb_that_announces_little_is_stopped_while_it_unpacks(tmp_path) -> None:
    path = tmp_path / "v.jsonl.gz"
    # The last member is small, and it is its size that the end of the file announces.
    path.write_bytes(gzip.compress(b" " * 30_000_000) + gzip.compress(b"\n"))

    with pytest.raises(FileError, match="unpacks to more than"):
        rows_of(path)


def test_a_small_repetitive_file_is_no_bomb(tmp_path) -> None:
    path = tmp_path / "v.jsonl.gz"
    path.write_bytes(gzip.compress((GOOD_ROW + b"\n") * 5_000))

    assert len(rows_of(path)) == 5_000


def test_a_file_above_the_limit_is_refused_by_its_size_alone(write_rows, monkeypatch) -> None:
    monkeypatch.setattr(source, "MAX_FILE_BYTES", len(GOOD_ROW))

    with pytest.raises(FileError, match="split it into several files"):
        rows_of(write_rows(GOOD_ROW))


def test_rows_above_the_limit_refuse_the_file(write_rows, monkeypatch) -> None:
    monkeypatch.setattr("annotation.importing.formats.reading.MAX_ROWS", 2)

    assert len(rows_of(write_rows(GOOD_ROW, GOOD_ROW))) == 2
    with pytest.raises(FileError, match="more than 2 rows"):
        rows_of(write_rows(GOOD_ROW, GOOD_ROW, GOOD_ROW))


def test_the_hash_is_of_the_bytes_on_disk(write_rows) -> None:
    first = content_sha256(write_rows(GOOD_ROW, name="a.jsonl"))

    assert first == content_sha256(write_rows(GOOD_ROW, name="b.jsonl"))
    assert first != content_sha256(write_rows(GOOD_ROW, GOOD_ROW, name="c.jsonl"))
    assert len(first) == 64
