"""Letters to who should look at a run that has paused by itself: once for each pause.

The queue is the notice's row, so a broker may lose every message. Several pauses of a study that
are due together are told in one letter, as where one dead endpoint stops a whole panel. A letter
holds no outcome, no system and nothing that an endpoint said.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, F, OuterRef
from django.urls import reverse
from django.utils import timezone

from annotation.models import Membership, Role, Study
from annotation.people.letters import CLAIM, PAUSES, describe, is_for_good
from annotation.people.links import check_base_url
from judging.models import PauseNotice, RunState
from judging.runs.conducting import CAUSES

log = structlog.get_logger(__name__)

AT_ONCE = 50
LONGEST_FAULT = 200


@dataclass(frozen=True, slots=True)
class Telling:
    """A letter: what of, and to whom."""

    study: Study
    addresses: tuple[str, ...]
    notices: tuple[PauseNotice, ...]


def tell_of_pauses() -> int:
    """Send what is due; the number of letters sent. Safe to run at the same time elsewhere."""
    claimed = claim_due()
    sent = 0
    for telling in letters_of(claimed):
        rows = PauseNotice.objects.filter(pk__in=[notice.pk for notice in telling.notices])
        if not settings.EMAIL_HOST or not telling.addresses:
            fault = "Nobody who runs the study has an address."
            rows.update(
                due_at=None, fault=fault if settings.EMAIL_HOST else "No mail server is set up."
            )
            continue
        try:
            send(telling)
        # What a mail server and the way to it can do: refuse, end, be slow, be unknown.
        except (smtplib.SMTPException, OSError, ValueError) as fault_of_mail:
            put_off(telling, fault_of_mail)
        else:
            rows.update(due_at=None, sent_at=timezone.now(), fault="")
            sent += 1
    return sent


def claim_due() -> list[PauseNotice]:
    """Take notices up whose run is still paused; the others have nothing left to tell.

    A letter that is tried again may be of an earlier pause than the one that the run is in, for
    the same cause: the newest notice of a run tells of it.
    """
    now = timezone.now()
    claimed: list[PauseNotice] = []
    for notice in (
        PauseNotice.objects.filter(due_at__lte=now)
        .annotate(
            is_newest=~Exists(
                PauseNotice.objects.filter(run=OuterRef("run"), pk__gt=OuterRef("pk"))
            )
        )
        .select_related("run__study", "run__version__judge", "run__started_by")
        .order_by("due_at", "pk")[:AT_ONCE]
    ):
        mine = PauseNotice.objects.filter(pk=notice.pk, due_at=notice.due_at)
        is_paused = notice.run.state == RunState.PAUSED and notice.run.pause_cause == notice.cause
        if not (is_paused and notice.is_newest):
            mine.update(due_at=None, fault="The run went on before.")
        elif mine.update(due_at=now + CLAIM, attempts=F("attempts") + 1):
            notice.attempts += 1
            claimed.append(notice)
    return claimed


def letters_of(notices: Sequence[PauseNotice]) -> list[Telling]:
    """One letter for each study and those whom it goes to."""
    found: dict[tuple[int, tuple[str, ...]], list[PauseNotice]] = {}
    for notice in notices:
        key = (notice.run.study_id, addresses_for(notice))
        found.setdefault(key, []).append(notice)
    return [
        Telling(group[0].run.study, addresses, tuple(group))
        for (_, addresses), group in found.items()
    ]


def addresses_for(notice: PauseNotice) -> tuple[str, ...]:
    """Who started the run, as long as they run the study; else its owners."""
    run = notice.run
    members = Membership.objects.filter(study=run.study_id, user__is_active=True).exclude(
        user__email=""
    )
    starter = members.filter(user=run.started_by, role__in=[Role.OWNER, Role.RESEARCHER])
    rows = starter if starter.exists() else members.filter(role=Role.OWNER)
    return tuple(sorted(set(rows.values_list("user__email", flat=True))))


def send(telling: Telling) -> None:
    subject, body = compose(telling)
    with get_connection(fail_silently=False) as connection:
        EmailMessage(
            subject,
            body,
            settings.DEFAULT_FROM_EMAIL,
            # Each sees no more than that the others run the study too.
            list(telling.addresses),
            connection=connection,
            headers={"Auto-Submitted": "auto-generated"},
        ).send()


def compose(telling: Telling) -> tuple[str, str]:
    """Subject and text."""
    title = " ".join((telling.study.title or telling.study.slug).split())
    number = len(telling.notices)
    lines = [
        "Hello,",
        "",
        f"{'a run' if number == 1 else f'{number} runs'} of judges in “{title}” paused and "
        f"wait{'s' if number == 1 else ''} for you:",
        "",
    ]
    for notice in telling.notices:
        version = notice.run.version
        lines += [
            f"- {version.judge.judge_id}, version {version.number}: "
            f"{CAUSES.get(notice.cause, notice.cause)}"
        ]
    lines += [
        "",
        "Nothing is lost: what was answered is stored, and the other calls wait. When it is "
        "mended, resume on the page of the judges:",
        "",
        check_base_url() + reverse("judges:overview", kwargs={"slug": telling.study.slug}),
        "",
        "You will not be written to again about this.",
        "",
    ]
    what = "A run of a judge has" if number == 1 else f"{number} runs of judges have"
    return f"{what} paused in “{title}”", "\n".join(lines)


def put_off(telling: Telling, fault: Exception) -> None:
    """Try again later, or give up: what a server refuses for good, and what failed too often."""
    words = " ".join(describe(fault).split())[:LONGEST_FAULT]
    for notice in telling.notices:
        is_over = is_for_good(fault) or notice.attempts > len(PAUSES)
        wait = timedelta() if is_over else PAUSES[notice.attempts - 1]
        PauseNotice.objects.filter(pk=notice.pk).update(
            due_at=None if is_over else timezone.now() + wait, fault=words
        )
    log.warning(
        "judging.notice_not_sent",
        study=telling.study.slug,
        fault=type(fault).__name__,
    )
