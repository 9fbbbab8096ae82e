"""Say which rule of the database must refuse a row."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction


@contextmanager
def refused_by(rule: str) -> Generator[None]:
    """Demand that the block fails on the constraint of that name, or with that message.

    SQLite does not name a broken unique constraint over columns: there its columns must match.
    """
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    message = str(caught.value)
    if rule in message:
        return
    columns = unique_columns(rule)
    assert connection.vendor == "sqlite", message
    assert columns, f"no rule {rule}: {message}"
    assert set(re.findall(r"\w+\.(\w+)", message)) == columns, message


def unique_columns(name: str) -> set[str]:
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name and isinstance(constraint, models.UniqueConstraint):
                fields = [model._meta.get_field(field) for field in constraint.fields]
                return {str(field.column) for field in fields if isinstance(field, models.Field)}
    return set()


def constraint_names(app_label: str) -> set[str]:
    """The names of all constraints that the app's models declare."""
    return {
        str(constraint.name)
        for model in apps.get_app_config(app_label).get_models()
        for constraint in model._meta.constraints
    }


def untested(app_label: str, tested: Iterable[str]) -> set[str]:
    return constraint_names(app_label) - set(tested)
