"""Which systems meet, directly or through others. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def find_components(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Group the names of an undirected graph by connection.

    Parameters
    ----------
    pairs
        Two names that meet; a name alone is given as a pair with itself.

    Returns
    -------
    list of tuple of str
        Sorted groups, in the order of their first names.

    Examples
    --------
    >>> find_components([("a", "b"), ("c", "d"), ("b", "e")])
    [('a', 'b', 'e'), ('c', 'd')]
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second in pairs:
        parent[root(first)] = root(second)
    groups: dict[str, list[str]] = {}
    for name in sorted(parent):
        groups.setdefault(root(name), []).append(name)
    return sorted(tuple(group) for group in groups.values())
