"""Why something about people was not done. Messages are for people.

PeopleError
    UsernameTakenError     someone has the sign-in name
    AccountGoneError       the account was erased or blocked
    LastOwnerError         a study would be left without an owner
    NotTheirsError         whoever asks does not decide about such people
    LetterRefusedError     there is nothing to remind of, or it is too early, or was done enough
    InvalidSiteURLError    the base of a link is no http address
    NoSuchAnnotatorError   a name is nobody's, or that of several people
    AlreadyErasedError     somebody was erased before
    InvitationError
        NoSuchInvitationError   the token belongs to no invitation
        InvitationRefusedError  used, expired, revoked, or its study is closed
        AlreadyMemberError      the person has the role; the link is still good
        CrowdFullError          a platform's link has let in as many people as it may
        CrowdRefusedError       its parameters name nobody
        CrowdEndedError         they name somebody who may not come in by it any more
"""

from __future__ import annotations

import enum


class PeopleError(Exception):
    """Nothing was changed."""


class UsernameTakenError(PeopleError):
    pass


class AccountGoneError(PeopleError):
    pass


class LastOwnerError(PeopleError):
    pass


class NotTheirsError(PeopleError):
    pass


class LetterRefusedError(PeopleError):
    pass


class InvalidSiteURLError(PeopleError):
    pass


class NoSuchAnnotatorError(PeopleError):
    pass


class AlreadyErasedError(PeopleError):
    pass


class InvitationError(PeopleError):
    pass


class NoSuchInvitationError(InvitationError):
    pass


class InvitationStatus(enum.Enum):
    LIVE = "live"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    STUDY_OVER = "study_over"


class InvitationRefusedError(InvitationError):
    def __init__(self, status: InvitationStatus) -> None:
        self.status = status
        super().__init__(
            {
                InvitationStatus.EXPIRED: "This link has expired.",
                InvitationStatus.STUDY_OVER: "The study of this link takes no annotators any more.",
            }.get(status, f"This link was {status.value} before.")
        )


class AlreadyMemberError(InvitationError):
    pass


class CrowdFullError(InvitationError):
    pass


class CrowdRefusedError(InvitationError):
    pass


class CrowdEndedError(InvitationError):
    pass
