"""The committed description of the API is the one that the views have now, and a valid one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from annotation.access.routes import list_routes
from annotation.api.description import describe

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"


def test_the_committed_description_is_in_step():
    """After a change: manage.py spectacular --file docs/openapi.yaml"""
    made = OpenApiYamlRenderer().render(describe(), renderer_context={}).decode()
    assert made == COMMITTED.read_text(encoding="utf-8")


def test_it_is_valid_and_made_without_a_guess():
    with GENERATOR_STATS.silence():
        validate_schema(describe())
    assert not GENERATOR_STATS


def test_every_address_of_the_api_is_described():
    described = set(describe()["paths"])
    routes = {route.path for route in list_routes() if route.path.startswith("api/")}
    routes.discard("api/<path:rest>")
    assert described == {"/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in routes}


@pytest.mark.parametrize("word", ["__all__", "password", "token_hash", "queue_seed"])
def test_it_names_nothing_of_the_inside(word):
    assert word not in COMMITTED.read_text(encoding="utf-8")
