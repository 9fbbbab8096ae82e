"""A file that somebody takes away by the web: who may have it, and the look that it is."""

from __future__ import annotations

from django.http import StreamingHttpResponse

from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.models import Role, Study, User
from reports import looks
from reports.exports import catalogue
from reports.exports.catalogue import Export
from reports.freshness import latest_run


class SealedError(Exception):
    """It shows outcomes, and these may not be seen yet."""


class NotForRoleError(Exception):
    """Before outcomes may be seen, files are for owners and researchers."""


class NoReportError(Exception):
    """It is made of a report, and there is none yet."""


def deliver(
    study: Study, user: User, roles: frozenset[Role], export: Export, *, taken: bool
) -> StreamingHttpResponse:
    """The file, streamed, and the look written down if it is `taken`; HEAD takes nothing.

    Raises
    ------
    SealedError, NotForRoleError, NoReportError
        Nothing was shown and nothing written.
    """
    if not roles_can_see_outcomes(roles, study):
        if export.shows_outcomes:
            raise SealedError
        if not roles & READERS:
            raise NotForRoleError
    kept = latest_run(study) if export.needs_analysis else None
    if export.needs_analysis and kept is None:
        raise NoReportError
    if taken and export.is_look(study):
        looks.record_export(study, kept, user, export.name)
    chunks = (
        catalogue.stream_rows(study, export)
        if kept is None
        else catalogue.stream_result(kept, export)
    )
    return StreamingHttpResponse(
        chunks,
        content_type=export.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{export.file_name(study)}"',
            # A file opened by accident in a tab runs nothing.
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
