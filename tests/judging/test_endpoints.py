"""Endpoints: keys that nobody reads again and that go to one origin only."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from annotation.models import AuditEntry
from judging.endpoints import keys
from judging.endpoints.saving import EndpointFault, save_endpoint, target_of
from judging.models import Endpoint
from tests import factories
from tests.judging.asked import add, make_judged_study

pytestmark = pytest.mark.django_db
KEY = "sk-canary-0123456789-abcdef"


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judging.endpoints.addresses.resolve_now", lambda host, port: ["1.1.1.1"])


@pytest.fixture
def study():
    return factories.make_study()


def test_a_key_is_stored_encrypted_and_used_for_its_origin(study) -> None:
    endpoint = save_endpoint(study, "openai", "https://api.example.com/v1", actor=None, key=KEY)

    assert KEY not in endpoint.key_ciphertext
    assert endpoint.key_hint == "cdef"
    assert target_of(endpoint).key == KEY
    assert not AuditEntry.objects.filter(detail__icontains="canary").exists()


def test_a_key_that_was_moved_to_another_address_is_not_sent(study) -> None:
    endpoint = save_endpoint(study, "one", "https://api.example.com/v1", actor=None, key=KEY)
    other = save_endpoint(study, "two", "https://elsewhere.example/v1", actor=None)
    other.key_ciphertext = endpoint.key_ciphertext
    other.save()

    with pytest.raises(EndpointFault, match="for another address") as refused:
        target_of(other)
    assert KEY not in str(refused.value)


def test_the_address_of_an_endpoint_never_changes(study) -> None:
    save_endpoint(study, "one", "https://api.example.com/v1", actor=None, key=KEY)
    with pytest.raises(EndpointFault, match="never changes"):
        save_endpoint(study, "one", "https://elsewhere.example/v1", actor=None)


def test_saving_again_keeps_the_key_unless_there_is_a_new_one(study) -> None:
    save_endpoint(study, "one", "https://api.example.com/v1", actor=None, key=KEY)
    save_endpoint(study, "one", "https://api.example.com/v1", actor=None, requests_per_minute=5)
    assert target_of(Endpoint.objects.get()).key == KEY
    save_endpoint(study, "one", "https://api.example.com/v1", actor=None, key="another-key")
    assert target_of(Endpoint.objects.get()).key == "another-key"


def test_keys_survive_a_change_of_the_secret(study, settings) -> None:
    endpoint = save_endpoint(study, "one", "https://api.example.com/v1", actor=None, key=KEY)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert target_of(endpoint).key == KEY
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(EndpointFault, match="Enter it again"):
        target_of(endpoint)


def test_a_key_of_the_environment_belongs_to_an_origin_too(study, monkeypatch) -> None:
    monkeypatch.setenv("EVALSITE_JUDGE_KEY_MAIN", KEY)
    with pytest.raises(EndpointFault, match="EVALSITE_JUDGE_ORIGIN_MAIN"):
        save_endpoint(study, "e", "https://api.example.com", actor=None, key_variable="MAIN")
    monkeypatch.setenv("EVALSITE_JUDGE_ORIGIN_MAIN", "https://api.example.com")
    endpoint = save_endpoint(study, "e", "https://api.example.com", actor=None, key_variable="MAIN")
    assert target_of(endpoint).key == KEY
    with pytest.raises(EndpointFault, match="another address"):
        save_endpoint(study, "f", "https://evil.example", actor=None, key_variable="MAIN")


@pytest.mark.parametrize("name", ["SECRET_KEY", "../X", "main", "", "A" * 41, "A-B"])
def test_no_other_variable_can_be_named(name, monkeypatch, study) -> None:
    monkeypatch.setenv(name or "X", "s")
    with pytest.raises(keys.KeyFault):
        keys.key_from_environment(name, "https://api.example.com:443")


@pytest.mark.parametrize("key", ["two words", "new\nline", "\u00e4", "k" * 1001, "\x00"])
def test_a_key_that_no_header_can_hold_is_refused(key, study) -> None:
    with pytest.raises(EndpointFault, match="visible ASCII"):
        save_endpoint(study, "e", "https://api.example.com", actor=None, key=key)


def test_a_short_key_gives_no_hint() -> None:
    assert keys.hint_of("abcdefgh") == ""


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 65, "a/b"])
def test_a_bad_name_is_refused(name, study) -> None:
    with pytest.raises(EndpointFault, match="small letters"):
        save_endpoint(study, name, "https://api.example.com", actor=None)


def test_a_private_address_is_refused_on_save(study, monkeypatch) -> None:
    monkeypatch.setattr("judging.endpoints.addresses.resolve_now", lambda host, port: ["10.0.0.1"])
    with pytest.raises(EndpointFault, match="private or reserved"):
        save_endpoint(study, "e", "https://api.example.com", actor=None)
    assert not Endpoint.objects.exists()


def test_saving_again_without_limits_leaves_those_that_are_stored(study) -> None:
    url = "https://api.example.com/v1"
    save_endpoint(study, "one", url, actor=None, requests_per_minute=60, tokens_per_minute=9)
    save_endpoint(study, "one", url, actor=None, tokens_per_minute=7)
    endpoint = Endpoint.objects.get()
    assert (endpoint.requests_per_minute, endpoint.tokens_per_minute) == (60, 7)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_name_is_looked_up(monkeypatch) -> None:
    """A lock would stand for as long as somebody's resolver likes."""
    held = []

    def resolve(host: str, port: int) -> list[str]:
        held.append(connection.in_atomic_block)
        return ["1.1.1.1"]

    monkeypatch.setattr("judging.endpoints.addresses.resolve_in_time", resolve)
    add(make_judged_study(1), "https://api.example.com/v1")
    assert held == [False]


def test_a_resolver_that_hangs_does_not_keep_anybody_waiting(study, monkeypatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr("judging.endpoints.addresses.RESOLVE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(
        "judging.endpoints.addresses.resolve_now", lambda host, port: ended.wait(20) and []
    )
    save_endpoint(study, "e", "https://api.example.com", actor=None)
    assert not ended.is_set()
    ended.set()
