"""Digests: who gets one, once; what it says; and that it names nobody."""

from __future__ import annotations

import email
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.adapters.aws.ses import SesMailer, render
from chalicelib.domain.money.fund import Balance
from chalicelib.domain.records.submissions import STATUSES
from chalicelib.domain.reports import digests
from chalicelib.domain.reports.digests import Figures, WaitingFor
from chalicelib.services.delivery import delivering
from chalicelib.services.ports import Parts
from chalicelib.services.reports import digesting
from tests import fakes
from tests.builders import PERSONAL, Story, a_form, a_person, a_submission, all_values, the_people
from tests.unit.digest_samples import LEAN, SAMPLE

MONDAY_AT_7 = datetime(2027, 1, 18, 7, tzinfo=timezone.utc)
CHIEF_OF_KENT = a_person("chief-kent", "chief-constable@kent")
PANEL = [
    a_person("home-office-leader", "home-office-leader@national"),
    a_person("npcc-leader", "npcc-leader@national"),
    a_person("college-leader", "college-leader@national"),
]
DEPUTY = a_person("college-leader-deputy", "college-leader-deputy@national")


@pytest.fixture
def story() -> Story:
    parts = fakes.parts()
    people = [*the_people(), CHIEF_OF_KENT, a_person("chief-essex", "chief-constable@essex"), *PANEL, DEPUTY]
    parts.people.register(people)  # type: ignore[attr-defined]
    caps = {"kent": 5_000_000, "essex": 5_000_000}
    parts.funds.open_fund("ptf", name="the fund", total_pence=9_000_000, caps=caps)  # type: ignore[attr-defined]
    return Story(parts)


def at(parts: Parts, moment: datetime) -> Parts:
    parts.now.at = moment  # type: ignore[attr-defined]
    return parts


def claims_in(values: Any) -> Any:
    """What a digest says of claims."""
    (told,) = [one for one in values["forms"] if one["noun"] == "claim"]
    return told


def digests_sent(parts: Parts) -> dict[str, Any]:
    """What is sent, by address; nobody gets the same twice."""
    while delivering.sweep(
        replace(parts, now=lambda: at(parts, parts.now()).now() + timedelta(minutes=2))
    ).delivered:
        pass
    sent = [mail for mail in parts.mailer.sent if mail.template == "digest"]  # type: ignore[attr-defined]
    assert len({mail.notification_id for mail in sent}) == len(sent)
    return {mail.to: mail for mail in sent}


def test_a_chief_constable_gets_the_digest_of_their_force_and_the_panel_that_of_all(story: Story) -> None:
    story.submit()
    story.submit(force="essex")
    story.submit(force="essex", event_title="A second day")
    parts = at(story.parts, MONDAY_AT_7)
    done = digesting.digest(parts)
    sent = digests_sent(parts)
    assert (done.queued, done.failed) == (5, 0)
    assert DEPUTY.address not in sent
    kent = sent[CHIEF_OF_KENT.address].values
    assert kent["where"] == "Kent Police"
    assert claims_in(kent)["figures"][0] == ["Claims sent in", "1"]
    assert kent["period"] == "Monday 11 to Sunday 17 January 2027"
    assert [one["exports_url"] for one in kent["forms"]] == [
        f"{fakes.BASE_URL}/exports/{form}/kent/2027-01-11-to-2027-01-17" for form in ("funding-claim", "idea")
    ]
    for leader in PANEL:
        told = claims_in(sent[leader.address].values)
        assert told["figures"][0] == ["Claims sent in", "3"]
        assert "/exports/funding-claim/all/" in told["exports_url"]


def test_each_digest_is_sent_once_a_period(story: Story) -> None:
    story.submit()
    parts = at(story.parts, MONDAY_AT_7)
    digesting.digest(parts)
    first = digests_sent(parts)
    for days in (0, 1, 6):
        at(parts, MONDAY_AT_7 + timedelta(days=days, hours=1))
        digesting.digest(parts)
    assert digests_sent(parts) == first
    at(parts, MONDAY_AT_7 + timedelta(days=7))
    digesting.digest(parts)
    assert digests_sent(parts)[CHIEF_OF_KENT.address] != first[CHIEF_OF_KENT.address]


