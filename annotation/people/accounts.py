"""An account while it is given a part in a study, or loses its last one.

Whoever joins and whoever erases take the account's row before any other: an erasure empties an
account that takes part nowhere else, and must not do so while it joins another study.
"""

from __future__ import annotations

from annotation.models import User

from .refusals import AccountGoneError


def lock_account(user: User) -> User:
    """The account as it is now, locked until the transaction ends; see `queue.locks`."""
    # NO KEY lets through what refers to the account, such as an entry of the log.
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def lock_usable_account(user: User) -> User:
    """As `lock_account`, of an account that somebody can sign in with.

    Raises
    ------
    AccountGoneError
        It was erased or blocked, maybe a moment ago.
    """
    row = lock_account(user)
    if not row.is_active:
        raise AccountGoneError("This account was erased or blocked. Nothing was changed.")
    return row
