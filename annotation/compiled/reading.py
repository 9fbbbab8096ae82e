"""SELECTs that were compiled, and how their rows become instances again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.compiler import SQLCompiler

from .running import compiled_on, run
from .statements import Statement

Row = TypeVar("Row")

ALL_ROWS = methodcaller("fetchall")

Converters = list[tuple[int, list[Callable[..., Any]], Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A compiled SELECT and how its rows become what the query set would have given."""

    statement: Statement
    converters: Converters
    make: Callable[[Sequence[Any]], Any]

    def rows_of(self, found: Iterable[Sequence[Any]], connection: BaseDatabaseWrapper) -> list[Any]:
        """What the query set would have given for the rows that the database gave."""
        if self.converters:
            found = (convert(row, self.converters, connection) for row in found)
        return [self.make(row) for row in found]


class CompiledQuery(Generic[Row]):
    """A SELECT. `build` gives the query set: of model instances, or of tuples (`values_list`)."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self.build = build

    def rows(self, **values: Any) -> list[Row]:
        """Run it: one query."""
        connection: Any = connections[DEFAULT_DB_ALIAS]
        if connection.in_atomic_block:
            return self.fetch(connection, values)
        # Of a connection that broke since the last request Django would learn by asking first, in
        # every request. What only reads can be asked again instead.
        connection.health_check_done = True
        try:
            return self.fetch(connection, values)
        except (OperationalError, InterfaceError):
            if connection.connection is None or connection.is_usable():
                raise
            connection.close()
            return self.fetch(connection, values)

    def fetch(self, connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> list[Row]:
        reading = self.compiled(connection)
        found = run(connection, reading.statement, values, ALL_ROWS)
        return reading.rows_of(found, connection)

    def first(self, **values: Any) -> Row | None:
        """Its first row; the query itself says how many it wants."""
        found = self.rows(**values)
        return found[0] if found else None

    def compiled(self, connection: BaseDatabaseWrapper) -> Reading:
        """It on this connection, compiled at its first use."""
        compiled = compiled_on(connection)
        reading: Reading | None = compiled.get(self)
        if reading is None:
            reading = compiled[self] = self.compile(connection)
        return reading

    def compile(self, connection: BaseDatabaseWrapper) -> Reading:
        rows = self.build()
        compiler = rows.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [entry[0] for entry in compiler.select[: compiler.col_count]]
        converters = [
            (place, functions, column)
            for place, (functions, column) in compiler.get_converters(columns).items()
        ]
        models = issubclass(rows._iterable_class, ModelIterable)
        return Reading(
            Statement.of(connection, sql, params, locks=rows.query.select_for_update),
            converters,
            instances_by(compiler) if models else tuple,
        )


def convert(
    row: Sequence[Any], converters: Converters, connection: BaseDatabaseWrapper
) -> list[Any]:
    values = list(row)
    for place, functions, column in converters:
        for function in functions:
            values[place] = function(values[place], column, connection)
    return values


def instances_by(compiler: SQLCompiler) -> Callable[[Sequence[Any]], Model]:
    """How a row becomes an instance with its related ones, as in a query set."""
    info = compiler.klass_info
    if info is None:
        raise TypeError("A query of instances selects a model.")
    model: type[Model] = info["model"]
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [entry[0].target.attname for entry in compiler.select[start:end]]
    make = maker_of(model, names)
    populators: list[Any] = get_related_populators(  # type: ignore[call-arg]  # of Django 6
        info, compiler.select, DEFAULT_DB_ALIAS
    )
    make_quick(populators)
    annotations = list((compiler.annotation_col_map or {}).items())

    def instance(row: Sequence[Any]) -> Model:
        made = make(DEFAULT_DB_ALIAS, names, row[start:end])
        for populator in populators:
            populator.populate(row, made)
        for name, place in annotations:
            setattr(made, name, row[place])
        return made

    return instance


Maker = Callable[[str, Sequence[str], Sequence[Any]], Model]


@dataclass(frozen=True, slots=True)
class Made:
    """Stands for a model where only instances of it are made from rows."""

    from_db: Maker


def make_quick(populators: Iterable[Any]) -> None:
    """Let related instances be made by `maker_of`, too."""
    for populator in populators:
        populator.model_cls = Made(maker_of(populator.model_cls, populator.init_list))
        make_quick(populator.related_populators)


def maker_of(model: type[Model], names: Sequence[str]) -> Maker:
    """`model.from_db`, without what it does for models that are unlike ours.

    It asks each field how it wants to be set, and tells the listeners of two signals: most of what
    an instance costs. Where a model makes its instances in a way of its own, somebody listens, or
    one of its fields is more than a value, it is left to that.
    """
    plain = (
        model.__init__ is Model.__init__
        and inspect.getattr_static(model, "from_db") is inspect.getattr_static(Model, "from_db")
        and not pre_init.has_listeners(model)
        and not post_init.has_listeners(model)
        and all(
            isinstance(inspect.getattr_static(model, name), DeferredAttribute) for name in names
        )
    )
    return quick_maker(model) if plain else model.from_db


def quick_maker(model: type[Model]) -> Maker:
    """Puts the values where the fields would put them."""

    def made(database: str, names: Sequence[str], values: Sequence[Any]) -> Model:
        instance = model.__new__(model)
        state = ModelState()
        state.db, state.adding = database, False
        vars(instance).update(zip(names, values, strict=True), _state=state)
        return instance

    return made
