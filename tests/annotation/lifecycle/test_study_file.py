"""A study's file: every fault with its place, and what it states in the study's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.lifecycle.study_file import StudyFile, StudyFileError, read_study_file

OVERALL = '[[criteria]]\nkey = "overall"\nquestion = "Better?"\n'


def read(folder: Path, text: str | bytes) -> StudyFile:
    path = folder / "study.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_study_file(path)


def faults_of(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(StudyFileError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'study.toml'}: ")
    assert message.endswith("\nNothing was changed.")
    return caught.value.faults


def test_what_is_left_out_is_not_stated(tmp_path: Path) -> None:
    assert read(tmp_path, "") == StudyFile({}, None)
    assert read(tmp_path, 'title = "A title"') == StudyFile({"title": "A title"}, None)


def test_everything_can_be_stated(tmp_path: Path) -> None:
    (tmp_path / "words.md").write_text("\ufeffTake your time.\n", encoding="utf-8")
    file = read(
        tmp_path,
        """
        title = "A title"
        instructions_file = "words.md"
        notice = "Invented."
        results = "open"
        stopping = "sequential"
        seed = 7
        target_votes = 60
        max_per_annotator = 9

        [rules.checks]
        gold_share = 0.1
        [rules.eligibility.law]
        job = ["lawyer"]

        [[criteria]]
        key = "overall"
        question = "Better?"
        both_bad = true

        [[criteria]]
        key = "clarity"
        question = "Clearer?"
        scale = "five"
        required = false
        [[criteria.levels]]
        id = "low"
        description = "Unclear."
        """,
    )
    assert file.settings == {
        "title": "A title",
        "instructions": "Take your time.\n",
        "notice": "Invented.",
        "results": "open",
        "stopping": "sequential",
        "seed": 7,
        "target_votes": 60,
        "max_per_annotator": 9,
        "rules": {"checks": {"gold_share": 0.1}, "eligibility": {"law": {"job": ["lawyer"]}}},
    }
    assert file.criteria is not None
    overall, clarity = file.criteria
    assert (overall.key, overall.scale, overall.both_bad, overall.required) == (
        "overall",
        "ternary",
        True,
        True,
    )
    assert (clarity.scale, clarity.required) == ("five", False)
    assert list(clarity.levels) == [{"id": "low", "description": "Unclear."}]


def test_false_switches_off_what_can_be_off(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """
        max_per_annotator = false
        [rules.quality]
        skips = false
        [rules.limits]
        skips_per_hour = false
        [rules.adjudication]
        distance = false
        flagged = false
        [rules.qualification]
        required = false
        """,
    )
    assert file.settings == {
        "max_per_annotator": None,
        "rules": {
            "quality": {"skips": None},
            "limits": {"skips_per_hour": None},
            "adjudication": {"distance": None, "flagged": False},
            "qualification": {"required": False},
        },
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("titel = 'x'", "There is no setting 'titel'; there are title, "),
        ("title = 1", "title must be text, not 1."),
        (f"title = '{'x' * 201}'", "title has 201 characters; 200 are the most."),
        ('notice = "a\\u0000"', "notice holds the character NUL"),
        ("results = 'secret'", "results must be one of sealed, open, not 'secret'."),
        ("stopping = true", "stopping must be one of fixed, sequential, not True."),
        ("seed = -1", "seed must be a whole number from 0"),
        ("target_votes = 0", "target_votes must be a whole number from 1"),
        ("target_votes = 2.5", "target_votes must be a whole number"),
        ("max_per_annotator = true", "max_per_annotator must be a whole number"),
        ("rules = 3", "rules: The rules must be an object"),
        ("[rules.cheks]", "rules: There is no section 'cheks'"),
        ("[rules.checks]\ngold_share = false", "rules: checks.gold_share must be a number"),
        ("[rules.checks]\ngold_share = nan", "rules: checks.gold_share must lie"),
        ("[rules.checks]\ngold_share = 2026-01-01", "rules: checks.gold_share must be a number"),
        ("instructions = 'a'\ninstructions_file = 'b'", "exclude each other"),
        ("instructions_file = 'none.md'", "instructions_file: none.md cannot be read: No such"),
        ("instructions_file = 3", "instructions_file must be text, not 3."),
        ("criteria = 3", "criteria must be tables"),
        ("criteria = [3]", "criteria must be tables"),
        ("criteria = []", "criteria: The criterion 'overall' is missing"),
        ("[[criteria]]\nkey = 'overall'", "criteria 1: question is missing."),
        (OVERALL + OVERALL, "criteria: The criterion 'overall' comes 2 times."),
        (OVERALL + "scale = 'nine'", "criteria: 'overall' has the scale 'nine'"),
        (OVERALL + "scale = 3", "criteria 1, scale must be text, not 3."),
        (OVERALL + "both_bad = 1", "criteria 1, both_bad must be true or false, not 1."),
        (OVERALL + "colour = 1", "criteria 1: there is no 'colour'; there are key,"),
        (OVERALL + "levels = ['x']", "criteria 1, levels must be tables"),
        (OVERALL + "levels = [{ id = 1 }]", "criteria 1, levels 1, id must be text, not 1."),
        (OVERALL + "levels = [{ id = 'x' }]", "Level 1 of 'overall' has no description."),
        ("title = ", "Invalid value (at end of document)."),
        (b"title = '\xff'", "study.toml is no UTF-8 from byte 10 on."),
        (b"x" * (1024 * 1024 + 1), "study.toml is larger than 1024 KiB."),
        ("a = " + "[" * 50_000, "It is nested too deeply."),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, text: str | bytes, fault: str) -> None:
    (found,) = faults_of(tmp_path, text)
    assert fault in found


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"study\.toml cannot be read: No such file"):
        read_study_file(tmp_path / "study.toml")
    with pytest.raises(StudyFileError, match="cannot be read: Is a directory"):
        read_study_file(tmp_path)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = "titel = 1\nseed = -1\n[rules.checks]\ngold_share = 2\nglod = 1\n" + OVERALL + "x = 1\n"
    assert len(faults_of(tmp_path, text)) == 5


@pytest.mark.parametrize(
    "text",
    [
        f"seed = {'9' * 5000}",
        f"seed = 0x{'f' * 5000}",
        f"title = 0x{'f' * 5000}",
        f"[rules.limits]\nper_day = 0x{'f' * 5000}",
        "seed = 2026-02-31",
    ],
)
def test_a_number_or_a_date_that_cannot_be_is_a_fault_in_few_words(
    tmp_path: Path, text: str
) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert len(fault) < 200


def test_a_long_value_is_shortened_in_the_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, f'results = "{"x" * 5000}"')
    assert "results must be one of" in fault
    assert len(fault) < 200


def test_instructions_in_a_file_with_nul_in_its_name_are_not_looked_for(tmp_path: Path) -> None:
    assert faults_of(tmp_path, r'instructions_file = "a\u0000b"') == [
        "instructions_file holds the character NUL, which cannot be stored."
    ]


def test_overall_cannot_be_optional(tmp_path: Path) -> None:
    assert faults_of(tmp_path, OVERALL + "required = false\n") == [
        "criteria: The criterion 'overall' is always required; leave out required = false."
    ]
