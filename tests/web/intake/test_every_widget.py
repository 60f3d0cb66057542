"""A form with every widget, alone and in two groups: its page, mails, desk, changes and export."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from page_checks import error_links, text_of
from website import LEAD, Website, form_fields, words

from chalicelib.adapters.aws.ses import render
from chalicelib.adapters.rendering.workbooks import Workbooks
from chalicelib.domain.reports import exports
from chalicelib.services.intake.submitting import Receipt
from chalicelib.web.widgets.html_forms import typed_fields
from tests.builders import submitted
from tests.forms import WithEverything, a_request, all_answers, everything, least_answers

COORDINATOR = "coordinator.kent@example.police.uk"
PAGE = "/forms/everything"
SESSION = ["Day: 27 March 2027", "Seats: 40", "Room: Hall", "Cost: £50", "Lunch: Confirmed"]
MILESTONE = [
    "Target: 75",
    "Due: 1 September 2027",
    "Team: Rural crime team",
    "Mailbox: rural@example.police.uk",
]


@pytest.fixture
def site(website: Website) -> Website:
    website.use(forms=WithEverything())
    return website


def send(site: Website, **typed: str) -> Any:
    """Fill in the page with every answer, change what is typed, and send it."""
    fields = form_fields(site.get(PAGE))
    return site.post(PAGE, {**fields, **typed_fields(everything(), all_answers()), **typed})


def stored(site: Website) -> dict[str, Any]:
    """The answers of the one submission that there is."""
    (reference,) = site.stored()
    return dict(site.parts.records.of("kent").case(reference).answers)


def a_submission(site: Website, **changes: Any) -> Receipt:
    return submitted(site.parts, everything(), all_answers(**changes))


def test_what_a_page_sends_is_stored_as_a_program_would_have_sent_it(site: Website) -> None:
    assert send(site).status == 303
    assert stored(site) == all_answers()


def test_the_page_has_every_input_once(site: Website) -> None:
    fields = form_fields(site.get(PAGE))
    one_row = {**all_answers(), "sessions": [{}], "milestones": [{}]}
    ticked = {"sessions-0-catering", "agreed", "updates"}
    assert set(typed_fields(everything(), one_row)) - ticked <= set(fields)


def test_only_what_must_be_answered_is_enough(site: Website) -> None:
    fields = form_fields(site.get(PAGE))
    assert site.post(PAGE, {**fields, **typed_fields(everything(), least_answers())}).status == 303
    assert stored(site) == least_answers()


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ({"sessions-1-day-month": ""}, ("Line 2: Day must include a month", "#sessions-1-day-month")),
        (
            {"sessions-0-day-day": "31", "sessions-0-day-month": "2"},
            ("Line 1: The day must be a real date, such as 27 3 2027", "#sessions-0-day-day"),
        ),
        (
            {"sessions-0-seats": "many"},
            ("Line 1: How many seats there are must be a whole number", "#sessions-0-seats"),
        ),
        (
            {"milestones-0-due-year": "27"},
            ("Line 1: When it is due must be a real date, such as 27 3 2027", "#milestones-0-due-year"),
        ),
        ({"milestones-0-target": "101"}, ("Line 1: The target must be 100 or less", "#milestones-0-target")),
        (
            {"milestones-0-mailbox": "x"},
            ("Line 1: Enter one email address, like name@example.police.uk", "#milestones-0-mailbox"),
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_row_is_said_at_its_place_and_all_that_was_typed_stays(
    site: Website, typed: dict[str, str], link: tuple[str, str]
) -> None:
    answer = send(site, **typed)
    assert answer.status == 422
    assert error_links(answer.page) == [link]
    shown = form_fields(answer)
    sent = {**typed_fields(everything(), all_answers()), **typed}
    assert {name: shown.get(name, "") for name in sent} == sent
    assert site.stored() == []


def test_a_group_that_must_have_rows_leads_to_the_first_input_of_the_first_row(site: Website) -> None:
    no_rows = dict.fromkeys(typed_fields(everything(), {"sessions": [{}]}), "")
    fields = {
        n: v for n, v in typed_fields(everything(), all_answers()).items() if not n.startswith("sessions")
    }
    answer = site.post(PAGE, {**form_fields(site.get(PAGE)), **fields, **no_rows})
    assert error_links(answer.page) == [("Enter at least one session", "#sessions-0-day-day")]


def test_lines_are_added_and_removed_in_the_group_whose_button_was_pressed(site: Website) -> None:
    more = form_fields(send(site, action="add-line-milestones"))
    assert "milestones-1-target" in more and "milestones-1-due-day" in more
    assert "sessions-2-day-day" not in more
    fewer = form_fields(site.post(PAGE, {**more, "action": "remove-line-sessions-1"}))
    assert fewer["sessions-0-day-day"] == "28"
    assert "sessions-1-day-day" not in fewer and "milestones-1-target" in fewer
    assert fewer["milestones-0-due-day"] == "1"


def test_a_button_of_a_page_from_before_means_the_first_group_and_one_of_no_group_sends(
    site: Website,
) -> None:
    assert "sessions-2-day-day" in form_fields(send(site, action="add-line"))
    assert send(site, action="add-line-ghosts").status == 303


def in_order(text: str, *wanted: str) -> bool:
    """Whether the text holds all of these, one after the other."""
    place = 0
    for one in wanted:
        place = text.find(one, place) + 1
        if not place:
            return False
    return True


@pytest.mark.parametrize("template", ["receipt", "asked"])
def test_rows_are_in_the_receipt_and_in_the_approvers_mail(site: Website, template: str) -> None:
    site.ask(a_submission(site))
    (mail,) = site.mails(template)
    rendered = render(template, mail.payload["values"])
    assert in_order(rendered.text, "Sessions, line 1", *SESSION, "Sessions, line 2", "Day: 28 March 2027")
    assert in_order(rendered.text, "Milestones, line 1", *MILESTONE)
    assert in_order(
        rendered.html, "Sessions, line 1", "27 March 2027", "Milestones, line 1", "1 September 2027"
    )
    assert "Costs" not in rendered.text


def test_a_mail_that_was_queued_before_rows_were_in_it_is_still_sent(site: Website) -> None:
    site.ask(a_submission(site))
    for template in ("receipt", "asked"):
        (mail,) = site.mails(template)
        values = {
            name: one for name, one in mail.payload["values"].items() if name not in ("groups", "version")
        }
        assert "Sessions" not in render(template, values).text


@pytest.mark.parametrize(
    ("who", "shown"),
    [("personal", False), ("for-approvers", True)],
    ids=["kept from approvers", "for approvers"],
)
def test_rows_that_are_personal_are_in_no_receipt_and_only_in_mails_of_those_who_may_read_them(
    site: Website, who: str, shown: bool
) -> None:
    class Personal(WithEverything):
        def form(self, form_id: str, version: int | None = None) -> Any:
            form = super().form(form_id, version)
            form.schema["properties"]["milestones"] |= {"x-personal": True, "x-for-approvers": shown}
            return form

    site.use(forms=Personal())
    site.ask(submitted(site.parts, Personal().form("everything"), all_answers()))
    (receipt,), (asked,) = site.mails("receipt"), site.mails("asked")
    assert "1 September 2027" not in str(receipt.payload)
    assert ("1 September 2027" in str(asked.payload)) is shown


def test_the_approver_and_the_desk_see_every_row(site: Website) -> None:
    receipt = a_submission(site)
    path = site.ask(receipt)
    for who, page in ((LEAD, path), (COORDINATOR, f"/desk/submissions/{receipt.reference}")):
        site.cookies.clear()
        site.sign_in(who)
        shown = words(site.get(page))
        assert in_order(shown, "27 March 2027", "40", "Hall", "£50", "28 March 2027", "12"), page
        assert in_order(shown, "75", "1 September 2027", "Rural crime team", a_request(2)), page


def test_figures_stand_as_figures_and_nothing_else_does(site: Website) -> None:
    site.sign_in(LEAD)
    answer = site.get(site.ask(a_submission(site)))
    (table,) = [one for one in answer.page.iter("table") if "Sessions" in text_of(one)]
    figures = {
        text_of(cell) for cell in table.iter("td") if "govuk-table__cell--numeric" in cell.get("class", "")
    }
    assert figures == {"40", "12", "£50", ""}, "days, rooms and notes are text"


def test_changes_in_rows_can_be_made_on_the_page_and_the_approver_reads_what_is_different(
    site: Website,
) -> None:
    receipt = a_submission(site)
    site.ask(receipt)
    site.decide(receipt, "request-changes", changes={"plan": "Another day?"})
    site.prove(receipt, "amend")
    page = f"/status/{receipt.status_token}/amend"
    fields = form_fields(site.get(page))
    assert (fields["sessions-0-day-day"], fields["milestones-0-due-month"]) == ("27", "9")
    changed = {**fields, "sessions-0-day-day": "30", "milestones-0-target": "80", "action": "send"}
    assert site.post(page, changed).status == 303
    assert stored(site)["sessions"][0] == {**all_answers()["sessions"][0], "day": "2027-03-30"}
    site.mails("asked")
    site.ask(receipt)
    (mail,) = site.mails("asked")
    assert mail.payload["values"]["differences"] == [
        [
            "Sessions",
            "27 March 2027, 40, Hall, £50, Bring a pen. And paper., Confirmed\n28 March 2027, 12",
            "30 March 2027, 40, Hall, £50, Bring a pen. And paper., Confirmed\n28 March 2027, 12",
        ],
        [
            "Milestones",
            f"75, 1 September 2027, Rural crime team, rural@example.police.uk, 01632 960 002, {a_request(2)}",
            f"80, 1 September 2027, Rural crime team, rural@example.police.uk, 01632 960 002, {a_request(2)}",
        ],
    ]


def test_every_row_is_in_an_export(site: Website) -> None:
    receipt = a_submission(site)
    columns = exports.columns(everything())
    one = site.case(receipt).submission
    row = exports.row(one, columns, force_name="Kent Police", questions=exports.questions_of(everything()))
    at = datetime(2027, 1, 1, tzinfo=timezone.utc) + timedelta(days=1)
    with Workbooks().written(columns, [row], title="t", at=at) as (table, _):
        head, cells = csv.reader(io.StringIO(table.content.read().decode("utf-8-sig")))
    found = dict(zip(head, cells))
    assert (found["First day"], found["People"], found["Estimate"]) == ("2027-03-27", "1200", "1234.50")
    assert (found["Kind"], found["Updates"]) == ("Workshop", "Yes")
    assert found["Sessions"] == (
        "27 March 2027, 40, Hall, £50, Bring a pen. And paper., Confirmed; 28 March 2027, 12"
    )
    assert found["Milestones"].startswith("75, 1 September 2027, Rural crime team")


def test_a_program_sends_the_same_answers(site: Website) -> None:
    answer = site.send_json("/api/v1/forms/everything/submissions", json.dumps(all_answers()).encode())
    assert answer.status == 201
    assert stored(site) == all_answers()
