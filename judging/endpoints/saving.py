"""Endpoints of a study: made, given a key and limits, and turned into what a client calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from annotation import audit
from annotation.models import Study, User
from judging.clients import Target
from judging.endpoints import addresses, keys
from judging.models import Endpoint

NAME = re.compile(r"\A[a-z0-9][a-z0-9_.-]{0,63}\Z")


class EndpointFault(ValueError):
    """An endpoint cannot be saved or used; says which value and why."""


def check_limits(requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
    for name, value in (("requests", requests_per_minute), ("tokens", tokens_per_minute)):
        if value is not None and not 0 <= value <= 1_000_000_000:
            raise EndpointFault(
                f"The limit of {name} a minute must lie from 1 to 1,000,000,000; 0 takes it away."
            )


@dataclass(frozen=True, slots=True)
class CheckedEndpoint:
    """An endpoint that may be stored as it is.

    Attributes
    ----------
    fields
        What changes of one that exists already.
    """

    name: str
    base_url: str
    fields: Mapping[str, Any] = field(repr=False)
    has_new_key: bool = False


def check_endpoint(
    name: str,
    base_url: str,
    *,
    asked_in: str | None,
    key: str = "",
    key_variable: str = "",
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> CheckedEndpoint:
    """Check what somebody wants to store. It looks the host up: call it outside of transactions.

    Parameters
    ----------
    asked_in : str, optional
        Short name of the study whose people ask: they name no key but one that the operator gave
        to it. None for a command, which is the operator's own.
    key : str
        Replaces the one that is stored; empty leaves it.
    key_variable : str
        Name of a key that the operator has put into the environment, in place of `key`.
    requests_per_minute, tokens_per_minute : int, optional
        None leaves what is stored, 0 takes the limit away; of a new endpoint both: no limit.

    Raises
    ------
    EndpointFault
    """
    if not NAME.match(name):
        raise EndpointFault(
            "The endpoint's name must be of small letters, digits, - _ . and begin with a letter "
            f"or digit: {name!r} is not."
        )
    if key and key_variable:
        raise EndpointFault("Give a key or the name of one, not both.")
    check_limits(requests_per_minute, tokens_per_minute)
    limits = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
    }
    fields: dict[str, Any] = {
        kind: most or None for kind, most in limits.items() if most is not None
    }
    try:
        address = addresses.check_on_save(base_url, settings.JUDGE_LOCAL_ENDPOINTS)
        if key:
            checked = keys.check_key(key)
            fields |= {
                "key_ciphertext": keys.encrypt(checked, address.origin),
                "key_hint": keys.hint_of(checked),
                "key_variable": "",
                "key_named_by_people": False,
            }
        elif key_variable:
            if asked_in is not None:
                keys.check_may_name(key_variable, asked_in)
            keys.key_from_environment(key_variable, address.origin)
            fields |= {
                "key_ciphertext": "",
                "key_hint": "",
                "key_variable": key_variable,
                "key_named_by_people": asked_in is not None,
            }
    except (addresses.AddressError, keys.KeyFault) as fault:
        raise EndpointFault(f"Endpoint {name!r}: {fault}") from None
    return CheckedEndpoint(name, base_url, fields, bool(key or key_variable))


def store_endpoint(study: Study, checked: CheckedEndpoint) -> tuple[Endpoint, audit.Act]:
    """Make an endpoint, or change the key and the limits of the one of this name.

    In the transaction of a caller, who logs the act last. The address never changes: versions of
    judges were made for it, and its key is bound to it.

    Raises
    ------
    EndpointFault
    """
    name, base_url, fields = checked.name, checked.base_url, checked.fields
    rows = Endpoint.objects.select_for_update(no_key=True)
    endpoint = rows.filter(study=study, name=name).first()
    if endpoint is not None and endpoint.base_url != base_url:
        raise EndpointFault(
            f"Endpoint {name!r} has the address {endpoint.base_url}, which never changes. "
            "Make another endpoint for the new address."
        )
    try:
        if endpoint is None:
            endpoint = Endpoint.objects.create(study=study, name=name, base_url=base_url, **fields)
        elif fields:
            for changed, value in fields.items():
                setattr(endpoint, changed, value)
            endpoint.save(update_fields=list(fields))
    except IntegrityError:
        raise EndpointFault(f"Somebody made an endpoint {name!r} just now. Try again.") from None
    detail = {"name": name, "base_url": base_url, "new_key": checked.has_new_key}
    if named := fields.get("key_variable"):
        # Whose key it is: one of the site costs whoever runs that.
        detail["key_variable"] = named
    return endpoint, audit.Act("judge.endpoint_saved", detail)


def save_endpoint(
    study: Study, name: str, base_url: str, *, actor: User | None, **stated: Any
) -> Endpoint:
    """Check and store, as `check_endpoint` and `store_endpoint` do, outside of a transaction.

    Raises
    ------
    EndpointFault
    """
    stated["asked_in"] = asked_in(study, actor)
    checked = check_endpoint(name, base_url, **stated)
    with transaction.atomic():
        endpoint, act = store_endpoint(study, checked)
        audit.record_acts(study, actor, act)
    return endpoint


def asked_in(study: Study, actor: User | None) -> str | None:
    """What `check_endpoint` takes so: without an actor it is a command."""
    return None if actor is None else study.slug


def check_still_given(endpoint: Endpoint) -> None:
    """Refuse a key of the site that the operator has taken back from the study.

    One that the operator named by a command is the study's until they name another.

    Raises
    ------
    keys.KeyFault
    """
    if endpoint.key_variable and endpoint.key_named_by_people:
        keys.check_may_name(endpoint.key_variable, endpoint.study.slug)


def is_taken_back(endpoint: Endpoint) -> bool:
    """Whether the endpoint's key is one of the site that the study may use no more."""
    try:
        check_still_given(endpoint)
    except keys.KeyFault:
        return True
    return False


def target_of(endpoint: Endpoint) -> Target:
    """What a client needs to call the endpoint, its key among it.

    Raises
    ------
    EndpointFault
    """
    try:
        address = addresses.read_address(endpoint.base_url, settings.JUDGE_LOCAL_ENDPOINTS)
        key = ""
        check_still_given(endpoint)
        if endpoint.key_variable:
            key = keys.key_from_environment(endpoint.key_variable, address.origin)
        elif endpoint.key_ciphertext:
            key = keys.decrypt(endpoint.key_ciphertext, address.origin)
    except (addresses.AddressError, keys.KeyFault) as fault:
        raise EndpointFault(f"Endpoint {endpoint.name!r}: {fault}") from None
    return Target(address, key)
