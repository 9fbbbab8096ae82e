"""What stands for a system on the pages of watching: its code while the names are sealed."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from annotation.access import roles_on_page
from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.models import Role, Study, System


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks, as far as a page depends on it.

    Attributes
    ----------
    sees_outcomes : bool
        Whether names, verdicts and results may be seen.
    conducts : bool
        Owner or researcher: decides on annotators and on the study.
    """

    roles: frozenset[Role]
    sees_outcomes: bool

    @property
    def conducts(self) -> bool:
        return not self.roles.isdisjoint(READERS)

    @classmethod
    def of(cls, request: HttpRequest, study: Study) -> Watcher:
        """Who opened the page. No query."""
        roles = roles_on_page(request, study)
        return cls(roles, roles_can_see_outcomes(roles, study))


def token_of(system: System) -> str:
    return salted_hmac("watching.system", str(system.pk)).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Names:
    """The systems of a study as one watcher may know them.

    Attributes
    ----------
    labels : dict of int to str
        By key, as they are written.
    tokens : dict of int to str
        By key, as they stand in addresses. Keys of rows do not: their order is that of the import.
    places : dict of int to int
        By key, the order in which they stand.
    """

    labels: dict[int, str]
    tokens: dict[int, str]
    places: dict[int, int]

    @classmethod
    def of(cls, study: Study, watcher: Watcher) -> Names:
        """Names for whoever may see outcomes, codes for everybody else. One query."""
        # Codes are drawn at opening. Before it only those who set the study up see names.
        systems = list(System.objects.filter(study=study))
        tokens = {system.pk: system.code or token_of(system) for system in systems}
        blind = sorted(tokens, key=lambda key: (len(tokens[key]), tokens[key]))
        if watcher.sees_outcomes:
            labels = {system.pk: system.name for system in systems}
            order = sorted(labels, key=labels.__getitem__)
        else:
            labels = {
                system.pk: system.code or f"System {blind.index(system.pk) + 1}"
                for system in systems
            }
            order = blind
        return cls(labels, tokens, {key: place for place, key in enumerate(order)})

    def in_order(self, system: int, other: int) -> tuple[int, int]:
        """Two systems as they are written one after the other."""
        first, second = sorted((system, other), key=self.places.__getitem__)
        return first, second

    def pair(self, system: int, other: int) -> str:
        first, second = self.in_order(system, other)
        return f"{self.labels[first]} · {self.labels[second]}"

    def token_of_pair(self, system: int, other: int) -> str:
        return ".".join(self.tokens[key] for key in self.in_order(system, other))

    def pair_of_token(self, token: str) -> tuple[int, int] | None:
        """The keys of two systems named in an address; None where these are none of the study."""
        by_token = {token: key for key, token in self.tokens.items()}
        keys = [by_token.get(part) for part in token.split(".")]
        if len(keys) != 2 or keys[0] is None or keys[1] is None:
            return None
        return keys[0], keys[1]

    def place_of_pair(self, system: int, other: int) -> tuple[int, int]:
        first, second = self.in_order(system, other)
        return self.places[first], self.places[second]
