"""Who may get which object: the only way a view reaches one.

`objects` fetches what a user may have, `outcomes` says who may see results and names, and
`declarations` lets every view say who it is for; `routes` finds the views that do not,
`creating` says who may begin a study, and `recognising` is the short way for the annotator who
rates.
Roles are read from the database on each request, so that a removal works on the next one.
"""

from .creating import NOT_FOR_YOU, may_create_studies
from .declarations import (
    Access,
    AccessKind,
    SignedInRequest,
    public,
    roles_on_page,
    signed_in,
    study_annotator,
    study_role,
)
from .objects import (
    StudyWithRoles,
    get_annotator_for,
    get_study_for,
    list_studies_for,
    roles_of,
)
from .outcomes import can_see_outcomes
from .recognising import recognise

__all__ = [
    "NOT_FOR_YOU",
    "Access",
    "AccessKind",
    "SignedInRequest",
    "StudyWithRoles",
    "can_see_outcomes",
    "get_annotator_for",
    "get_study_for",
    "list_studies_for",
    "may_create_studies",
    "public",
    "recognise",
    "roles_of",
    "roles_on_page",
    "signed_in",
    "study_annotator",
    "study_role",
]
