"""The catalogues: complete, compiled, and asked for exactly what they hold."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from tests.catalogues import (
    DOMAINS,
    PROJECT_ROOT,
    ROOMS,
    TRANSLATED_ROOMS,
    Catalogue,
    Text,
    catalogue_paths,
    marked_in,
    read_catalogue,
    texts_of_python,
    texts_of_script,
    texts_of_template,
)

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|<[^>]+>|&\w+;")

# Words that English and German share.
SAME_IN_BOTH = {"Name", "Auto", "System"}

CATALOGUES = {str(path.relative_to(PROJECT_ROOT)): path for path in catalogue_paths()}

each_catalogue = pytest.mark.parametrize("path", CATALOGUES.values(), ids=CATALOGUES)


def each_in(*languages: str) -> pytest.MarkDecorator:
    chosen = {name: path for name, path in CATALOGUES.items() if path.parts[-3] in languages}
    return pytest.mark.parametrize("path", chosen.values(), ids=chosen)


each_of_pages = pytest.mark.parametrize(
    "path", [path for path in CATALOGUES.values() if path.stem == "django"], ids=str
)


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def path_of(room: str, language: str, domain: str) -> Path:
    return PROJECT_ROOT / room / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("language", [code for code, name in settings.LANGUAGES])
def test_a_catalogue_holds_what_its_room_asks_for_and_nothing_else(
    room: str, language: str
) -> None:
    for domain, marked in marked_in(room).items():
        path = path_of(room, language, domain)
        held = read_catalogue(path).texts() if path.exists() else []
        assert marked - set(held) == set(), "not in the catalogue: run makemessages and translate"
        assert set(held) - marked == set(), "nothing asks for this any more: run makemessages"
        assert len(held) == len(set(held))


def test_every_catalogue_is_of_a_room_and_a_language_of_the_site() -> None:
    languages = [code for code, name in settings.LANGUAGES]
    possible = {
        path_of(room, language, domain)
        for room in TRANSLATED_ROOMS
        for language in languages
        for domain in DOMAINS
    }
    assert set(CATALOGUES.values()) <= possible
    assert len(CATALOGUES) >= 3 * len(languages)


@each_catalogue
def test_every_text_is_translated_with_the_same_placeholders(path: Path) -> None:
    catalogue = read_catalogue(path)
    (forms,) = map(int, re.findall(r"nplurals=(\d)", catalogue.header))
    for entry in catalogue.entries:
        assert "fuzzy" not in entry.flags, entry.text
        assert len(entry.translations) == (forms if entry.text.many else 1), entry.text
        for said in entry.translations:
            assert said.strip(), entry.text
            assert placeholders(said) == placeholders(entry.text.many or entry.text.one), said


@each_in("en")
def test_english_says_what_the_source_says(path: Path) -> None:
    for entry in read_catalogue(path).entries:
        assert entry.translations == [said for said in (entry.text.one, entry.text.many) if said]


@each_in("de")
def test_a_translation_is_no_copy(path: Path) -> None:
    same = [
        entry.text.one
        for entry in read_catalogue(path).entries
        if entry.translations[0] == entry.text.one
    ]
    assert set(same) <= SAME_IN_BOTH


@each_catalogue
def test_the_compiled_catalogue_is_that_of_the_text(path: Path) -> None:
    compiled = path.with_suffix(".mo")
    assert compiled.exists(), "run compilemessages"
    with compiled.open("rb") as file:
        held = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    assert held == read_catalogue(path).compiled(), "run compilemessages"


@each_of_pages
def test_no_other_catalogue_has_another_word_for_it(path: Path) -> None:
    with translation.override(path.parts[-3]):
        for entry in read_catalogue(path).entries:
            if entry.text.many is None:
                said = [translation.gettext(entry.text.one)]
            else:
                one, many = entry.text.one, entry.text.many
                said = [translation.ngettext(one, many, number) for number in (1, 2)]
            assert said == entry.translations


@each_in("de")
def test_german_is_typeset_as_german(path: Path) -> None:
    for entry in read_catalogue(path).entries:
        for said in entry.translations:
            bare = re.sub(r"<[^>]+>", "", said)
            assert not re.search(r'["”]|\.\.\.| - (?!_)', bare), said
            assert bare.count("„") == bare.count("“"), said


def test_the_reader_of_sources_finds_every_form() -> None:
    assert list(texts_of_python('_("a" "b"); x.ngettext("c", "d", n); f("e")')) == [
        Text("ab"),
        Text("c", "d"),
    ]
    template = (
        '{% load i18n %}{% translate "It\'s" %} x {% blocktranslate trimmed count n=n %}\n'
        " {{ n }} pair{% plural %}{{ n }} pairs{% endblocktranslate %}"
    )
    assert list(texts_of_template(template)) == [
        Text("It's"),
        Text("%(n)s pair", "%(n)s pairs"),
    ]
    script = '/* gettext("no") */ gettext(\n  "a \\"b\\"",\n); ngettext("c", "d", count)'
    assert list(texts_of_script(script)) == [Text('a "b"'), Text("c", "d")]
    with pytest.raises(AssertionError, match="no single text"):
        list(texts_of_script('gettext("a" + name)'))


def test_the_reader_of_catalogues_knows_plurals_contexts_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "some.po"
    file.write_text(
        'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n'
        '#, fuzzy, python-format\nmsgctxt "verb"\nmsgid "a"\nmsgid_plural "b"\n'
        'msgstr[0] "c"\nmsgstr[1] ""\n"d"\n',
        encoding="utf-8",
    )
    catalogue = read_catalogue(file)
    (entry,) = catalogue.entries
    assert (entry.text, entry.translations) == (Text("a", "b", "verb"), ["c", "d"])
    assert entry.flags == {"fuzzy", "python-format"}
    assert catalogue.compiled() == {
        "": "Language: de\n",
        ("verb\x04a", 0): "c",
        ("verb\x04a", 1): "d",
    }
    assert Catalogue().texts() == []
