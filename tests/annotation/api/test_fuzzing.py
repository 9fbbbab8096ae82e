"""What schemathesis makes of the description, sent as everybody: no fault of ours, and no answer
that the description does not name (reliability.md, 7.8).

The cases are bounded, so that they fit the suite: four times `FUZZ_EXAMPLES` (4) of each operation,
shared by six visitors; 11 make 2,000 cases, 106 the 20,000 of a night.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
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
from annotation.models import Role, StudyState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
# Who asks, of a study at which point of its life, and how much of `FUZZ_EXAMPLES`: four in all.
VISITORS = {
    ("anonymous", "draft"): 0.25,
    ("annotator", "open"): 0.75,
    ("monitor", "unblinded"): 0.75,
    ("researcher", "draft"): 0.75,
    ("owner", "open"): 0.75,
    ("owner", "unblinded"): 0.75,
}
SLUG = "fuzzed"
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


def headers_of(visitor: str, stage: str) -> dict[str, str]:
    """A study in which the visitor has their role, under the name that the cases are sent to."""
    if stage == "draft":
        study = factories.make_study(SLUG)
    else:
        study = factories.make_open_study(SLUG, rules={"answering": {"by_script": True}})
    comparison = factories.make_comparison(study)
    if stage != "draft":
        # Opening draws them.
        both = (comparison.system_a, comparison.system_b)
        for code, system in zip(("A2", "A1"), both, strict=True):
            system.code = code
            system.save()
    if stage == "unblinded":
        factories.make_vote(comparison)
        study.state = StudyState.CLOSED
        study.opened_at = study.closed_at = study.unblinded_at = timezone.now()
        study.save()
    if visitor == "anonymous":
        return {}
    if visitor == "annotator":
        user = factories.make_annotator(study, factories.make_user()).user
    else:
        user = factories.make_membership(study, Role(visitor)).user
    return {"Authorization": f"Bearer {issue_token(user, 'fuzz', list(Scope)).secret}"}


@pytest.mark.parametrize(("visitor", "stage"), VISITORS)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(visitor: str, stage: str, path: str, method: str) -> None:
    headers = headers_of(visitor, stage)
    operation = schema()[path][method]

    @settings(
        max_examples=max(1, round(EXAMPLES * VISITORS[visitor, stage])),
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
        # A key of our own, or none.
        case.headers.pop("Authorization", None)
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKED)

    send()
