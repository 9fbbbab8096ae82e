from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from annotation.importing.digests import UNSTATED, digest_of, key_of
from annotation.importing.ledger import STORED, Conflict, Known, Ledger
from annotation.importing.places import Places, place_of


def test_a_ledger_tells_new_equal_added_and_contradicting_rows() -> None:
    ledger = Ledger("text", "category")
    key = key_of("p1")
    assert ledger.compare(key, [digest_of("x"), UNSTATED]) is Known.NEW

    ledger.admit(key, [digest_of("x"), UNSTATED], place=7)

    assert ledger.compare(key, [digest_of("x"), UNSTATED]) is Known.EQUAL
    assert ledger.compare(key, [UNSTATED, UNSTATED]) is Known.EQUAL
    assert ledger.compare(key, [digest_of("x"), digest_of("c")]) is Known.ADDS
    assert ledger.compare(key, [digest_of("y"), UNSTATED]) == Conflict("text", 7)


def test_what_was_added_counts_from_then_on_and_the_first_place_stays() -> None:
    ledger = Ledger("text", "category")
    key = key_of("p1")
    ledger.admit(key, [digest_of("x"), UNSTATED], place=STORED, pk=3)

    ledger.admit(key, [UNSTATED, digest_of("c")], place=9)

    assert ledger.compare(key, [digest_of("x"), digest_of("c")]) is Known.EQUAL
    assert ledger.compare(key, [UNSTATED, digest_of("d")]) == Conflict("category", STORED)
    assert (ledger.pk(key), ledger.place(key), len(ledger)) == (3, STORED, 1)
    ledger.set_pk(key, 2**40)
    assert (ledger.pk(key), ledger.place(key)) == (2**40, STORED)


def test_keys_are_of_their_parts_and_not_of_their_joined_text() -> None:
    assert key_of("a", "bc") != key_of("ab", "c")
    assert key_of("1") != key_of(1)
    assert key_of("a', 'b") != key_of("a", "b")


def test_digests_forgive_what_databases_change_and_nothing_else() -> None:
    assert digest_of([1.0, {"a": 2}]) == digest_of([1, {"a": 2.0}])
    assert digest_of(Decimal("0.1000000000")) == digest_of(Decimal("0.1"))
    assert digest_of([Decimal("12345.1234567890")]) == digest_of([Decimal("12345.123456789")])
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of("1") != digest_of(1)
    assert digest_of('["a"]') != digest_of(["a"])
    assert digest_of("") != digest_of(None) == UNSTATED
    assert digest_of(True) != digest_of(1)
    assert digest_of(datetime(2026, 1, 1, tzinfo=UTC)) != digest_of(
        datetime(2026, 1, 2, tzinfo=UTC)
    )


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_texts_have_equal_digests_exactly_if_equal(one, two) -> None:
    assert (digest_of(one) == digest_of(two)) == (one == two)


def test_places_are_named_by_file_and_line() -> None:
    places = Places()
    first, second = places.add_file("a.jsonl"), places.add_file("b.jsonl")

    assert places.name(place_of(second, 10**9)) == "b.jsonl:1000000000"
    assert places.name(place_of(first, 1)) == "a.jsonl:1"
    assert places.name(STORED) == "what the study already holds"
    assert places.add_file("a.jsonl") == first
