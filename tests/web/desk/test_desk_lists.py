"""The lists of submissions, as pages and through the API, and the desk that leads to them."""

from __future__ import annotations

import json
from xml.etree.ElementTree import Element

import pytest
from page_checks import text_of, with_class
from website import LEAD, Answer, Website, form_fields, heading, words

COORDINATOR = "coordinator.kent@example.police.uk"
ESSEX = "coordinator.essex@example.police.uk"
NATIONAL = "coordinator@example.org"
FINANCE = "finance@example.org"
API = "/api/v1/submissions"


def link(answer: Answer, text: str) -> str:
    """The target of the link of this text."""
    (found,) = [one for one in answer.page.iter("a") if text_of(one) == text]
    return found.get("href") or ""


def rows(answer: Answer) -> list[list[str]]:
    """The cells of the page's list."""
    return [[text_of(cell) for cell in row] for body in answer.page.iter("tbody") for row in body]


def drawings(answer: Answer) -> list[Element]:
    return [one for one in answer.page.iter() if str(one.tag).endswith("svg") and one.get("role") == "img"]


def titles(answer: Answer) -> list[str]:
    return [one["title"] for one in json.loads(answer.text)["submissions"]]


def test_a_list_through_the_api_has_a_line_for_each_submission(website: Website) -> None:
    first = website.submit()
    second = website.submit(event_title="Another day")
    website.ask(first)
    website.sign_in(COORDINATOR)
    answer = website.get(API)
    assert answer.status == 200
    body = json.loads(answer.text)
    assert body["next"] is None
    assert [one["reference"] for one in body["submissions"]] == [second.reference, first.reference]
    due = body["submissions"][1].pop("due")
    assert due.endswith("Z")
    assert body["submissions"][1] == {
        "reference": first.reference,
        "form": "funding-claim",
        "title": "Ideas from the front line",
        "force": "kent",
        "status": "in-review",
        "stage": "force-lead",
        "waiting_for": "innovation-lead",
        "submitted_at": first.submitted_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "amount_pence": 183450,
        "overdue": False,
    }


def test_pages_of_the_api_follow_each_other(website: Website) -> None:
    for number in range(5):
        website.submit(event_title=f"Day {number}")
    website.sign_in(COORDINATOR)
    found, path = [], f"{API}?limit=2"
    for _ in range(3):
        answer = website.get(path)
        found += titles(answer)
        cursor = json.loads(answer.text)["next"]
        path = f"{API}?limit=2&cursor={cursor}"
    assert found == ["Day 4", "Day 3", "Day 2", "Day 1", "Day 0"]
    assert cursor is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "status=open",
        "form=none",
        "overdue=1",
        "cursor=x",
        "state=approved",
        "force=a%23b",
    ],
)
def test_a_program_that_asks_wrongly_is_told(website: Website, query: str) -> None:
    website.sign_in(COORDINATOR)
    answer = website.get(f"{API}?{query}")
    assert (answer.status, json.loads(answer.text)["code"]) == (400, "unreadable")


def test_the_list_is_for_staff(website: Website) -> None:
    assert website.get(API).status == 401
    assert website.get("/desk/submissions").headers["Location"] == "/sign-in?next=/desk/submissions"
    website.sign_in(LEAD)
    for path in (API, "/desk/submissions", "/desk"):
        assert website.get(path).status == 403


def test_the_lists_of_one_force_show_nothing_of_another(website: Website) -> None:
    receipt = website.submit(event_title="Kent alone")
    website.ask(receipt)
    website.sign_in(ESSEX)
    for query in ("", "force=kent", "q=Kent", f"q={receipt.reference}", "assignee=lead-kent", "overdue=true"):
        for path in (API, "/desk/submissions"):
            answer = website.get(f"{path}?{query}")
            assert answer.status == 200
            assert "Kent alone" not in answer.text
            assert "/desk/submissions/CLM" not in answer.text
    assert "Kent" not in website.get("/desk").text


def test_the_page_of_the_list_is_narrowed_by_its_form_and_the_address_holds_it(website: Website) -> None:
    website.submit(event_title="Ideas for all")
    decided = website.submit(event_title="Good ideas")
    website.ask(decided)
    website.decide(decided, "reject", comment="No")
    website.sign_in(COORDINATOR)
    page = website.get("/desk/submissions")
    assert heading(page) == "Submissions"
    assert [row[1] for row in rows(page)] == ["Good ideas", "Ideas for all"]
    assert form_fields(page) == {"q": "", "form": "", "status": "", "stage": "", "assignee": ""}
    narrowed = website.get("/desk/submissions?q=ideas&form=&status=rejected&stage=&assignee=")
    assert rows(narrowed) == [
        [decided.reference, "Good ideas", "Not approved", "Nobody", "No date", "£1,834.50"]
    ]
    assert form_fields(narrowed)["status"] == "rejected"
    assert form_fields(narrowed)["q"] == "ideas"
    assert link(narrowed, decided.reference) == f"/desk/submissions/{decided.reference}"
    nothing = website.get("/desk/submissions?q=nothing")
    assert "No results." in words(nothing)


