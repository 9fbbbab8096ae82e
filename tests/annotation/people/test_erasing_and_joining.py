"""Somebody is erased from one study at the moment at which they join another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from annotation import audit, people
from annotation.models import Annotator, Membership, Role, Study, User
from annotation.people import AccountFate, AccountGoneError, Erasure, erasing
from tests import factories
from tests.races import TIMEOUT_S, at_once

pytestmark = pytest.mark.django_db(transaction=True)


class World:
    """An annotator of one study who is invited to another one."""

    def __init__(self) -> None:
        study = factories.make_open_study()
        self.user: User = factories.make_user("ada")
        self.annotator: Annotator = factories.make_annotator(study, self.user)
        self.other: Study = factories.make_open_study()
        self.owner: User = factories.make_membership(self.other, Role.OWNER).user
        self.token = people.invite(self.other, Role.ANNOTATOR)[0].token

    def erase(self) -> Erasure:
        return people.erase(Annotator.objects.get(pk=self.annotator.pk))

    def ways_in(self) -> dict[str, Callable[[], Any]]:
        return {
            "link": lambda: people.accept_invitation_as(self.token, self.user),
            "owner": lambda: people.give_role(self.other, self.user, Role.ANNOTATOR, self.owner),
            "roles": lambda: people.set_roles(
                self.other, self.user, {Role.ANNOTATOR, Role.MONITOR}, self.owner
            ),
        }


def first_then(
    first: Callable[[], Any], second: Callable[[], Any], began: threading.Event
) -> list[Any]:
    """Both at once, the second from the moment at which the first has begun."""

    def wait() -> Any:
        began.wait(TIMEOUT_S)
        return second()

    return at_once([first, wait])


@pytest.mark.parametrize("way", ["link", "owner", "roles"])
def test_an_account_that_is_being_emptied_joins_nothing(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    world, began = World(), threading.Event()
    look_over = erasing.look_over

    def look_and_wait(annotator: Annotator) -> people.Belongings:
        found = look_over(annotator)
        began.set()
        # Whoever joins comes as far as they can; there is nothing they could tell.
        threading.Event().wait(0.5)
        return found

    monkeypatch.setattr(erasing, "look_over", look_and_wait)
    erased, joined = first_then(world.erase, world.ways_in()[way], began)
    assert isinstance(joined, AccountGoneError)
    assert erased.belongings.account == AccountFate.EMPTIED
    assert not Membership.objects.filter(user=world.user).exists()
    assert people.status_of(people.get_invitation(world.token)).value == "live"


@pytest.mark.parametrize("way", ["link", "owner", "roles"])
def test_an_account_that_is_joining_a_study_is_kept(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    world, began = World(), threading.Event()
    record = audit.record

    def record_late(where: Study, who: User | None, action: str, *detail: Any) -> Any:
        if action == "member.added":
            began.set()
            threading.Event().wait(0.5)
        return record(where, who, action, *detail)

    monkeypatch.setattr(audit, "record", record_late)
    joined, erased = first_then(world.ways_in()[way], world.erase, began)
    assert not isinstance(joined, Exception)
    assert erased.belongings.account == AccountFate.KEPT
    world.user.refresh_from_db()
    assert (world.user.username, world.user.is_active) == ("ada", True)
    assert Membership.objects.filter(user=world.user, study=world.other).exists()
    assert list(audit.verify()) == []


def test_a_blocked_account_is_given_no_role_and_can_lose_one() -> None:
    world = World()
    factories.make_membership(world.other, Role.MONITOR, world.user)
    User.objects.filter(pk=world.user.pk).update(is_active=False)
    with pytest.raises(AccountGoneError):
        people.set_roles(world.other, world.user, {Role.MONITOR, Role.RESEARCHER}, world.owner)
    people.set_roles(world.other, world.user, set(), world.owner)
    assert not Membership.objects.filter(user=world.user, study=world.other).exists()
