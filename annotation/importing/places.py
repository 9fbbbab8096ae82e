"""Places in the files of one import, each held as one integer. Pure."""

from annotation.importing.ledger import STORED

_LINE_BITS = 40


class Places:
    """Numbers the files of an import and names places in them for messages."""

    def __init__(self) -> None:
        self._files: list[str] = []

    def add_file(self, name: str) -> int:
        """Make a file known; its number is the first half of its places."""
        if name not in self._files:
            self._files.append(name)
        return self._files.index(name)

    def name(self, place: int) -> str:
        """Name a place: ``file:line``, or that it is the database."""
        if place == STORED:
            return "what the study already holds"
        return f"{self.file(place)}:{self.line(place)}"

    def file(self, place: int) -> str:
        return self._files[place >> _LINE_BITS]

    def line(self, place: int) -> int:
        return place & ((1 << _LINE_BITS) - 1)


def place_of(file: int, line: int) -> int:
    return file << _LINE_BITS | line
