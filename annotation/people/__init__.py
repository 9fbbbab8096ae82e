"""Accounts, roles and single-use links: who takes part, and how they come in.

`invitations` issues and uses links, `crowd` those of recruitment platforms, `members` grants and
ends roles, `owners` makes the accounts that run the site, `erasing` takes a person out of a study.
"""

from .crowd import Arrival, arrive, get_crowd_link, issue_crowd_link
from .erasing import AccountFate, Belongings, Erasure, erase, find_annotator, look_over
from .invitations import (
    Issued,
    accept_invitation,
    accept_invitation_as,
    change_password,
    get_invitation,
    invite,
    issue_set_password_link,
    issue_sign_in_link,
    revoke_invitation,
    set_password,
    sign_in,
    status_of,
)
from .links import check_base_url, crowd_url, invitation_url
from .members import grant_role, remove_role
from .owners import create_owner, make_first_owners
from .refusals import (
    AlreadyErasedError,
    AlreadyMemberError,
    CrowdEndedError,
    CrowdFullError,
    CrowdRefusedError,
    InvalidSiteURLError,
    InvitationError,
    InvitationRefusedError,
    InvitationStatus,
    LastOwnerError,
    NoSuchAnnotatorError,
    NoSuchInvitationError,
    PeopleError,
    UsernameTakenError,
)
from .usernames import normalise_username

__all__ = [
    "AccountFate",
    "AlreadyErasedError",
    "AlreadyMemberError",
    "Arrival",
    "Belongings",
    "CrowdEndedError",
    "CrowdFullError",
    "CrowdRefusedError",
    "Erasure",
    "InvalidSiteURLError",
    "InvitationError",
    "InvitationRefusedError",
    "InvitationStatus",
    "Issued",
    "LastOwnerError",
    "NoSuchAnnotatorError",
    "NoSuchInvitationError",
    "PeopleError",
    "UsernameTakenError",
    "accept_invitation",
    "accept_invitation_as",
    "arrive",
    "change_password",
    "check_base_url",
    "create_owner",
    "crowd_url",
    "erase",
    "find_annotator",
    "get_crowd_link",
    "get_invitation",
    "grant_role",
    "invitation_url",
    "invite",
    "issue_crowd_link",
    "issue_set_password_link",
    "issue_sign_in_link",
    "look_over",
    "make_first_owners",
    "normalise_username",
    "remove_role",
    "revoke_invitation",
    "set_password",
    "sign_in",
    "status_of",
]
