"""SQL with places for values, and what goes there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Expression, Field
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

# What primary and foreign keys are.
KEY: BigIntegerField[int, int] = BigIntegerField()


class Parameter(Expression):
    """Stands in a query for a value that is given when it runs."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    # Itself, until `Statement.values` puts the value there.
    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return "%s", [self]


Adapt = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters, of which some are still to be given."""

    sql: str
    params: tuple[Any, ...]
    # Where the given values go, under which name, and what the database is handed for one.
    given: tuple[tuple[int, str, Adapt], ...]
    names: frozenset[str]
    # It locks rows, which means nothing outside a transaction.
    locks: bool = False

    @classmethod
    def of(
        cls,
        connection: BaseDatabaseWrapper,
        sql: str,
        params: Sequence[Any],
        *,
        locks: bool = False,
    ) -> Statement:
        if connection.vendor == "postgresql":
            sql, params = with_constants_in(connection, sql, params)
        given = tuple(
            (place, value.name, adapter_of(value.output_field, connection))
            for place, value in enumerate(params)
            if isinstance(value, Parameter)
        )
        names = frozenset(name for _, name, _ in given)
        return cls(sql, tuple(params), given, names, locks)

    def values(self, connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> list[Any]:
        if values.keys() != self.names:
            raise TypeError(f"This query takes {sorted(self.names)}, not {sorted(values)}.")
        if self.locks and not connection.in_atomic_block:
            raise TransactionManagementError("A query that locks rows runs in a transaction.")
        params = list(self.params)
        for place, name, adapt in self.given:
            params[place] = adapt(values[name])
        return params


# A place for a value, or a per cent sign that stands for itself.
PLACE = re.compile(r"%[s%]")


def with_constants_in(
    connection: Any, sql: str, params: Sequence[Any]
) -> tuple[str, list[Parameter]]:
    """The SQL with every value that the code names written into it, and what is left to be given.

    A prepared plan is made for any values of its parameters. Of `source = 'imported'` it then does
    not know that hardly a row is so, nor that an index holds these. Of what the SQL says it does.
    """
    # Not at the top: SQLite needs no psycopg.
    from psycopg.sql import Literal

    connection.ensure_connection()
    values = iter(params)
    left: list[Parameter] = []

    def written(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return place[0]
        value = next(values)
        if isinstance(value, Parameter):
            left.append(value)
            return place[0]
        return Literal(value).as_string(connection.connection).replace("%", "%%")

    return PLACE.sub(written, sql), left


def adapter_of(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> Adapt:
    """What a value of the field is made into for the database.

    As the field itself does it. Whole numbers, which most values are, go the shortest way to the
    same: on PostgreSQL to the type of the column, whatever their size, so that a statement stays
    the one that is prepared.
    """
    sizes: Mapping[str, Adapt] = getattr(connection.ops, "integerfield_type_map", {})
    sized = sizes.get(field.get_internal_type())
    if sized is not None:
        return lambda value: None if value is None else sized(value)
    return lambda value: field.get_db_prep_value(value, connection, prepared=False)
