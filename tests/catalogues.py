"""Catalogues of translations, and the texts that the sources ask them for, without GNU gettext."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# The rooms that have catalogues. In another one a text that is marked would never be translated.
TRANSLATED_ROOMS = ("annotation", "evalsite")
ROOMS = ("annotation", "evalsite", "judging", "reports")
DOMAINS = ("django", "djangojs")

# What a call marks: which of its arguments are the context, the text and its plural.
MARKS = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}


@dataclass(frozen=True, slots=True)
class Text:
    """What is translated: a text, perhaps with a plural or a context that tells it apart."""

    one: str
    many: str | None = None
    context: str | None = None


@dataclass
class Entry:
    """A text in a catalogue, with one translation for each plural form."""

    text: Text
    translations: list[str]
    flags: frozenset[str] = frozenset()


@dataclass
class Catalogue:
    """A file of translations; `header` is the entry of the empty text."""

    header: str = ""
    entries: list[Entry] = field(default_factory=list)

    def texts(self) -> list[Text]:
        return [entry.text for entry in self.entries]

    def compiled(self) -> dict[str | tuple[str, int], str]:
        """What `gettext.GNUTranslations` holds of it, by its own keys."""
        found: dict[str | tuple[str, int], str] = {"": self.header}
        for entry in self.entries:
            text = entry.text
            key = text.one if text.context is None else f"{text.context}\x04{text.one}"
            if text.many is None:
                found[key] = entry.translations[0]
            else:
                found |= {(key, form): said for form, said in enumerate(entry.translations)}
        return found


LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])? )?(".*")$')


def read_catalogue(path: Path) -> Catalogue:
    """Read a .po file. Anything that is none of its forms is an error."""
    catalogue = Catalogue()
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        parts: dict[str, str] = {}
        flags: set[str] = set()
        last = ""
        for line in block.splitlines():
            if line.startswith("#"):
                assert not line.startswith("#~"), f"{path}: a text that nothing asks for: {line}"
                if line.startswith("#,"):
                    flags.update(flag.strip() for flag in line[2:].split(","))
                continue
            match = LINE.match(line)
            assert match is not None, f"{path}: {line}"
            if match[1]:
                last = match[1] + (match[2] or "")
                assert last not in parts, f"{path}: {line}"
                parts[last] = ""
            # The escapes of a .po file are those of Python.
            parts[last] += ast.literal_eval(match[3])
        translations = [said for name, said in parts.items() if name.startswith("msgstr")]
        if parts["msgid"] == "":
            catalogue.header = translations[0]
            continue
        text = Text(parts["msgid"], parts.get("msgid_plural"), parts.get("msgctxt"))
        catalogue.entries.append(Entry(text, translations, frozenset(flags)))
    return catalogue


def texts_of_python(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            text = text_of_call(node)
            if text is not None:
                yield text


def text_of_call(node: ast.Call) -> Text | None:
    name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
    if name not in MARKS:
        return None
    context, one, many = MARKS[str(name)]
    first = node.args[one]
    assert isinstance(first, ast.Constant), f"{ast.unparse(node)} marks no text that is written out"

    def said(place: int | None) -> str | None:
        return None if place is None else ast.literal_eval(node.args[place])

    return Text(str(said(one)), said(many), said(context))


def texts_of_template(source: str) -> Iterator[Text]:
    """Django turns the marks of a template into calls and everything else into X."""
    for call in calls_in(templatize(source)):
        yield from texts_of_python(call)


def texts_of_script(source: str) -> Iterator[Text]:
    """A text of a script stands in double quotes, in one piece, so that it is found."""
    for call in calls_in(without_comments(source)):
        # A comma after the last argument and names of variables are fine in Python, too.
        yield from texts_of_python(call)


def without_comments(script: str) -> str:
    return re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)


CALL = re.compile(rf"(?<![\w.])(?:{'|'.join(MARKS)})\(\s*u?[\"']")
STRING = re.compile(r"u?(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")


def calls_in(code: str) -> Iterator[str]:
    """The calls that mark a text, each as an expression with its strings alone."""
    for match in CALL.finditer(code):
        name = code[match.start() : code.index("(", match.start())]
        wanted = 1 + max(place for place in MARKS[name] if place is not None)
        strings: list[str] = []
        at = match.end() - 1
        while len(strings) < wanted:
            found = STRING.search(code, at)
            assert found is not None, f"{code[match.start() :][:80]} marks no text"
            between = code[at : found.start()].strip()
            assert between in ("", ","), f"{code[match.start() : found.end()]} is no single text"
            strings.append(found[0])
            at = found.end()
        after = code[at:].lstrip()
        assert after[:1] in (",", ")"), f"{code[match.start() : at + 10]} is no single text"
        yield f"{name}({', '.join(strings)})"


def marked_in(room: str) -> dict[str, set[Text]]:
    """Every text that the room's sources ask a catalogue for, by domain."""
    folder = PROJECT_ROOT / room
    found: dict[str, set[Text]] = {"django": set(), "djangojs": set()}
    for path in sorted(folder.rglob("*.py")):
        found["django"].update(texts_of_python(path.read_text(encoding="utf-8")))
    for path in sorted(folder.rglob("*.html")):
        found["django"].update(texts_of_template(path.read_text(encoding="utf-8")))
    for path in sorted(folder.rglob("*.js")):
        if "vendor" not in path.parts:
            found["djangojs"].update(texts_of_script(path.read_text(encoding="utf-8")))
    return found


def catalogue_paths() -> list[Path]:
    return sorted(PROJECT_ROOT.glob("*/locale/*/LC_MESSAGES/*.po"))