def test_a_digest_says_what_has_changed_since_the_last(story: Story) -> None:
    first = story.submit()
    parts = at(story.parts, MONDAY_AT_7)
    digesting.digest(parts)
    story.submit(event_title="A second day")
    story.approve_up_to(first.reference, "")
    at(parts, MONDAY_AT_7 + timedelta(days=7))
    digesting.digest(parts)
    values = claims_in(digests_sent(parts)[CHIEF_OF_KENT.address].values)
    assert values["figures"] == [
        ["Claims sent in", "2, 1 more than last time"],
        ["Approved", "1, 1 more than last time"],
        ["Waiting for an answer", "1, as last time"],
    ]
    assert values["money"][1] == ["Committed", "£6,000, £6,000 more than last time"]
    assert values["money"][2] == ["Left", "£44,000 of £50,000"]


def test_where_nothing_was_ever_sent_in_nobody_gets_a_digest(story: Story) -> None:
    assert digesting.digest(at(story.parts, MONDAY_AT_7)).queued == 0
    story.submit(force="essex")
    digesting.digest(at(story.parts, MONDAY_AT_7 + timedelta(days=7)))
    assert CHIEF_OF_KENT.address not in digests_sent(story.parts)


def test_one_digest_that_cannot_be_made_keeps_no_other_back(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.submit()
    story.submit(force="essex")

    class Broken(fakes.MemoryArchive):
        def submitted(self, force: str, *rest: Any, **named: Any) -> Any:
            if force == "essex":
                raise ConnectionError("zuleika@example.police.uk")
            return super().submitted(force, *rest, **named)

    parts = replace(at(story.parts, MONDAY_AT_7), archive=Broken(story.parts.records.store))  # type: ignore[attr-defined]
    done = digesting.digest(parts)
    assert (done.queued, done.failed) == (1, 2)  # Essex, and all forces
    assert "could not make the digest of essex: ConnectionError" in caplog.text
    assert "zuleika" not in caplog.text


def test_what_waits_is_named_by_reference_role_and_date_alone(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    parts = at(story.parts, MONDAY_AT_7)
    digesting.digest(parts)
    sent = digests_sent(parts)
    due = story.case(receipt.reference).submission.due_at
    assert due is not None
    ((reference, who),) = claims_in(sent[CHIEF_OF_KENT.address].values)["waiting"]
    assert reference == receipt.reference
    assert re.fullmatch(r"innovation lead, by \w+day \d+ January", who)
    ((_, who),) = claims_in(sent[PANEL[0].address].values)["waiting"]
    assert who.startswith("Kent Police, innovation lead")


def test_a_digest_names_nobody(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    parts = at(story.parts, MONDAY_AT_7)
    digesting.digest(parts)
    for mail in digests_sent(parts).values():
        made = render("digest", mail.values)
        said = made.subject + made.text + made.html
        names = {person.name for person in [*the_people(), *PANEL, CHIEF_OF_KENT] if " " in person.name}
        for personal in (all_values(PERSONAL) - set(PERSONAL)) | names - {"Programme", "Finance"}:
            assert personal not in said


def test_before_its_day_a_digest_of_the_week_so_far_can_be_had(story: Story) -> None:
    story.submit()
    parts = at(story.parts, datetime(2027, 1, 13, 15, 30, 20, 5, tzinfo=timezone.utc))
    digesting.digest(parts, so_far=True)
    values = digests_sent(parts)[CHIEF_OF_KENT.address].values
    assert values["period"] == "Monday 11 to Wednesday 13 January 2027, 15:30"
    monday = datetime(2027, 1, 11, tzinfo=timezone.utc)
    assert digests.so_far(monday) == digests.last_week(monday)


@pytest.mark.parametrize("day", range(14))
def test_fortnights_follow_one_another_without_a_gap(day: int) -> None:
    now = MONDAY_AT_7 + timedelta(days=day)
    period = digests.last_fortnight(now)
    assert period.end - period.start == timedelta(days=14)
    assert period.end <= now < period.end + timedelta(days=14)
    assert digests.before(period).end == period.start
    week = digests.last_week(now)
    assert digests.before(week).end == week.start


def test_weeks_are_londons_in_summer_too() -> None:
    week = digests.last_week(
        datetime(2027, 4, 5, 7, tzinfo=timezone.utc)
    )  # the clocks went forward on 28 March
    assert (week.start, week.end) == (
        datetime(2027, 3, 28, 23, tzinfo=timezone.utc),
        datetime(2027, 4, 4, 23, tzinfo=timezone.utc),
    )
    assert digests.before(week).start == datetime(2027, 3, 22, tzinfo=timezone.utc)
    assert (
        digests.before(digests.so_far(datetime(2027, 1, 13, tzinfo=timezone.utc))).key
        == "2027-01-04-to-2027-01-10"
    )


def test_figures_add_up_and_are_stored_as_they_are() -> None:
    waits = [
        WaitingFor(reference=f"CLM-{n}", force="kent", role="claimant", by=MONDAY_AT_7 + timedelta(days=n))
        for n in range(4)
    ]
    one = Figures(submitted=3, waiting=2, reserved_pence=5, longest=(waits[1], waits[3]))
    other = Figures(submitted=1, answered={"approved": 1}, longest=(waits[0], waits[2]))
    both = one + other + other
    assert (both.submitted, both.count("approved"), both.reserved_pence) == (5, 2, 5)
    assert len(both.longest) == digests.MOST_NAMED
    assert both.longest[0] == waits[0]
    assert Figures.from_json(both.to_json()) == both


def test_figures_of_an_earlier_version_are_read_as_last_times(story: Story) -> None:
    """It spoke of claims alone, and counted less of them."""
    story.submit()
    parts = at(story.parts, MONDAY_AT_7)
    earlier = {
        "submitted": 4, "approved": 2, "rejected": 1, "ended": 1, "waiting": 0, "overdue": 0,
        "reserved_pence": 0, "committed_pence": 500_000,
        "longest": [
            {"reference": "CLM-1", "force": "kent", "role": "claimant", "by": "2027-01-12T17:00:00+00:00"}
        ],
    }  # fmt: skip
    parts.files.put_if_absent(
        "digests/funding-claim/kent/2027-01-04-to-2027-01-10.json",
        json.dumps(earlier).encode(),
        media_type="application/json",
    )
    digesting.digest(parts)
    values = digests_sent(parts)[CHIEF_OF_KENT.address].values
    assert claims_in(values)["figures"][:2] == [
        ["Claims sent in", "1, 3 fewer than last time"],
        ["Approved", "0, 2 fewer than last time"],
    ]
    assert claims_in(values)["money"][1] == ["Committed", "£0, £5,000 less than last time"]
    assert not values["is_first"]


def test_what_was_paid_is_told_once_there_is_any() -> None:
    balance = Balance(total=1_000_000)
    told = [heading for heading, _ in digests.money_rows(Figures(), None, balance)]
    assert told == ["Reserved", "Committed", "Left"]
    now, last = Figures(paid_pence=600_000), Figures(committed_pence=600_000)
    assert digests.money_rows(now, last, balance)[1:3] == [
        ["Committed", "£0, £6,000 less than last time"],
        ["Paid", "£6,000, £6,000 more than last time"],
    ]


def test_whatever_becomes_of_a_submission_counts_as_something() -> None:
    form = a_form()
    for status in STATUSES:
        over = replace(a_submission(status=status), waiting_for="", due_at=None)
        figures = digests.figures([over], form, now=MONDAY_AT_7)
        rows = digests.groups(form, figures, None)
        assert sum(row.now for row in rows) == figures.submitted == 1, status


def test_a_claim_that_nobody_decided_in_time_is_overdue_though_it_has_a_new_date(story: Story) -> None:
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    parts = at(story.parts, story.parts.now() + timedelta(minutes=1))
    digesting.digest(parts, so_far=True)
    told = claims_in(digests_sent(parts)[CHIEF_OF_KENT.address].values)
    assert told["overdue_count"] == 1
    ((_, who),) = told["waiting"]
    assert who.startswith("overdue: coordinator, by ")


def test_a_leader_reads_first_how_things_stand_and_then_what_needs_an_answer() -> None:
    text = render("digest", SAMPLE).text
    parts = (
        "CLAIMS\n\nSent in: 24, 3 more than last time",
        "From the Police Transformation Fund:\n\nReserved: £18,000",
        "IDEAS\n\nSent in: 9",
        "7 claims wait for an answer; 1 is overdue. These are first:",
        "CLM-7K3F-9QXN: innovation lead, by Thursday 14 January",
        "6 published ideas wait for an answer; 1 is overdue. These are first:",
        "One template for all handovers\noverdue: national idea reviewer, by Thursday 14 January:\nhttps://",
        "3 are not published yet; 1 is overdue.",
        "Get the claims:",
        "Get the ideas:",
    )
    found = [text.find(part) for part in parts]
    assert -1 not in found
    assert found == sorted(found)


def test_national_leaders_read_what_waits_for_them_apart_from_what_is_overdue() -> None:
    def told(count: int, panel: int) -> str:
        form = {**LEAN["forms"][0], "waiting_count": count, "readers_count": panel}
        return render("digest", SAMPLE | {"for_leaders": True, "forms": [form]}).text

    assert "No published idea waits for an answer from you, and none is overdue." in told(0, 0)
    assert "1 idea waits for the leaders’ panel.\n" in told(1, 1)
    assert "2 ideas wait for the leaders’ panel. Of the others that are published, 1 is overdue." in told(
        3, 2
    )
    assert "No ideas wait for the leaders’ panel. Of those that are published, 2 are overdue." in told(2, 0)


def test_a_digest_comes_without_attachments() -> None:
    message = SesMailer(sender="from@example.org", reply_to="a@example.org").message(
        "1", "b@example.org", render("digest", SAMPLE)
    )
    found = email.message_from_bytes(message.as_bytes())
    assert [part.get_content_type() for part in found.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert "<img" not in render("digest", SAMPLE).html


def bars_of(groups: Any) -> list[tuple[str, int, str]]:
    """Each bar of a digest: its label, its width in per cent (0 where there is none), and the figure beside it."""
    html = render("digest", SAMPLE | {"chart": groups}).html
    bar = re.compile(
        r'<p style="margin:0">(.*?)</p>\s*<table role="presentation"[^>]*><tr>\s*'
        r'(?:<td width="(\d+)%"[^>]*bgcolor="#1a65a6"[^>]*>&nbsp;</td>\s*)?<td[^>]*>([\d,]+)</td>'
    )
    return [(label, int(width or 0), figure) for label, width, figure in bar.findall(html)]


def test_a_bar_is_as_long_as_its_share_and_none_is_drawn_for_nothing() -> None:
    rows = [["D", 500_000], ["A", 250_000], ["C", 0], ["B", 250_000], ["E", 1]]
    assert bars_of([["All", rows]]) == [
        ("D", 40, "500,000"),
        ("A", 20, "250,000"),
        ("C", 0, "0"),
        ("B", 20, "250,000"),
        ("E", 1, "1"),
    ]


def test_a_bar_leaves_room_for_its_figure() -> None:
    assert bars_of([["All", [["A", 1_000_000]]]]) == [("A", 80, "1,000,000")]


def test_few_claims_are_seen_beside_many_ideas() -> None:
    groups = [["Claims", [["Approved", 3]]], ["None", []], ["Ideas", [["Adopted", 4_000]]]]
    assert [width for _, width, _ in bars_of(groups)] == [80, 80]
    html = render("digest", SAMPLE | {"chart": groups}).html
    assert "Claims: 3</p>" in html
    assert "Ideas: 4,000</p>" in html
    assert "None: " not in html


def test_words_beside_a_bar_are_escaped() -> None:
    html = render("digest", SAMPLE | {"chart": [["<i>T</i>", [["<b>L</b>", 1]]]]}).html
    assert "&lt;i&gt;T" in html
    assert "&lt;b&gt;L" in html


def test_the_plain_text_has_its_figures_and_no_bars() -> None:
    assert "Each bar" in render("digest", SAMPLE).html
    assert render("digest", SAMPLE).text == render("digest", SAMPLE | {"chart": []}).text
    assert "Each bar" not in render("digest", SAMPLE).text
