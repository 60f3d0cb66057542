"""Asking somebody else, going away, and the coordinators' desk."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from claim_scenes import amended, sent_back, task_of
from page_checks import error_links, text_of, with_class
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import HoldingItem
from chalicelib.domain.people.people import Away, Holding
from chalicelib.domain.records.submissions import TaskState
from chalicelib.services.approvals import ending

COORDINATOR = "coordinator.kent@example.police.uk"
ESSEX = "coordinator.essex@example.police.uk"
NATIONAL = "coordinator@example.org"
FINANCE = "finance@example.org"
DEPUTY = "deputy.kent@example.police.uk"


def links(answer: Answer) -> set[str]:
    return {link.get("href") or "" for link in answer.page.iter("a")}


def test_the_person_asked_hands_a_task_on(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    page = website.get(f"{path}/reassign")
    assert heading(page) == "Ask somebody else to decide"
    assert "Deputy innovation lead, Kent Police" in words(page)
    assert "to" not in form_fields(page), "nobody is chosen beforehand"
    nobody = website.post(f"{path}/reassign", form_fields(page))
    assert nobody.status == 422
    assert error_links(nobody.page) == [("Choose who is to decide", "#to")]
    answer = website.post(f"{path}/reassign", {**form_fields(nobody), "to": "deputy-kent"})
    assert (answer.status, answer.headers["Location"]) == (303, f"{path}/reassign?done=1")
    done = website.get(answer.headers["Location"])
    assert (done.status, heading(done)) == (200, "Somebody else is asked now")
    assert task_of(website, path).state is TaskState.REASSIGNED
    assert website.get(path).status == 410
    assert website.get(f"{path}/reassign").status == 410
    website.sign_in(DEPUTY)
    assert website.get(path.removesuffix("1") + "2").status == 200


def test_a_claim_is_handed_to_nobody_who_may_not_decide_it(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    fields = form_fields(website.get(f"{path}/reassign"))
    for other in ("coordinator-kent", "lead-essex", "lead-kent", "nobody", ""):
        assert website.post(f"{path}/reassign", {**fields, "to": other}).status == 422, other
    assert task_of(website, path).state is TaskState.OPEN


def test_nobody_but_the_asked_person_and_coordinators_hands_a_task_on(website: Website) -> None:
    path = website.ask(website.submit())
    assert website.get(f"{path}/reassign").headers["Location"] == f"/sign-in?next={path}/reassign"
    for address in (DEPUTY, ESSEX, FINANCE):
        website.sign_in(address)
        fields = {"csrf": form_fields(website.get("/away"))["csrf"], "to": "deputy-kent"}
        for answer in (website.get(f"{path}/reassign"), website.post(f"{path}/reassign", fields)):
            assert (answer.status, heading(answer)) == (403, "You were not asked to decide this")
    website.sign_in(LEAD)
    assert website.post(f"{path}/reassign", {"to": "deputy-kent"}).status == 403, "without the CSRF token"
    assert task_of(website, path).state is TaskState.OPEN


def test_where_nobody_else_may_decide_the_page_says_what_to_do(website: Website) -> None:
    path = website.ask(website.submit())
    HoldingItem(keys.holding(Holding(role="innovation-lead-deputy", at="kent")), "deputy-kent").delete()
    website.sign_in()
    page = website.get(f"{path}/reassign")
    assert "Nobody else may decide this stage." in words(page)
    assert not list(page.page.iter("form"))


@pytest.mark.parametrize("address", [COORDINATOR, NATIONAL])
def test_a_coordinator_has_somebody_else_asked(website: Website, address: str) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in(address)
    desk = f"/desk/submissions/{receipt.reference}"
    page = website.get(desk)
    assert f"{desk}/reassign" in links(page)
    choosing = website.get(f"{desk}/reassign")
    assert "Innovation lead, Kent Police will be told that they no longer need to decide." in words(choosing)
    assert website.post(f"{desk}/reassign", {"to": "deputy-kent"}).status == 403, "without the CSRF token"
    assert website.post(f"{desk}/reassign", form_fields(choosing)).status == 422
    answer = website.post(f"{desk}/reassign", {**form_fields(choosing), "to": "deputy-kent"})
    assert (answer.status, answer.headers["Location"]) == (303, f"{desk}?asked=1")
    shown = website.get(answer.headers["Location"])
    assert "Deputy innovation lead, Kent Police is asked to decide now." in words(shown)
    assert "Asked Deputy innovation lead, Kent Police" in words(shown)
    assert task_of(website, path).state is TaskState.REASSIGNED
    assert len(website.mails("no-longer-needed")) == 1


def test_a_coordinator_hands_on_from_the_task_as_well(website: Website) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in(COORDINATOR)
    page = website.get(f"{path}/reassign")
    assert f"/desk/submissions/{receipt.reference}" in links(page)
    answer = website.post(f"{path}/reassign", {**form_fields(page), "to": "deputy-kent"})
    assert website.get(answer.headers["Location"]).status == 200


def test_where_nobody_is_to_decide_there_is_nothing_to_hand_on(website: Website) -> None:
    receipt = sent_back(website)
    website.sign_in(COORDINATOR)
    desk = f"/desk/submissions/{receipt.reference}"
    assert f"{desk}/reassign" not in links(website.get(desk))
    assert website.get(f"{desk}/reassign").status == 410


def test_the_desk_lists_what_nobody_decided(website: Website) -> None:
    website.sign_in(COORDINATOR)
    assert "Nothing is waiting for a coordinator." in words(website.get("/desk/stuck"))
    receipt = website.submit()
    website.stuck(receipt)
    page = website.get("/desk/stuck")
    row = text_of(with_class(page.page, "app-stacking__row")[0])
    assert row.startswith(f"{receipt.reference} Kent Police Your force's innovation lead")
    assert "Deputy innovation lead, Kent Police" in row
    assert row.endswith("£1,834.50")
    desk = f"/desk/submissions/{receipt.reference}"
    assert {desk, f"{desk}/reassign"} <= links(page)
    fields = form_fields(website.get(f"{desk}/reassign"))
    assert website.post(f"{desk}/reassign", {**fields, "to": "lead-kent"}).status == 303
    assert "Nothing is waiting for a coordinator." in words(website.get("/desk/stuck"))


def test_another_forces_coordinator_finds_nothing_of_it(website: Website) -> None:
    receipt = website.submit()
    website.stuck(receipt)
    website.sign_in(ESSEX)
    assert "Nothing is waiting for a coordinator." in words(website.get("/desk/stuck"))
    desk = f"/desk/submissions/{receipt.reference}"
    for path in (desk, f"{desk}/reassign"):
        assert website.get(path).status == 404
    fields = {"csrf": form_fields(website.get("/away"))["csrf"], "to": "lead-kent"}
    assert website.post(f"{desk}/reassign", fields).status == 404


@pytest.mark.parametrize("path", ["/desk/stuck", "/desk/submissions/{reference}"])
def test_the_desk_is_for_staff(website: Website, path: str) -> None:
    receipt = website.submit()
    path = path.format(reference=receipt.reference)
    assert website.get(path).headers["Location"] == f"/sign-in?next={path}"
    website.sign_in(LEAD)
    assert website.get(path).status == 403
    website.sign_in(FINANCE)
    assert website.get(path).status == 200


def test_the_desk_tells_a_claims_story_with_names(website: Website) -> None:
    receipt = amended(website)
    path = website.ask(receipt)
    website.sign_in(FINANCE)
    website.get(path)
    page = website.get(f"/desk/submissions/{receipt.reference.lower().replace('-', ' ')}")
    story = words(page)
    for expected in (
        "Status Being decided",
        "Version of the answers 2",
        "The claim came in",
        "Innovation lead, Kent Police, innovation lead, was asked to decide",
        "Innovation lead, Kent Police, innovation lead, asked for changes to it",
        "What it costs: Two quotes for the hall, please.",
        "The claimant sent the changes",
    ):
        assert expected in story
    assert f"/desk/submissions/{receipt.reference}/reassign" not in links(page), "that takes a coordinator"


def test_the_desk_tells_of_decisions_taken_back_and_of_refused_tries(website: Website) -> None:
    website.use(undo_for=timedelta(minutes=10))
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    website.post(path, {**form_fields(website.get(path)), "decision": "approve"})
    undo = form_fields(website.get(path))
    website.sign_in(COORDINATOR)
    desk = f"/desk/submissions/{receipt.reference}"
    assert "The last decision can be undone until" in words(website.get(desk))
    csrf = form_fields(website.get("/away"))["csrf"]
    website.post(path, {"csrf": csrf, "decision": "reject", "comment": "x", "seen": "x"})
    website.sign_in()
    undo["csrf"] = form_fields(website.get("/away"))["csrf"]
    website.post(f"{path}/undo", undo)
    website.sign_in(COORDINATOR)
    story = words(website.get(desk))
    assert "innovation lead, approved it (taken back since)" in story
    assert "Innovation lead, Kent Police took the decision back" in story
    assert "Coordinator, Kent Police tried to decide and was refused: they were not asked" in story


@pytest.mark.parametrize("how", ["withdrawn", "moved"])
def test_the_desk_shows_what_has_ended(website: Website, how: str) -> None:
    if how == "moved":
        receipt = amended(website, force="essex")
    else:
        receipt = website.submit()
        ending.withdraw(website.parts, "kent", receipt.reference, reason="A free hall")
    website.sign_in(COORDINATOR)
    story = words(website.get(f"/desk/submissions/{receipt.reference}"))
    assert ("Status Moved to Essex Police" if how == "moved" else "Status Withdrawn") in story


def test_days_away_are_kept_shown_and_forgotten(website: Website) -> None:
    website.sign_in()
    page = website.get("/away")
    assert "I am back" not in words(page)
    today = website.parts.now().date()
    last = today + timedelta(days=9)
    typed = {
        "first-day": str(today.day), "first-month": f"{today:%B}", "first-year": str(today.year),
        "last-day": str(last.day), "last-month": str(last.month), "last-year": str(last.year),
        "delegate": "deputy-kent",
    }  # fmt: skip
    answer = website.post("/away", {**form_fields(page), **typed})
    assert (answer.status, answer.headers["Location"]) == (303, "/away?saved=1")
    assert website.parts.people.away("lead-kent") == Away(first=today, last=last, delegate_id="deputy-kent")
    kept = website.get(answer.headers["Location"])
    assert "Your days away are saved." in words(kept)
    assert "Asked instead Deputy innovation lead, Kent Police" in words(kept)
    receipt = website.submit()
    website.ask(receipt)
    (task,) = website.case(receipt).open_tasks
    assert (task.person_id, task.stands_in_for) == ("deputy-kent", "lead-kent")
    back = website.post("/away", {**form_fields(kept), "action": "back"})
    assert "You are no longer away." in words(website.get(back.headers["Location"]))
    assert website.parts.people.away("lead-kent") is None


def test_whoever_stands_in_is_told_so_on_the_task(website: Website) -> None:
    today = website.parts.now().date()
    website.parts.people.set_away("lead-kent", Away(first=today, last=today, delegate_id="deputy-kent"))
    path = website.ask(website.submit())
    website.sign_in(DEPUTY)
    assert "for somebody who is away" in words(website.get(path))


def test_days_that_cannot_be_are_listed_and_what_was_typed_is_kept(website: Website) -> None:
    website.sign_in()
    typed = {
        **form_fields(website.get("/away")),
        "first-day": "27", "first-month": "3",
        "last-day": "31", "last-month": "2", "last-year": "2027",
        "delegate": "lead-essex",
    }  # fmt: skip
    answer = website.post("/away", typed)
    assert answer.status == 422
    assert [href for _, href in error_links(answer.page)] == ["#first-year", "#last-day", "#delegate"]
    kept = form_fields(answer)
    assert (kept["first-day"], kept["last-year"]) == ("27", "2027")
    assert website.parts.people.away("lead-kent") is None


def test_nobody_but_the_signed_in_person_is_sent_away(website: Website) -> None:
    assert website.get("/away").headers["Location"] == "/sign-in?next=/away"
    website.sign_in()
    day = date(2030, 1, 1)
    typed = {f"{name}-{part}": str(value) for name in ("first", "last")
             for part, value in (("day", day.day), ("month", day.month), ("year", day.year))}  # fmt: skip
    assert website.post("/away", typed).status == 403
    assert website.parts.people.away("lead-kent") is None


def test_who_decides_nothing_has_nobody_to_name(website: Website) -> None:
    website.sign_in(COORDINATOR)
    assert "Nobody else who can make the same decisions as you is registered." in words(website.get("/away"))
