"""People at the desk: who holds what, saying when somebody leaves, confirming it, and the trail of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from page_checks import fields_of
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.domain.approvals.deadlines import end_of_day, london_day
from chalicelib.domain.people.tokens import Scope
from chalicelib.services.people import leaving, register, tokens
from chalicelib.web.widgets.typed_dates import date_fields
from tests.tokens import give_token

NATIONAL = "coordinator@example.org"
KENT = "coordinator.kent@example.police.uk"
PATH = "/desk/people"
LEAVES = f"{PATH}/lead-kent/leave"


def today(website: Website) -> date:
    return london_day(website.parts.now())


def say(website: Website, last_day: date, person: str = "lead-kent", reason: str = "A new post") -> Answer:
    """Up to the page that asks to be confirmed."""
    path = f"{PATH}/{person}/leave"
    fields = {**form_fields(website.get(path)), **date_fields("last", last_day), "reason": reason}
    return website.post(path, fields)


def confirm(website: Website, answer: Answer, person: str = "lead-kent") -> Answer:
    return website.post(f"{PATH}/{person}/leave", form_fields(answer))


def days_pass(website: Website, last_day: date) -> None:
    over = end_of_day(last_day)
    website.use(now=lambda: over)
    leaving.carry_out_due(website.parts)


def test_the_national_team_sees_everybody_and_a_force_its_own(website: Website) -> None:
    website.sign_in(NATIONAL)
    shown = words(website.get(PATH))
    for name in ("Innovation lead, Kent Police", "Innovation lead, Essex Police", "National coordinator"):
        assert name.lower() in shown.lower()
    shown = words(website.get(f"{PATH}?at=essex"))
    assert "Innovation lead, Essex Police" in shown
    assert "Innovation lead, Kent Police" not in shown
    website.sign_in(KENT)
    shown = words(website.get(PATH))
    assert "Innovation lead, Kent Police" in shown
    assert "Essex" not in shown
    assert "national" not in shown.lower()
    assert 'href="/desk/people"' in website.get("/desk").text


def test_a_last_day_is_said_confirmed_changed_and_taken_back(website: Website) -> None:
    website.sign_in(KENT)
    last_day = today(website) + timedelta(days=10)
    asked = say(website, last_day)
    assert (asked.status, heading(asked)[:12]) == (200, "Check before")
    assert "Nobody else is innovation lead of Kent Police." in words(asked)
    assert website.parts.leavings.leaving("lead-kent") is None, "not before it is confirmed"
    done = confirm(website, asked)
    assert done.headers["Location"] == f"{PATH}/lead-kent?done=leaves"
    person = website.get(done.headers["Location"])
    assert "A new post" in words(person)
    assert "said that they leave" in words(person)
    kept = website.parts.leavings.leaving("lead-kent")
    assert kept is not None
    assert kept.last_day == last_day
    answer = website.post(f"{PATH}/lead-kent/stay", form_fields(person))
    assert answer.headers["Location"] == f"{PATH}/lead-kent?done=stays"
    assert website.parts.leavings.leaving("lead-kent") is None


def test_after_the_last_day_they_are_signed_out_and_the_deputy_has_their_task(website: Website) -> None:
    receipt = website.submit()
    task = website.ask(receipt)
    website.sign_in(LEAD)
    cookies, website.cookies = dict(website.cookies), {}
    website.sign_in(KENT)
    last_day = today(website)
    confirm(website, say(website, last_day))
    website.cookies = cookies
    assert website.get(task).status == 200
    coordinator_back = website.parts.now
    days_pass(website, last_day)
    assert website.get(task).status == 303
    website.use(now=coordinator_back)
    assert website.get(task).headers["Location"].startswith("/sign-in")
    assert website.case(receipt).open_task.person_id == "deputy-kent"  # type: ignore[union-attr]
    website.sign_in(KENT)
    case = words(website.get(f"/desk/submissions/{receipt.reference}"))
    assert "was asked to decide, since whoever was asked before has left" in case
    assert "Innovation lead, Kent Police" in case, "the name stays where it is in the timeline"
    people = words(website.get(PATH))
    assert "Have left" in people
    gone = website.get(f"{PATH}/lead-kent")
    assert "They left, and were until then: innovation lead of Kent Police" in words(gone)
    assert "Say when they leave" not in words(gone)
    assert website.get(LEAVES).status == 404


def test_the_last_holder_does_not_leave_by_hand_and_the_page_says_why(website: Website) -> None:
    website.sign_in(KENT)
    answer = say(website, today(website) - timedelta(days=1))
    assert answer.status == 422
    assert "is the only innovation lead of Kent Police. Register a successor first" in words(answer)


def test_somebody_who_has_left_already_goes_at_once_where_another_holds_the_role(website: Website) -> None:
    second = website.parts.people.person("lead-kent")
    assert second is not None
    website.parts.people.register(  # type: ignore[attr-defined]
        [replace(second, id="second-lead", address="second@example.police.uk")]
    )
    website.sign_in(KENT)
    asked = say(website, today(website) - timedelta(days=1))
    assert "their roles end as soon as you confirm" in words(asked)
    done = confirm(website, asked)
    assert done.headers["Location"] == f"{PATH}/lead-kent?done=left"
    assert website.get(done.headers["Location"]).status == 200
    assert website.parts.people.person("lead-kent") is None


@pytest.mark.parametrize(
    "changes", [{"last-day": "31", "last-month": "2"}, {"reason": ""}, {"last-year": "2039"}]
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(website: Website, changes: dict[str, str]) -> None:
    website.sign_in(KENT)
    fields = {
        **form_fields(website.get(LEAVES)),
        **date_fields("last", today(website)),
        "reason": "Moving to Essex",
    }
    answer = website.post(LEAVES, {**fields, **changes})
    assert answer.status == 422
    assert ("Moving to Essex" in answer.text) is ("reason" not in changes)


def test_nothing_is_kept_without_the_csrf_token(website: Website) -> None:
    website.sign_in(KENT)
    fields = {**date_fields("last", today(website)), "reason": "x", "confirm": "yes"}
    for path in (LEAVES, f"{PATH}/lead-kent/stay", f"{PATH}/lead-kent/revoke"):
        assert website.post(path, fields).status == 403
    assert website.parts.leavings.leaving("lead-kent") is None


def test_a_forces_coordinator_makes_nobody_elses_people_leave(website: Website) -> None:
    website.sign_in(KENT)
    csrf = form_fields(website.get(LEAVES))["csrf"]
    fields = {"csrf": csrf, **date_fields("last", today(website)), "reason": "x", "confirm": "yes"}
    for person in ("lead-essex", "national-coordinator", "nobody"):
        assert website.get(f"{PATH}/{person}").status == 404
        assert website.post(f"{PATH}/{person}/leave", fields).status == 404
        assert website.parts.leavings.leaving(person) is None


def test_the_national_team_revokes_the_token_of_somebody_and_a_force_does_not_see_it(
    website: Website,
) -> None:
    give_token(website.parts, "coordinator-kent", Scope.READ)
    website.sign_in(KENT)
    assert "A program" not in words(website.get(f"{PATH}/lead-kent"))
    assert "Revoke" not in words(website.get(f"{PATH}/coordinator-kent"))
    website.sign_in(NATIONAL)
    person = website.get(f"{PATH}/coordinator-kent")
    forms = [one for one in person.page.iter("form") if str(one.get("action")).endswith("/revoke")]
    answer = website.post(f"{PATH}/coordinator-kent/revoke", fields_of(forms[0]))
    assert answer.headers["Location"].endswith("?done=revoked")
    assert tokens.live_tokens(website.parts, "coordinator-kent") == []
    assert "revoked the token" in words(website.get(f"{PATH}/coordinator-kent"))


def test_whoever_left_while_signed_in_at_the_desk_is_signed_out(website: Website) -> None:
    website.sign_in(KENT)
    last_day = today(website)
    confirm(website, say(website, last_day, person="coordinator-kent"), person="coordinator-kent")
    before = website.parts.now
    days_pass(website, last_day)
    website.use(now=before)
    assert website.get("/desk").status == 303


def test_pages_of_people_lead_on_and_back(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MOST_PEOPLE", 3)
    website.sign_in(NATIONAL)
    found: list[str] = []
    page = website.get(f"{PATH}?at=kent")
    assert "First page" not in words(page)
    while True:
        links = {str(link.text).strip(): link.get("href") for link in page.page.iter("a")}
        found += [href for href in links.values() if href and href.startswith(f"{PATH}/")]
        if "Next page" not in links:
            break
        page = website.get(str(links["Next page"]))
    assert links["First page"] == f"{PATH}?at=kent"
    assert len(found) == len(set(found)) > 3
    assert f"{PATH}/lead-kent" in found
    assert website.get(f"{PATH}?cursor=broken").status == 400