def test_the_pages_of_the_list_lead_on_and_keep_the_filter(website: Website) -> None:
    for number in range(3):
        website.submit(event_title=f"Day {number}")
    website.sign_in(NATIONAL)
    first = website.get("/desk/submissions?limit=2&q=day&force=kent")
    assert [row[1] for row in rows(first)] == ["Day 2", "Day 1"]
    path = link(first, "Older submissions")
    second = website.get(path)
    assert [row[1:3] for row in rows(second)] == [["Day 0", "Kent Police"]]
    assert form_fields(second)["force"] == "kent"
    assert link(second, "Back to the newest") == "/desk/submissions?force=kent&q=day"
    assert website.get(path + "x").status == 400


def test_an_empty_desk_says_what_it_will_show(website: Website) -> None:
    website.sign_in(COORDINATOR)
    said = words(website.get("/desk"))
    assert "You have no decisions to make." in said
    assert "Nothing is open. New submissions are counted here straight away" in said
    assert "open claims by stage" not in said
    website.submit()
    said = words(website.get("/desk"))
    assert "Nothing is open." not in said
    assert "open claims by stage" in said


def test_the_desk_tells_what_waits_and_what_is_late(website: Website) -> None:
    receipt = website.submit(event_title="Stuck day")
    website.submit(event_title="In time")
    website.stuck(receipt)
    website.sign_in(COORDINATOR)
    page = website.get("/desk")
    assert heading(page) == "Desk"
    said = words(page)
    assert "Kent Police" in said
    assert "You have no decisions to make." in said
    assert f"{receipt.reference} Stuck day Kent Police" in said
    assert "Deputy innovation lead, Kent Police" in said
    assert ["Innovation lead", "1", "2"] in rows(page) or any(row[1:] == ["1", "2"] for row in rows(page))
    late = website.get("/desk/submissions?overdue=true")
    assert [row[1] for row in rows(late)] == ["Stuck day"]
    assert rows(late)[0][4].startswith("Overdue: ")


def test_the_desk_shows_what_waits_for_the_person_who_looks(website: Website) -> None:
    receipt = website.submit(
        cost_lines=[{"description": "Hall", "category": "venue-hire", "amount_pence": 600_000}]
    )
    for _ in range(2):
        website.ask(receipt)
        website.decide(receipt)
    path = website.ask(receipt)
    website.sign_in(FINANCE)
    page = website.get("/desk")
    assert link(page, receipt.reference) == path
    assert "All forces" in words(page)
    mine = website.get("/desk/submissions?assignee=fund-holder")
    assert mine.status == 200
    website.decide(receipt)
    assert "You have no decisions to make." in words(website.get("/desk"))


def test_the_desk_draws_the_fund_and_has_its_figures_in_a_table(website: Website) -> None:
    receipt = website.submit()
    website.ask(receipt)
    website.decide(receipt)
    website.sign_in(COORDINATOR)
    page = website.get("/desk")
    said = [one.get("aria-label") for one in drawings(page)]
    assert said == [
        "The whole fund: £0 paid, £0 promised, £1,834.50 set aside, £48,165.50 left of £50,000",
        "Kent Police: £0 paid, £0 promised, £1,834.50 set aside, £8,165.50 left of £10,000",
    ]
    assert ["Kent Police", "£0", "£0", "£1,834.50", "£8,165.50", "£10,000"] in rows(page)
    website.sign_in(ESSEX)
    assert "Kent" not in website.get("/desk").text


@pytest.mark.parametrize(
    ("address", "after", "first"),
    [(COORDINATOR, "/", "/desk"), (COORDINATOR, "/away", "/away"), (LEAD, "/", "/")],
)
def test_staff_who_sign_in_come_to_the_desk(website: Website, address: str, after: str, first: str) -> None:
    website.post("/sign-in", {"address": address, "next": after})
    answer = website.post("/sign-in/code", {"code": website.mailed_code(), "next": after})
    assert (answer.status, answer.headers["Location"]) == (303, first)


def test_staff_find_the_desk_in_the_header(website: Website) -> None:
    website.sign_in(COORDINATOR)
    page = website.get("/desk/stuck")
    (navigation,) = with_class(page.page, "govuk-service-navigation__list")
    assert "Desk" in text_of(navigation)
