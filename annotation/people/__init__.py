"""Accounts, roles and single-use links: who takes part, and how they come in.

`invitations` issues and uses links, `inviting` and `lists` invite people by name, `letters` writes
to them, `reminding` does so once more, `invited` lists what became of it; `crowd` has the links of
recruitment platforms. `members` grants and ends roles, `managing` says who may, `accounts` locks
whom it is about; `teams` and `profiles` tell people apart, `leaving` ends somebody's part,
`erasing` takes a person out of a study. `owners` makes the accounts that run the site.
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
    refuse_dead,
    revoke_invitation,
    set_password,
    sign_in,
    status_of,
)
from .invited import InvitationLine, list_invitations
from .inviting import invite_people, withdraw
from .leaving import end_part
from .links import check_base_url, crowd_url, invitation_url
from .lists import BadListError, Invitee, ListProblem, read_list
from .managing import check_may_manage, manageable
from .members import give_role, grant_role, remove_role, set_roles
from .owners import create_owner, make_first_owners
from .profiles import answer_questions, questions_for
from .refusals import (
    AccountGoneError,
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
    LetterRefusedError,
    NoSuchAnnotatorError,
    NoSuchInvitationError,
    NotTheirsError,
    PeopleError,
    UsernameTakenError,
)
from .reminding import remind, remind_all
from .teams import set_team
from .usernames import normalise_username

__all__ = [
    "AccountFate",
    "AccountGoneError",
    "AlreadyErasedError",
    "AlreadyMemberError",
    "Arrival",
    "BadListError",
    "Belongings",
    "CrowdEndedError",
    "CrowdFullError",
    "CrowdRefusedError",
    "Erasure",
    "InvalidSiteURLError",
    "InvitationError",
    "InvitationLine",
    "InvitationRefusedError",
    "InvitationStatus",
    "Invitee",
    "Issued",
    "LastOwnerError",
    "LetterRefusedError",
    "ListProblem",
    "NoSuchAnnotatorError",
    "NoSuchInvitationError",
    "NotTheirsError",
    "PeopleError",
    "UsernameTakenError",
    "accept_invitation",
    "accept_invitation_as",
    "answer_questions",
    "arrive",
    "change_password",
    "check_base_url",
    "check_may_manage",
    "create_owner",
    "crowd_url",
    "end_part",
    "erase",
    "find_annotator",
    "get_crowd_link",
    "get_invitation",
    "give_role",
    "grant_role",
    "invitation_url",
    "invite",
    "invite_people",
    "issue_crowd_link",
    "issue_set_password_link",
    "issue_sign_in_link",
    "list_invitations",
    "look_over",
    "make_first_owners",
    "manageable",
    "normalise_username",
    "questions_for",
    "read_list",
    "refuse_dead",
    "remind",
    "remind_all",
    "remove_role",
    "revoke_invitation",
    "set_password",
    "set_roles",
    "set_team",
    "sign_in",
    "status_of",
    "withdraw",
]
