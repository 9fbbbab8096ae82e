"""UPDATE and INSERT that were compiled, alone or in one statement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.transaction import TransactionManagementError

from .reading import ALL_ROWS, CompiledQuery, Reading
from .running import compiled_on, run
from .statements import Parameter, Statement


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
        return run(connection, self.statement_on(connection), values, self.answer)

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
                return Statement.of(connection, *compiler.as_sql())
            # Rows that a subquery locks are locked by the statement itself, for as long as it
            # lasts. Django asks for a transaction when it compiles.
            with transaction.atomic():
                return Statement.of(connection, *compiler.as_sql())

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
            return Statement.of(connection, sql, params)

        super().__init__(insert)

    def answer(self, cursor: Any) -> int:
        """The new primary key."""
        return int(cursor.fetchone()[0])


class CompiledTogether:
    """Changes, and maybe a SELECT: one statement where the database knows such, else one by one.

    PostgreSQL takes UPDATE and INSERT as parts of a WITH. No part sees what another did, so no two
    of them may change the same row, nor may the SELECT ask for what they write.

    Parameters
    ----------
    reading : CompiledQuery or None
        The SELECT.
    changes : dict of str to CompiledChange
        The changes by name. Values are given by name to all, and each takes those that it names.
    """

    def __init__(self, reading: CompiledQuery[Any] | None, **changes: CompiledChange) -> None:
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
        reading = None if self.reading is None else self.reading.compiled(connection)
        if connection.vendor == "postgresql":
            return self.run_at_once(connection, reading, values)
        answers = {name: change.run_with(values) for name, change in self.changes.items()}
        if self.reading is None or reading is None:
            return answers, []
        named = {name: values[name] for name in reading.statement.names}
        return answers, demand(self.reading.rows(**named))

    def run_at_once(
        self, connection: BaseDatabaseWrapper, reading: Reading | None, values: Mapping[str, Any]
    ) -> tuple[dict[str, int], list[Any]]:
        compiled = compiled_on(connection)
        statement: Statement | None = compiled.get(self)
        if statement is None:
            statement = compiled[self] = self.join(connection, reading)
        found = demand(run(connection, statement, values, ALL_ROWS))
        count = len(self.changes)
        answers = dict(zip(self.changes, found[0][:count], strict=True))
        if reading is None:
            return answers, []
        return answers, reading.rows_of((row[count:] for row in found), connection)

    def join(self, connection: BaseDatabaseWrapper, reading: Reading | None) -> Statement:
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
        sql = f"WITH {', '.join(parts)} SELECT {', '.join(answers)}"
        if reading is not None:
            sql += f", read.* FROM ({reading.statement.sql}) read"
            params += reading.statement.params
        return Statement.of(connection, sql, params)


def demand(rows: list[Any]) -> list[Any]:
    """The rows, of which there must be one."""
    if not rows:
        raise LookupError("What was to be read beside the changes is not there.")
    return rows
