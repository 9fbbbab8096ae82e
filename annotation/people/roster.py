"""Who takes part, or did, as the members' page lists them. Queries do not grow with people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation import quality
from annotation.answer_rules import OwnVotes
from annotation.models import Annotator, AnnotatorState, CrowdArrival, Membership, Role, Study, User
from annotation.profile_rules import TEAM, Question
from annotation.rules import rules_of

ON_A_PAGE = 100

STATES = {
    AnnotatorState.INVITED: ("Invited", ""),
    AnnotatorState.QUALIFYING: ("Practising", "info"),
    AnnotatorState.ACTIVE: ("Active", "ok"),
    AnnotatorState.PAUSED: ("Paused", "warning"),
    AnnotatorState.FAILED: ("Stopped", "error"),
    AnnotatorState.REMOVED: ("Left", ""),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them; empty texts are no limit."""

    name: str = ""
    role: str = ""
    team: str = ""


@dataclass(slots=True)
class Person:
    """An account that takes part in the study, or did as annotator."""

    user: User
    roles: list[Role] = field(default_factory=list)
    team: str = ""
    joined_at: datetime | None = None
    annotator: Annotator | None = None
    # The platform's name for somebody who came by its link.
    participant: str = ""
    # What becomes of an owner's own votes; None of others.
    own_votes: OwnVotes | None = None

    @property
    def own_votes_words(self) -> str:
        return quality.words_of(self.own_votes)

    @property
    def role_names(self) -> str:
        return ", ".join(str(role.label) for role in Role if role in self.roles)

    @property
    def name(self) -> str:
        return self.participant or self.user.get_username()

    @property
    def state(self) -> tuple[str, str]:
        """In words, and the colour of the dot beside them; empty for those who do not rate."""
        if self.annotator is None:
            return "", ""
        return STATES[AnnotatorState(self.annotator.state)]


def list_people(study: Study, wanted: Wanted, page: str | None) -> Page[User]:
    """Accounts, by name. The page's own objects are `Person`s."""
    accounts = accounts_of(study)
    if wanted.name:
        arrived = CrowdArrival.objects.filter(
            study=study, annotator__user=OuterRef("pk"), participant__icontains=wanted.name
        )
        accounts = accounts.filter(Q(username__icontains=wanted.name) | Exists(arrived))
    if wanted.role in Role.values:
        accounts = accounts.filter(Exists(memberships_of(study).filter(role=wanted.role)))
    if wanted.team:
        accounts = accounts.filter(Exists(memberships_of(study).filter(team=wanted.team)))
    found = Paginator(accounts.order_by("username", "pk"), ON_A_PAGE).get_page(page)
    found.object_list = people_of(study, list(found.object_list))  # type: ignore[assignment]
    return found


def find_person(study: Study, account: int) -> Person | None:
    """Somebody of the study by the key of their account."""
    user = accounts_of(study).filter(pk=account).first()
    return None if user is None else people_of(study, [user])[0]


def accounts_of(study: Study) -> QuerySet[User]:
    part = Annotator.objects.filter(study=study, user=OuterRef("pk"))
    return User.objects.filter(Exists(memberships_of(study)) | Exists(part))


def memberships_of(study: Study) -> QuerySet[Membership]:
    return Membership.objects.filter(study=study, user=OuterRef("pk"))


def people_of(study: Study, users: Sequence[User]) -> list[Person]:
    """Three queries, however many there are."""
    people = {user.pk: Person(user) for user in users}
    for row in Membership.objects.filter(study=study, user__in=people).order_by("created_at"):
        person = people[row.user_id]
        person.roles.append(Role(row.role))
        person.team = person.team or row.team
        person.joined_at = person.joined_at or row.created_at
    annotators = Annotator.objects.filter(study=study, user__in=people).select_related("study")
    for annotator in quality.with_own_votes(annotators):
        if annotator.user_id is not None:
            people[annotator.user_id].annotator = annotator
            people[annotator.user_id].own_votes = quality.own_votes_in(annotator, study)
            people[annotator.user_id].joined_at = (
                people[annotator.user_id].joined_at or annotator.created_at
            )
    arrivals = CrowdArrival.objects.filter(study=study, annotator__user__in=people)
    for user_id, participant in arrivals.values_list("annotator__user", "participant"):
        people[user_id].participant = participant
    return list(people.values())


def teams_of(study: Study) -> list[str]:
    named = Membership.objects.filter(study=study).exclude(team="")
    return sorted(set(named.values_list("team", flat=True)))


@dataclass(frozen=True, slots=True)
class Given:
    """How often each option of a question was chosen; `unsaid` did not want to say."""

    question: Question
    options: tuple[tuple[str, int], ...]
    unsaid: int
    unasked: int


def count_answers(study: Study) -> list[Given]:
    """Over all annotators with an account. One query."""
    questions = rules_of(study.rules).profile.questions
    if not questions:
        return []
    chosen: dict[str, Counter[str]] = defaultdict(Counter)
    unsaid: Counter[str] = Counter()
    total = 0
    profiles = Annotator.objects.filter(study=study, user__isnull=False)
    for profile in profiles.values_list("profile", flat=True).iterator():
        total += 1
        for question in questions:
            if question.key in profile:
                answer = profile[question.key]
                if answer is None:
                    unsaid[question.key] += 1
                else:
                    chosen[question.key][str(answer)] += 1
    return [
        Given(
            question,
            tuple((option, chosen[question.key][option]) for option in question.options),
            unsaid[question.key],
            total - unsaid[question.key] - sum(chosen[question.key].values()),
        )
        for question in questions
    ]


def said_of(annotator: Annotator | None) -> list[tuple[str, str]]:
    """Question and answer of what somebody said about themselves."""
    if annotator is None:
        return []
    texts = {
        question.key: question.text
        for question in rules_of(annotator.study.rules).profile.questions
    }
    return [
        (texts.get(key, key), "did not want to say" if answer is None else str(answer))
        for key, answer in annotator.profile.items()
        if key != TEAM
    ]
