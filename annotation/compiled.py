"""Queries of the rating path, written with the ORM and compiled to SQL once a connection.

Building a query set and compiling it costs several times what the database needs to answer it.
Where the same few queries run for every vote, that is most of what a vote costs. A query here is
declared once, with a `Parameter` wherever its values go, and then only run:

    OWN = CompiledQuery(lambda: Assignment.objects.filter(annotator=Parameter("annotator", KEY)))
    OWN.rows(annotator=annotator.pk)

It stays the ORM's SQL, for either database, so a changed column changes it too. What it cannot do
is vary in form: lists of values have a fixed length, and conditions are there or not.

PostgreSQL keeps them prepared and so does not plan them each time either, which halves its own
part. The values go beside the SQL there, each as the type that its parameter names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Expression, Field, Model, QuerySet
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")

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


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters, of which some are still to be given."""

    sql: str
    params: tuple[Any, ...]
    # Where the given values go.
    given: tuple[tuple[int, Parameter], ...]
    names: frozenset[str]
    # It locks rows, which means nothing outside a transaction.
    locks: bool = False

    @classmethod
    def of(cls, sql: str, params: Sequence[Any], *, locks: bool = False) -> Statement:
        given = tuple(
            (place, value) for place, value in enumerate(params) if isinstance(value, Parameter)
        )
        return cls(sql, tuple(params), given, frozenset(value.name for _, value in given), locks)

    def values(self, connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> list[Any]:
        if values.keys() != self.names:
            raise TypeError(f"This query takes {sorted(self.names)}, not {sorted(values)}.")
        if self.locks and not connection.in_atomic_block:
            raise TransactionManagementError("A query that locks rows runs in a transaction.")
        params = list(self.params)
        for place, parameter in self.given:
            params[place] = parameter.output_field.get_db_prep_value(
                values[parameter.name], connection, prepared=False
            )
        return params


def open_cursor(connection: BaseDatabaseWrapper) -> Any:
    """A cursor as `connection.cursor()` gives it; on PostgreSQL one that can prepare.

    Not while queries are logged: a log needs them with their values.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    # Not at the top: SQLite needs no psycopg.
    from django.db.backends.postgresql.base import ServerBindingCursor

    # As `connection.cursor()` does: after a restart of the database the first query reconnects.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    # Wrapped as Django wraps its own: faults have Django's names.
    with connection.wrap_database_errors:
        binding: Any = ServerBindingCursor
        wrapper: Any = connection
        return wrapper._prepare_cursor(binding(connection.connection))


def compiled_on(connection: BaseDatabaseWrapper) -> WeakKeyDictionary[Any, Any]:
    """What was compiled for a connection, by query.

    It is kept on the connection and ends with it. Kept with the query it would not: converters are
    methods of the connection, and would hold it for ever.
    """
    kept: WeakKeyDictionary[Any, Any] = vars(connection).setdefault(
        "compiled_queries", WeakKeyDictionary()
    )
    return kept


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
        with open_cursor(connection) as cursor:
            cursor.execute(reading.statement.sql, reading.statement.values(connection, values))
            found = cursor.fetchall()
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
            Statement.of(sql, params, locks=rows.query.select_for_update),
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
    populators: Sequence[Any] = get_related_populators(  # type: ignore[call-arg]  # of Django 6
        info, compiler.select, DEFAULT_DB_ALIAS
    )
    annotations = list((compiler.annotation_col_map or {}).items())

    def instance(row: Sequence[Any]) -> Model:
        made = model.from_db(DEFAULT_DB_ALIAS, names, row[start:end])
        for populator in populators:
            populator.populate(row, made)
        for name, place in annotations:
            setattr(made, name, row[place])
        return made

    return instance


class CompiledChange(ABC):
    """An UPDATE or INSERT."""

    # Whether it answers with a new primary key, and not with how many rows it changed.
    returns_key = False

    def __init__(self, build: Callable[[BaseDatabaseWrapper], Statement]) -> None:
        self.build = build

    def statement_on(self, connection: BaseDatabaseWrapper) -> Statement:
        compiled = compiled_on(connection)
        statement: Statement | None = compiled.get(self)
        if statement is None:
            statement = compiled[self] = self.build(connection)
        return statement

    def run(self, **values: Any) -> int:
        """Run it with a value for each of its parameters."""
        connection = connections[DEFAULT_DB_ALIAS]
        statement = self.statement_on(connection)
        with open_cursor(connection) as cursor:
            cursor.execute(statement.sql, statement.values(connection, values))
            return self.answer(cursor)

    def run_with(self, values: Mapping[str, Any]) -> int:
        """Run it with those of the values that it names."""
        names = self.statement_on(connections[DEFAULT_DB_ALIAS]).names
        return self.run(**{name: values[name] for name in names})

    @abstractmethod
    def answer(self, cursor: Any) -> int:
        """What it came to."""


class CompiledUpdate(CompiledChange):
    """An UPDATE of the rows of a query set; the changes may hold expressions and parameters."""

    def __init__(self, build: Callable[[], QuerySet[Any]], **changes: Any) -> None:
        def update(connection: BaseDatabaseWrapper) -> Statement:
            query: Any = build().query.chain(UpdateQuery)
            query.add_update_values(changes)
            compiler = query.get_compiler(connection=connection)
            if connection.in_atomic_block or not connection.features.has_select_for_update:
                return Statement.of(*compiler.as_sql())
            # Rows that a subquery locks are locked by the statement itself, for as long as it
            # lasts. Django asks for a transaction when it compiles.
            with transaction.atomic():
                return Statement.of(*compiler.as_sql())

        super().__init__(update)

    def answer(self, cursor: Any) -> int:
        """How many rows it changed."""
        return int(cursor.rowcount)


class CompiledInsert(CompiledChange):
    """An INSERT of one row of a model, with a parameter for each of `given`, by column name."""

    returns_key = True

    def __init__(self, model: type[Model], given: Sequence[str]) -> None:
        def insert(connection: BaseDatabaseWrapper) -> Statement:
            fields = [field for field in model._meta.concrete_fields if not field.primary_key]
            by_name = {field.attname: field for field in fields}
            for name, field in by_name.items():
                # Made once, it would be the same in every row: a moment, an id.
                varies = callable(field.default) and field.default not in (dict, list)
                if name not in given and field.has_default() and varies:
                    raise TypeError(f"{model.__name__}.{name} has to be given.")
            row = model(**{name: Parameter(name, by_name[name]) for name in given})
            query = InsertQuery(model)
            query.insert_values(fields, [row])
            compiler = query.get_compiler(connection=connection)
            compiler.returning_fields = [model._meta.pk]
            ((sql, params),) = compiler.as_sql()
            return Statement.of(sql, params)

        super().__init__(insert)

    def answer(self, cursor: Any) -> int:
        """The new primary key."""
        return int(cursor.fetchone()[0])


class CompiledTogether:
    """Changes, and then a SELECT: one statement where the database knows such, else one by one.

    PostgreSQL takes UPDATE and INSERT as parts of a WITH. No part sees what another did, so no two
    of them may change the same row, nor may the SELECT ask for what they write.

    Parameters
    ----------
    reading : CompiledQuery
        The SELECT.
    changes : dict of str to CompiledChange
        The changes by name. Values are given by name to all, and each takes those that it names.
    """

    def __init__(self, reading: CompiledQuery[Row], **changes: CompiledChange) -> None:
        self.reading = reading
        self.changes = changes

    def run(self, **values: Any) -> tuple[dict[str, int], list[Any]]:
        """Run it: what each change would answer by itself, and the rows of the SELECT.

        Raises
        ------
        LookupError
            If the SELECT finds no row: then nothing would say what became of the changes.
        TransactionManagementError
            If no transaction is open, which would undo what was changed before a fault.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        if not connection.in_atomic_block:
            raise TransactionManagementError("Changes that belong together need a transaction.")
        reading = self.reading.compiled(connection)
        if connection.vendor == "postgresql":
            answers, rows = self.run_at_once(connection, reading, values)
        else:
            answers = {name: change.run_with(values) for name, change in self.changes.items()}
            rows = self.reading.rows(**{name: values[name] for name in reading.statement.names})
        if not rows:
            raise LookupError("What was to be read beside the changes is not there.")
        return answers, rows

    def run_at_once(
        self, connection: BaseDatabaseWrapper, reading: Reading, values: Mapping[str, Any]
    ) -> tuple[dict[str, int], list[Any]]:
        compiled = compiled_on(connection)
        statement: Statement | None = compiled.get(self)
        if statement is None:
            statement = compiled[self] = self.join(connection, reading)
        with open_cursor(connection) as cursor:
            cursor.execute(statement.sql, statement.values(connection, values))
            found = cursor.fetchall()
        if not found:
            return {}, []
        count = len(self.changes)
        answers = dict(zip(self.changes, found[0][:count], strict=True))
        return answers, reading.rows_of((row[count:] for row in found), connection)

    def join(self, connection: BaseDatabaseWrapper, reading: Reading) -> Statement:
        parts: list[str] = []
        answers: list[str] = []
        params: list[Any] = []
        for name, change in self.changes.items():
            statement = change.statement_on(connection)
            returning = "" if change.returns_key else " RETURNING 1"
            what = "*" if change.returns_key else "count(*)"
            parts.append(f"{name} AS ({statement.sql}{returning})")
            answers.append(f"(SELECT {what} FROM {name})")  # noqa: S608 - names of the code
            params += statement.params
        sql = (
            f"WITH {', '.join(parts)} SELECT {', '.join(answers)}, read.* "  # noqa: S608 - as above
            f"FROM ({reading.statement.sql}) read"
        )
        return Statement.of(sql, [*params, *reading.statement.params])
