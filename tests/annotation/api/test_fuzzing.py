"""What schemathesis makes of the description, sent as everybody: no fault of ours, and no answer
that the description does not name (reliability.md, 7.8).

Each operation is sent by six visitors. A few cases of each fit the suite; the slow suite sends some
2,000 in all, and `FUZZ_EXAMPLES` (5) sets another number there: 50 make the 20,000 of a night.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from annotation.api.description import describe
from annotation.api.tokens import Scope, issue_token
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import close_study, unblind_study
from annotation.models import Role
from reports import analysis
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

EXAMPLES = [
    pytest.param(1, id="few"),
    pytest.param(int(os.environ.get("FUZZ_EXAMPLES", "5")), id="many", marks=pytest.mark.slow),
]
# Who asks, of a study at which point of its life, and how much of the examples: four times in all.
VISITORS = {
    ("anonymous", "draft"): 0.25,
    ("annotator", "open"): 0.75,
    ("monitor", "unblinded"): 0.75,
    ("researcher", "draft"): 0.75,
    ("owner", "open"): 0.75,
    ("owner", "unblinded"): 0.75,
}
SLUG = "fuzzed"
# Addresses that read a report, which takes a while to make.
OF_A_REPORT = ("analyses", "exports", "alignment", "validations")
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@functools.cache
def schema():
    config = SchemathesisConfig()
    found = schemathesis.openapi.from_dict(describe(), config=config)
    found.app = get_wsgi_application()
    return found


OPERATIONS = sorted(
    (found.ok().path, found.ok().method.upper()) for found in schema().get_all_operations()
)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The server would close the connection after each request, with the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@dataclass(frozen=True)
class Visit:
    """Somebody with a key, and what stands in the addresses of their study."""

    headers: dict[str, str]
    there: dict[str, Any]


def visit(visitor: str, stage: str, path: str) -> Visit:
    """A study in which the visitor has their role, under the name that the cases are sent to."""
    study = factories.make_study(SLUG, rules={"answering": {"by_script": True}})
    comparison = factories.make_comparison(study, overlap=3)
    if stage != "draft":
        open_study(study)
        study.refresh_from_db()
    annotator = factories.make_annotator(study, factories.make_user(), external_id="someone")
    there: dict[str, Any] = {
        "account": annotator.user_id,
        "annotator": annotator.external_id,
        "version": factories.make_asked_judge_version(study).pk,
    }
    if stage != "draft":
        there["vote"] = factories.make_vote(comparison, annotator=annotator).pk
    if stage == "unblinded":
        close_study(study)
        study.refresh_from_db()
        unblind_study(study, reason="the votes are in")
        study.refresh_from_db()
        if any(part in path for part in OF_A_REPORT):
            there["analysis"] = analysis.run(study).pk
    if visitor == "anonymous":
        return Visit({}, there)
    if visitor == "annotator":
        user = factories.make_annotator(study, factories.make_user()).user
    else:
        user = factories.make_membership(study, Role(visitor)).user
    assert user is not None
    secret = issue_token(user, "fuzz", list(Scope)).secret
    return Visit({"Authorization": f"Bearer {secret}"}, there)


# Of so many cases one keeps its own addresses, which lead nowhere.
OWN_ADDRESS = 4


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize(("visitor", "stage"), VISITORS)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(
    visitor: str, stage: str, path: str, method: str, examples: int
) -> None:
    found = visit(visitor, stage, path)
    operation = schema()[path][method]
    numbers = itertools.count()

    @settings(
        max_examples=max(1, round(examples * VISITORS[visitor, stage])),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        if "slug" in case.path_parameters:
            case.path_parameters["slug"] = SLUG
        if next(numbers) % OWN_ADDRESS != OWN_ADDRESS - 1:
            for name in set(case.path_parameters) & set(found.there):
                case.path_parameters[name] = found.there[name]
        # A key of our own, or none.
        case.headers.pop("Authorization", None)
        response = case.call(headers=found.headers)
        case.validate_response(response, checks=CHECKED)

    send()
