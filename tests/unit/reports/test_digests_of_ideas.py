"""Digests, where they speak of ideas: what is named is public and waits; everything else is a number."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.adapters.aws.ses import render
from chalicelib.domain.reports import digests
from chalicelib.services.delivery import delivering
from chalicelib.services.intake import submitting
from chalicelib.services.reports import digesting
from tests import fakes
from tests.builders import FORMS, Story, a_person, the_reviewers
from tests.unit.escalation_scenes import ADDRESS, NAME, Ideas
from tests.unit.scenes import TEN_MINUTES, a_scene

MONDAY_AT_7 = datetime(2027, 1, 18, 7, tzinfo=timezone.utc)
CHIEF = a_person("chief-kent", "chief-constable@kent")
LEADER = "npcc.leader@example.police.uk"


class Many(Ideas):
    """Each idea has a title of its own."""

    def submit(self, key: str | None = None, **changes: Any) -> submitting.Receipt:
        return super().submit(key, **{"title": f"Idea number {len(self.store.items)}", **changes})


@pytest.fixture
def ideas() -> Ideas:
    """Also with a chief constable of Kent."""
    scene = a_scene()
    found = Many(scene.parts, form=FORMS.form("idea"))
    found.people.register([*the_reviewers(), CHIEF])
    return found


def digests_of(ideas: Ideas, moment: datetime | None = None) -> dict[str, fakes.SentMail]:
    """The digests that are sent at this moment, or of the week so far; by address."""
    ideas.clock.at = moment or ideas.clock.at + timedelta(minutes=1)
    mailer: Any = ideas.parts.mailer
    before = len(mailer.sent)
    assert digesting.digest(ideas.parts, so_far=moment is None).failed == 0
    ideas.clock.pass_by(minutes=2)
    while delivering.sweep(ideas.parts).delivered:
        pass
    return {mail.to: mail for mail in mailer.sent[before:] if mail.template == "digest"}


def told_of(mail: fakes.SentMail) -> Any:
    (told,) = [one for one in mail.values["forms"] if one["noun"] == "idea"]
    return told


def titles(mail: fakes.SentMail) -> list[str]:
    return [one["title"] for one in told_of(mail)["published"]]


def said(mail: fakes.SentMail) -> str:
    made = render("digest", mail.values)
    return f"{made.subject}\n{made.text}\n{made.html}\n{mail.values}"


def test_where_only_ideas_were_sent_in_there_is_a_digest_with_the_files_of_both_forms(ideas: Ideas) -> None:
    ideas.submit()
    sent = digests_of(ideas)
    assert set(sent) == {
        CHIEF.address,
        LEADER,
        "college.leader@example.police.uk",
        "home.office.leader@example.police.uk",
    }
    text = render("digest", sent[CHIEF.address].values).text
    assert "CLAIMS\n\nNone have been sent in yet." in text
    for form in ("funding-claim", "idea"):
        assert f"/exports/{form}/kent/" in text
    files: Any = ideas.parts.files
    made = {key.split("/")[1] for key in files.kept if key.startswith("exports/") and "/kent/" in key}
    assert made == {"funding-claim", "idea"}


def test_ideas_are_counted_by_what_became_of_them(ideas: Ideas) -> None:
    ideas.asked(title="Not yet looked at by anybody")
    ideas.published(title="Published, and before the review")
    ideas.before_the_leaders(title="Published, and before the panel")
    for decision in ("decline", "refer"):
        ideas.decide(ideas.asked(), decision, comment="No.")
    ideas.decide(ideas.published(), "note")
    for decision in ("adopt", "pilot"):
        ideas.panel(ideas.before_the_leaders(), decision, decision)
    ideas.withdraw(ideas.published())
    assert told_of(digests_of(ideas)[CHIEF.address])["figures"] == [
        ["Ideas sent in", "9"],
        ["Adopted", "1"],
        ["To be piloted", "1"],
        ["Noted", "1"],
        ["Referred to others", "1"],
        ["Not taken forward", "1"],
        ["Withdrawn", "1"],
        ["Published, waiting for an answer", "2"],
        ["Not published yet", "1"],
    ]


def test_the_bars_of_both_forms_are_the_figures_above_and_add_up(ideas: Ideas) -> None:
    ideas.asked()
    ideas.published()
    Story(ideas.parts).submit()
    values = digests_of(ideas)[CHIEF.address].values
    assert values["chart"] == [
        ["Claims", [["Waiting for an answer", 1]]],
        ["Ideas", [["Published, waiting for an answer", 1], ["Not published yet", 1]]],
    ]
    text = render("digest", values).text
    for _, bars in values["chart"]:
        for label, number in bars:
            assert f"{label}: {number}" in text


def test_ideas_are_compared_with_last_time_too(ideas: Ideas) -> None:
    waits = ideas.published()
    ideas.asked()
    digests_of(ideas, MONDAY_AT_7)
    ideas.decide(waits, "note")
    figures = told_of(digests_of(ideas, MONDAY_AT_7 + timedelta(days=7))[CHIEF.address])["figures"]
    assert ["Noted", "1, 1 more than last time"] in figures
    assert ["Published, waiting for an answer", "0, 1 fewer than last time"] in figures
    assert ["Not published yet", "1, as last time"] in figures


def test_what_is_not_published_is_a_number_and_nothing_of_it_is_said(ideas: Ideas) -> None:
    reference = ideas.asked(title="A secret idea, not yet published")
    declined = ideas.asked(title="A secret idea, declined at once")
    ideas.decide(declined, "decline", comment="A secret reason")
    for mail in digests_of(ideas).values():
        assert "secret" not in said(mail).casefold()
        assert reference not in said(mail)
        assert declined not in said(mail)
        assert "1 is not published yet." in render("digest", mail.values).text


def test_a_publication_that_can_still_be_undone_has_not_happened(ideas: Ideas) -> None:
    ideas.use_undo(TEN_MINUTES)
    reference = ideas.asked(title="A secret idea, just published")
    ideas.decide(reference, "publish")
    for mail in digests_of(ideas).values():
        assert "secret" not in said(mail)
        assert reference not in said(mail)


def test_a_digest_names_no_person_withheld_or_not(ideas: Ideas) -> None:
    ideas.before_the_leaders()
    ideas.before_the_leaders(withhold_name=True)
    for mail in digests_of(ideas).values():
        words = said(mail)
        assert not [one for one in (NAME, ADDRESS, *NAME.split()) if one in words]
        names = {person.name for person in [*the_reviewers(), CHIEF]}
        assert not [one for one in names if one in words]


def test_a_chief_constable_is_named_what_waits_of_their_own_force_by_date(ideas: Ideas) -> None:
    late = ideas.before_the_leaders(title="Waits for the panel, longer than")
    soon = ideas.published(title="Waits for the review, not so long")
    elsewhere = ideas.submit(force="essex", title="An idea of another force").reference
    ideas.ask(elsewhere, force="essex")
    ideas.decide(elsewhere, "publish", force="essex")
    told = told_of(digests_of(ideas)[CHIEF.address])
    assert [one["page_url"] for one in told["published"]] == [
        f"{fakes.BASE_URL}/ideas/{one}" for one in (soon, late)
    ]
    assert told["published"][0]["words"].startswith("national idea reviewer, by ")
    assert told["published"][1]["words"].startswith("leaders' panel, by ")
    assert (told["waiting_count"], told["overdue_count"]) == (2, 0)


def test_the_panel_is_named_first_what_waits_for_it_and_then_what_is_overdue(ideas: Ideas) -> None:
    overdue = ideas.published(title="Overdue since nobody reviewed it")
    for turn in ("deputy", "coordinators"):
        ideas.ask(overdue, turn)
    panel = ideas.before_the_leaders(title="Waits for the panel to choose")
    ideas.published(title="Waits for the review, in good time")
    told = told_of(digests_of(ideas)[LEADER])
    assert [one["page_url"].rpartition("/")[2] for one in told["published"]] == [panel, overdue]
    assert told["published"][0]["words"].startswith("Kent Police, leaders' panel, by ")
    assert told["published"][1]["words"].startswith("overdue: Kent Police, coordinator, by ")
    assert (told["waiting_count"], told["readers_count"]) == (2, 1)
    text = render("digest", digests_of(ideas)[LEADER].values).text
    assert "1 idea waits for the leaders’ panel. Of the others that are published, 1 is overdue." in text


def test_a_casting_vote_and_what_the_panel_let_pass_wait_for_the_panel(ideas: Ideas) -> None:
    casting = ideas.before_the_leaders(title="Three members, three answers")
    ideas.panel(casting, "adopt", "pilot", "decline")
    stuck = ideas.before_the_leaders(title="Nobody on the panel answered")
    for turn in ("deputy", "coordinators"):
        ideas.ask(stuck, turn)
    told = told_of(digests_of(ideas)[LEADER])
    assert {one["title"] for one in told["published"]} == {
        "Three members, three answers",
        "Nobody on the panel answered",
    }
    assert told["readers_count"] == 2


def test_five_are_named_with_the_number_of_all(ideas: Ideas) -> None:
    for number in range(digests.MOST_NAMED + 2):
        ideas.published(title=f"The idea of number {number}")
    mail = digests_of(ideas)[CHIEF.address]
    assert len(titles(mail)) == 5
    assert "7 published ideas wait for an answer. These are first:" in render("digest", mail.values).text


@pytest.mark.parametrize("answer", ["withdraw", "note"])
def test_what_was_taken_back_or_answered_since_the_figures_were_counted_is_named_no_longer(
    ideas: Ideas, answer: str
) -> None:
    """Whoever becomes chief constable within the week is mailed the figures as they were stored."""
    gone = ideas.published(title="Public for a short while only")
    digests_of(ideas, MONDAY_AT_7)
    if answer == "withdraw":
        ideas.withdraw(gone)
    else:
        ideas.decide(gone, "note")
    second = a_person("chief-kent-2", "chief-constable@kent")
    ideas.people.register([second])
    sent = digests_of(ideas, MONDAY_AT_7 + timedelta(days=1))
    assert set(sent) == {second.address}
    assert "Public for a short while only" not in said(sent[second.address])
    assert ["Published, waiting for an answer", "1"] in told_of(sent[second.address])["figures"]


def test_the_figures_that_are_stored_hold_no_title(ideas: Ideas) -> None:
    ideas.published(title="Public for a short while only")
    digests_of(ideas)
    files: Any = ideas.parts.files
    stored = [content for key, (_, content) in files.kept.items() if key.startswith("digests/idea/")]
    assert len(stored) == 2
    assert not [one for one in stored if b"Public" in one or b"title" in one]
