"""Pasted lists and CSV of people to invite."""

import pytest

from annotation.models import Role
from annotation.people import BadListError, Invitee, read_list
from annotation.people.lists import MOST_ROWS


def problems_of(text: str, **options) -> list[str]:
    with pytest.raises(BadListError) as caught:
        read_list(text, **options)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_with_a_header_is_read_in_any_order_of_columns(separator):
    text = "team,E-Mail,name,role\nBerlin,ada@example.org,Ada,monitor\n,,Grace,\n"
    assert read_list(text.replace(",", separator), team="Rome") == [
        Invitee("Ada", "ada@example.org", Role.MONITOR, "Berlin", 2),
        Invitee("Grace", "", Role.ANNOTATOR, "Rome", 3),
    ]


def test_addresses_alone_are_people_too():
    text = "\n ada@example.org \nGrace Hopper <grace@example.org>\r\n"
    assert read_list(text) == [
        Invitee("", "ada@example.org", line=2),
        Invitee("Grace Hopper", "grace@example.org", line=3),
    ]


def test_a_name_in_quotation_marks_may_hold_a_comma_and_a_byte_order_mark_is_passed_over():
    text = '\ufeffname,email\n"Lovelace, Ada",ada@example.org\n'
    assert read_list(text)[0].name == "Lovelace, Ada"


def test_every_bad_row_is_named_with_its_line():
    text = (
        "name,email,role,team\n"
        "Ada,ada@example,annotator,\n"
        "\n"
        "Grace,grace@example.org,emperor,\n"
        "Grace,GRACE@example.org,,\n"
        ",,annotator,\n"
        "Alan,alan@example.org,,Bletchley,more\n"
        "Emmy,emmy@example.org,,\x07\n"
    )
    assert problems_of(text) == [
        "Line 2: 'ada@example' is no e-mail address.",
        "Line 4: 'emperor' is no role; roles are owner, researcher, monitor, adjudicator, "
        "annotator.",
        "Line 5: GRACE@example.org stands in line 4 already.",
        "Line 6: it names nobody: give a name or an e-mail address.",
        "Line 7: it has 5 cells; there are 4 columns.",
        "Line 8: the team holds a character that cannot be shown.",
    ]


def test_a_letter_needs_an_address():
    assert problems_of("name,email\nAda,\n", needs_email=True) == [
        "Line 2: an e-mail address is missing, and invitations are to be sent by e-mail."
    ]
    assert read_list("name,email\nAda,\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The list is empty"),
        (" \n\n", "The list is empty"),
        ("name,email\n", "Below the header there is nobody"),
        ("name,salary\nAda,1\n", "there is no column 'salary'"),
        ("name,name\nAda,Ada\n", "the column name comes twice"),
        ('name,email\n"Ada,ada@example.org\n', "quotation marks do not fit together"),
        ("x" * 1_000_001, "longer than 1,000,000 characters"),
        ("Ada," + "n" * 250 + "@example.org", "is no e-mail address"),
        ("n" * 151 + ",ada@example.org", "the name has 151 characters; 150 are the most"),
    ],
)
def test_lists_that_cannot_be_followed(text, said):
    assert said in "\n".join(problems_of(text))


def test_more_rows_than_can_be_invited_at_once_are_refused():
    rows = [f"n{number}@example.org" for number in range(MOST_ROWS + 1)]
    assert "1000 are the most" in problems_of("\n".join(rows))[0]
    assert len(read_list("\n".join(rows[:-1]))) == MOST_ROWS
