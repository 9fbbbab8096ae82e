"""An open study and its owner, for the tests of inviting people."""

from __future__ import annotations

import pytest

from annotation.models import Role, Study, User
from tests import factories


@pytest.fixture
def study() -> Study:
    return factories.make_open_study(title="Capitals")


@pytest.fixture
def owner(study: Study) -> User:
    return factories.make_membership(study, Role.OWNER).user
