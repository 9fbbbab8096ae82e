"""In which language the site speaks, to whom, and that no page mixes two."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from annotation import people
from annotation.access.routes import list_routes
from annotation.accounts.steps import (
    COUNTED_UP_TO,
    OwnWork,
    Step,
    StudyProgress,
    adjudicator_step,
    annotator_step,
    monitor_step,
    researcher_step,
)
from annotation.models import Annotator, AnnotatorState, Invitation, Role, Study, StudyState, User
from evalsite.languages import TRANSLATED_NAMESPACES
from tests import factories
from tests.evalsite.test_faults import failing_client
from tests.pages import text_of
from tests.visible_words import sentences_in, sentences_of

pytestmark = pytest.mark.django_db

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
ENGLISH = {"accept-language": "en"}

# What is the same in every language: names and the like.
NAMES = {
    "evalsite",
    "English",
    "Deutsch",
    "Auto",
    "Name",
    "Support mail",
    "· evalsite",
    "Support mail · evalsite",
    "2 min",
    "· 2 min",
}


def begins(response: HttpResponse) -> str:
    return text_of(response).split("<head>")[0]


# -- which language --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        (None, "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("fr, de;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
    ],
)
def test_a_page_speaks_what_the_browser_asks_for(
    client: Client, wish: str | None, language: str
) -> None:
    response = client.get("/sign-in/", headers={"accept-language": wish} if wish else {})
    assert f'<html lang="{language}" dir="ltr"' in begins(response)
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


def test_a_choice_outlasts_the_browsers_wish_and_keeps_the_place(client: Client) -> None:
    place = "/sign-in/?next=/password/"
    page = text_of(client.get(place, headers=ENGLISH))
    assert 'name="next" value="/sign-in/?next=/password/"' in page
    response = client.post("/language/", {"language": "de", "next": place}, headers=ENGLISH)
    assert response["Location"] == place
    assert 'lang="de"' in begins(client.get(place, headers=ENGLISH))
    client.post("/language/", {"language": "en", "next": place}, headers=GERMAN)
    assert 'lang="en"' in begins(client.get(place, headers=GERMAN))


def test_the_choice_is_kept_like_every_other_cookie(client: Client) -> None:
    cookie = client.post("/language/", {"language": "de"}).cookies["language"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert bool(cookie["secure"]) is settings.SESSION_COOKIE_SECURE
    assert cookie["domain"] == ""


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", ""])
def test_a_choice_leads_nowhere_else(client: Client, target: str) -> None:
    response = client.post("/language/", {"language": "de", "next": target})
    assert response["Location"] == "/"


@pytest.mark.parametrize("language", ["fr", "../../etc", "xx", ""])
def test_a_language_the_site_does_not_speak_changes_nothing(client: Client, language: str) -> None:
    client.post("/language/", {"language": language, "next": "/"})
    assert 'lang="en"' in begins(client.get("/sign-in/"))


def test_a_choice_is_a_post_of_this_site() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/language/", {"language": "de"}).status_code == 403
    assert client.get("/language/?language=de").status_code == 405
    assert "language" not in client.cookies


def test_a_request_leaves_no_language_behind(client: Client) -> None:
    client.get("/sign-in/", headers=GERMAN)
    assert translation.get_language() == settings.LANGUAGE_CODE


@override_settings(LANGUAGES=[("en", "English"), ("ar", "العربية")])
def test_a_language_from_right_to_left_turns_the_page(client: Client) -> None:
    page = begins(client.get("/sign-in/", headers={"accept-language": "ar"}))
    assert '<html lang="ar" dir="rtl"' in page


# -- pages that are not translated ------------------------------------------------------------


def test_every_namespace_is_translated_or_english_by_declaration() -> None:
    namespaces = {name for route in list_routes() for name in route.namespaces}
    assert namespaces >= TRANSLATED_NAMESPACES
    assert namespaces - TRANSLATED_NAMESPACES == {
        "adjudication",
        "admin",
        "alignment",
        "annotators",
        "api",
        "judges",
        "judging_api",
        "keys",
        "people",
        "people_work",
        "progress",
        "reports",
        "reports_api",
        "studio",
    }


@pytest.mark.parametrize(
    ("role", "route"),
    [
        (Role.ADJUDICATOR, "adjudication:desk"),
        (Role.OWNER, "reports:report"),
        (Role.MONITOR, "progress:page"),
        (Role.MONITOR, "annotators:page"),
    ],
)
def test_a_page_that_is_not_translated_is_english_to_the_last_word(
    client: Client, role: Role, route: str
) -> None:
    study = factories.make_study(
        title="Support mail", state=StudyState.CLOSED, unblinded_at=timezone.now()
    )
    user = factories.make_user()
    factories.make_membership(study, role, user)
    client.force_login(user)
    address = reverse(route, kwargs={"slug": study.slug})
    german, english = client.get(address, headers=GERMAN), client.get(address, headers=ENGLISH)
    assert german.headers["Content-Language"] == "en"
    assert 'lang="en"' in begins(german)
    assert sentences_of(text_of(german)) == sentences_of(text_of(english))
    assert "Deutsch" not in text_of(german)


def test_the_admin_site_is_english(client: Client) -> None:
    client.force_login(factories.make_user(is_superuser=True, is_staff=True))
    page = client.get("/admin/", headers=GERMAN)
    assert 'lang="en' in text_of(page)
    assert "Accounts and studies" in text_of(page)
    assert "Sprache" not in text_of(page)


# -- pages that are translated ----------------------------------------------------------------


def join_link(role: Role = Role.ANNOTATOR) -> str:
    study = factories.make_open_study(title="Support mail")
    return f"/invitation/{people.invite(study, role)[0].token}/"


def ended_link(**fields: Any) -> str:
    address = join_link()
    Invitation.objects.update(**fields)
    return address


def crowd_link(most_people: int = 5) -> str:
    study = factories.make_open_study(title="Support mail")
    return f"/start/{people.issue_crowd_link(study, most_people).token}/"


def full_crowd_link(**crowd: str) -> str:
    address = crowd_link(1)
    Study.objects.update(rules={"crowd": crowd})
    Client().post(f"{address}?PROLIFIC_PID=first")
    return f"{address}?PROLIFIC_PID=second"


def signed_in(client: Client, **fields: Any) -> User:
    user = factories.make_user("ines", **fields)
    client.force_login(user)
    return user


def home_of(client: Client, role: Role, **fields: Any) -> str:
    study = factories.make_study(title="Support mail", **fields)
    user = signed_in(client)
    if role == Role.ANNOTATOR:
        factories.make_annotator(study, user)
    else:
        factories.make_membership(study, role, user)
    return "/"


def rating_of(client: Client, **fields: Any) -> tuple[Annotator, str]:
    study = factories.make_open_study(title="Support mail", **fields)
    annotator = factories.make_annotator(study, signed_in(client))
    return annotator, f"/study/{study.slug}/rate/"


def own_answers(client: Client) -> str:
    annotator, page = rating_of(client, rules={"answering": {"revise_earlier": True}})
    prompt = factories.make_prompt(annotator.study, text="1 + 1 = ?")
    comparison = factories.make_comparison(annotator.study, prompt=prompt)
    factories.make_vote(comparison, annotator=annotator, active_ms=90_000)
    return f"{page}answers/"


def set_password_link(client: Client) -> str:
    return f"/invitation/{people.issue_set_password_link(factories.make_user('ines')).token}/"


def sign_in_link(client: Client) -> str:
    signed_in(client)
    issued = people.issue_sign_in_link(factories.make_user("other"))
    return f"/invitation/{issued.token}/"


def owner_without_study(client: Client) -> str:
    signed_in(client, is_superuser=True, is_staff=True)
    return "/"


def no_password(client: Client) -> str:
    user = signed_in(client)
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    return "/password/"


def changing(client: Client) -> str:
    signed_in(client)
    return "/password/"


def joining_as(role: Role) -> Callable[[Client], str]:
    def address(client: Client) -> str:
        signed_in(client)
        return join_link(role)

    return address


PAGES: dict[str, Callable[[Client], str]] = {
    "sign in": lambda client: "/sign-in/",
    "sign in instead": lambda client: str(signed_in(client) and "/sign-in/?another=1"),
    "join": lambda client: join_link(),
    **{f"join as {role.value}": joining_as(role) for role in Role},
    "crowd": lambda client: f"{crowd_link()}?PROLIFIC_PID=some",
    "crowd, signed in": lambda client: str(signed_in(client) and f"{crowd_link()}?PROLIFIC_PID=x"),
    "crowd, nobody": lambda client: crowd_link(),
    "crowd, strange": lambda client: f"{crowd_link()}?PROLIFIC_PID=%07",
    "used link": lambda client: ended_link(used_at=timezone.now()),
    "expired link": lambda client: ended_link(expires_at=timezone.now()),
    "revoked link": lambda client: ended_link(revoked_at=timezone.now()),
    "set password": set_password_link,
    "sign in by link": sign_in_link,
    "change password": changing,
    "no password": no_password,
    "no study": lambda client: str(signed_in(client) and "/"),
    "empty site": owner_without_study,
    "home of a draft": lambda client: home_of(client, Role.OWNER),
    **{
        f"home, {role.value}, {state.value}": lambda client, role=role, state=state: home_of(  # type: ignore[misc]
            client, role, state=state
        )
        for role in Role
        for state in (StudyState.OPEN, StudyState.ARCHIVED)
    },
    "rating": lambda client: rating_of(client)[1],
    "rating, all asked": lambda client: rating_of(
        client,
        rules={
            "answering": {"rationale": "required", "rationale_min": 9, "confidence": "required"}
        },
    )[1],
    "no own answers": lambda client: f"{rating_of(client)[1]}answers/",
    "own answers": own_answers,
    "no such page": lambda client: "/nowhere/",
    "no such link": lambda client: f"/invitation/{'x' * 43}/",
}


def left_in_english(english: HttpResponse, german: HttpResponse) -> set[str]:
    assert english.status_code == german.status_code
    assert 'lang="de"' in begins(german)
    return sentences_of(text_of(english)) & sentences_of(text_of(german))


@pytest.mark.parametrize("name", PAGES)
def test_a_german_page_has_no_english_sentence(client: Client, name: str) -> None:
    address = PAGES[name](client)
    english, german = client.get(address, headers=ENGLISH), client.get(address, headers=GERMAN)
    left = left_in_english(english, german)
    # Names of people, and commands with what people type.
    names = NAMES | {"ines", "other"}
    assert {text for text in left - names if "manage.py" not in text} == set()


FORMS: dict[str, tuple[Callable[[Client], str], dict[str, str]]] = {
    "nothing entered": (PAGES["sign in"], {}),
    "wrong password": (PAGES["sign in"], {"username": "ines", "password": "wrong"}),
    "join with nothing": (PAGES["join"], {}),
    "strange name": (
        PAGES["join"],
        {"username": "a b", "password": "twelve long words", "repeated": "other"},
    ),
    "long name": (PAGES["join"], {"username": "x" * 151, "password": "x", "repeated": "x"}),
    "simple password": (
        PAGES["join"],
        {"username": "ines", "password": "password", "repeated": "password"},
    ),
    "present password": (
        changing,
        {"present": "wrong", "password": "twelve long words", "repeated": "twelve long words"},
    ),
    "set nothing": (set_password_link, {}),
}


@pytest.mark.parametrize("crowd", [{}, {"no_work_code": "NONE-1"}])
def test_a_full_study_says_so_in_german(client: Client, crowd: dict[str, str]) -> None:
    address = full_crowd_link(**crowd)
    pages = [client.post(address, headers=wish) for wish in (ENGLISH, GERMAN)]
    assert pages[0].status_code == 410
    assert left_in_english(*pages) <= NAMES | {"NONE-1"}


@pytest.mark.parametrize("name", FORMS)
def test_a_german_form_has_no_english_error(client: Client, name: str) -> None:
    where, fields = FORMS[name]
    address = where(client)
    english = client.post(address, fields, headers=ENGLISH)
    german = client.post(address, fields, headers=GERMAN)
    assert english.status_code == 422
    assert left_in_english(english, german) <= NAMES | {"ines", "other"}


def test_a_taken_name_and_a_welcome_are_told_in_german(client: Client) -> None:
    factories.make_user("ines")
    address = join_link()
    fields = {"username": "ines", "password": "twelve long words", "repeated": "twelve long words"}
    taken = text_of(client.post(address, fields, headers=GERMAN))
    assert "Dieser Name ist schon vergeben." in taken
    home = client.post(address, fields | {"username": "uwe"}, headers=GERMAN, follow=True)
    assert "Sie nehmen jetzt an Support mail teil (Bewertung)." in text_of(home)
    out = client.post("/sign-out/", headers=GERMAN, follow=True)
    assert "Sie sind abgemeldet." in text_of(out)


def test_too_many_wrong_passwords_are_told_in_german(client: Client) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = client.post("/sign-in/", {"username": "ines", "password": "wrong"}, headers=GERMAN)
    assert last.status_code == 429
    assert "für 15 Minuten gesperrt" in text_of(last)


def test_dates_and_numbers_are_written_as_the_language_does(client: Client) -> None:
    address = join_link()
    Invitation.objects.update(expires_at=datetime(2030, 3, 5, 12, tzinfo=UTC))
    assert "until 5 March 2030." in text_of(client.get(address, headers=ENGLISH))
    assert "bis zum 5. März 2030." in text_of(client.get(address, headers=GERMAN))
    work = OwnWork(AnnotatorState.ACTIVE, 1200, 1)
    assert annotator_step(StudyState.OPEN, work).text == "1,200 done, 1 left for you."
    with translation.override("de"):
        text = annotator_step(StudyState.OPEN, work).text
    assert text == "1.200 bewertet, 1 noch für Sie übrig."


def every_step() -> list[Step]:
    """What home can say, for each role in each state, with none, one, many and very many."""
    steps = []
    for state, own in itertools.product(StudyState, AnnotatorState):
        for done, left, at_least in itertools.product((0, 1, 5), (0, 3), (True, False)):
            steps.append(annotator_step(state, OwnWork(own, done, left, at_least)))
    for state, number in itertools.product(StudyState, (0, 1, 7, COUNTED_UP_TO + 1)):
        steps += [adjudicator_step(state, number, whole=whole) for whole in (True, False)]
        for rows in itertools.product((0, number), repeat=4):
            responses, comparisons, imported, annotators = rows
            progress = StudyProgress(
                responses, comparisons, imported, annotators, 9, number, number
            )
            for flag in (True, False):
                steps.append(researcher_step(state, progress, sealed=flag))
                steps.append(monitor_step(state, progress, unblinded=flag))
    return steps


def test_every_next_step_is_told_in_german() -> None:
    english = every_step()
    with translation.override("de"):
        german = every_step()
    for one, other in zip(english, german, strict=True):
        assert sentences_in(one.text, one.label) & sentences_in(other.text, other.label) == set()
        assert (one.route, one.done) == (other.route, other.done)


# -- errors -----------------------------------------------------------------------------------


def test_errors_are_told_in_the_readers_language(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = Client(enforce_csrf_checks=True)
    refused = [strict.post("/sign-in/", headers=wish) for wish in (ENGLISH, GERMAN)]
    assert refused[0].status_code == 403
    assert left_in_english(*refused) <= NAMES
    study = factories.make_open_study()
    factories.make_membership(study, Role.MONITOR, signed_in(client))
    # An English page refuses in English: the refusal is a page of its own, in one language.
    assert 'lang="en"' in begins(client.get(f"/study/{study.slug}/adjudicate/", headers=GERMAN))
    away = failing_client(monkeypatch, OperationalError("shutting down"))
    unavailable = [away.get("/", headers=wish) for wish in (ENGLISH, GERMAN)]
    assert unavailable[0].status_code == 503
    assert left_in_english(*unavailable) <= NAMES


def test_a_fault_of_the_server_is_told_in_german(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = failing_client(monkeypatch, ValueError("a fault"))
    pages = [broken.get("/", headers=wish) for wish in (ENGLISH, GERMAN)]
    assert pages[0].status_code == 500
    assert left_in_english(*pages) <= NAMES


def test_a_host_that_is_not_allowed_is_told_in_german_too(client: Client) -> None:
    pages = [
        client.get("/sign-in/", headers={"host": "evil.example", **wish})
        for wish in (ENGLISH, GERMAN)
    ]
    assert pages[0].status_code == 400
    assert left_in_english(*pages) <= NAMES


# -- the words of scripts ---------------------------------------------------------------------


def test_scripts_get_their_words_where_the_page_is_not_english(client: Client) -> None:
    client.get("/sign-in/")
    signed_in(client)
    assert "/words/" not in text_of(client.get("/", headers=ENGLISH))
    page = text_of(client.get("/", headers=GERMAN))
    address = page.split('<script src="/words/')[1].split('"')[0]
    response = client.get(f"/words/{address}", headers=ENGLISH)
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Bewertungsseite \\u00f6ffnen" in response.content.decode()
    assert len(response.content) < 20_000


def test_words_of_another_version_are_not_kept(client: Client) -> None:
    response = client.get("/words/de.000000000000.js")
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get("/words/fr.000000000000.js").status_code == 404


def test_a_script_is_answered_in_the_readers_language() -> None:
    vote = {"path": "/password/", "data": "{}", "content_type": "application/json"}
    english, german = (Client().post(**vote, headers=wish).json() for wish in (ENGLISH, GERMAN))
    assert english["error"] == german["error"] == "sign_in_required"
    assert english["message"].startswith("You are signed out.")
    assert german["message"].startswith("Sie sind abgemeldet.")
