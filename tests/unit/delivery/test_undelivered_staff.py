"""Mail to registered people that does not arrive: coordinators are told, once a day for each person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import reassigning
from chalicelib.services.delivery import undelivered
from chalicelib.services.people import signing_in
from chalicelib.services.reports.digesting import digest
from tests.builders import a_person
from tests.unit import scenes
from tests.unit.scenes import Mail, Scene

story = scenes.story

KENT = "coordinator.kent@example.police.uk"
NATIONAL = "national.coordinator@example.police.uk"
LEAD = "lead.kent@example.police.uk"


def came_back(story: Scene, notification_id: str, what: str = "bounce") -> bool:
    return undelivered.came_back(story.parts, story.address(notification_id), what=what)


def sent_id(story: Scene, template: str, to: str = "") -> str:
    """The id of the last mail of a template, to this address, all of which have gone out by now."""
    for _ in range(2):
        story.deliver()
    found = [one for one in story.sent if one.template == template and to in ("", one.to)]
    return found[-1].notification_id


def notices(story: Scene) -> list[Mail]:
    return story.mails("staff-undelivered")


def code_came_back(story: Scene, address: str, what: str = "bounce") -> bool:
    """This person asks for a code, and it does not arrive."""
    signing_in.ask_code(story.parts, address)
    return came_back(story, sent_id(story, "sign-in-code", address), what)


# Somebody who decided, or need not


@pytest.mark.parametrize("template", ["decision-made", "no-longer-needed"])
def test_when_somebody_who_decided_does_not_get_the_mail_the_coordinators_are_told(
    story: Scene, template: str
) -> None:
    reference = story.asked()
    if template == "decision-made":
        story.decide(reference)
    else:
        coordinator = a_person("somebody", "coordinator@national")
        reassigning.hand_on_submission(story.parts, coordinator, reference, "deputy-kent")
    notification_id = sent_id(story, template)
    before = story.standing(reference)
    assert came_back(story, notification_id)
    assert story.standing(reference) == before
    assert story.case(reference).entries[-1].action == "undelivered"
    assert [mail.to for mail in notices(story)] == [KENT, NATIONAL]
    values = notices(story)[0].values
    assert (values["name"], values["roles"]) == ("Lead Kent", ["innovation lead, Kent Police"])
    assert (values["happened"], values["reference"]) == ("bounced", reference)
    assert values["desk_url"].endswith(f"/desk/submissions/{reference}")


@pytest.mark.parametrize(
    ("what", "happened"),
    [("bounce", "bounced"), ("complaint", "was marked as spam"), ("set-aside", "could not be sent")],
)
def test_the_notice_says_what_happened_and_no_address(story: Scene, what: str, happened: str) -> None:
    reference = story.asked()
    story.decide(reference, "reject", comment="No")
    assert came_back(story, sent_id(story, "decision-made"), what)
    assert story.status(reference) is Status("rejected")
    for mail in notices(story):
        assert mail.values["happened"] == happened
        assert "@" not in str(mail.values)


def test_of_one_person_coordinators_are_told_once_a_day(story: Scene) -> None:
    for _ in range(3):
        story.decide(story.asked(), "reject", comment="No")
        assert came_back(story, sent_id(story, "decision-made"))
    assert code_came_back(story, LEAD)
    assert [mail.to for mail in story.sent if mail.template == "staff-undelivered"] == [KENT, NATIONAL]
    assert notices(story) == []
    story.clock.pass_by(days=1)
    assert code_came_back(story, LEAD)
    assert [mail.to for mail in notices(story)] == [KENT]


# Coordinators


@pytest.mark.parametrize("template", ["stuck", "undelivered"])
def test_when_a_coordinator_does_not_get_the_mail_the_others_are_told(story: Scene, template: str) -> None:
    story.people.register([a_person("second-kent", "coordinator@kent")])
    reference = story.asked()
    assert came_back(story, sent_id(story, "asked" if template == "stuck" else "receipt"))
    failed = sent_id(story, template, KENT)
    before = story.standing(reference)
    assert came_back(story, failed)
    assert story.standing(reference) == before
    assert story.case(reference).entries[-1].action == "undelivered"
    assert [mail.to for mail in notices(story)] == ["second.kent@example.police.uk", NATIONAL]
    assert {mail.values["name"] for mail in notices(story)} == {"Coordinator Kent"}


@pytest.mark.parametrize("what", ["bounce", "complaint"])
def test_when_no_coordinator_gets_any_mail_it_comes_to_an_end(story: Scene, what: str) -> None:
    """Each is told of each of the others once, and that is all for the day."""
    people = [a_person("second-kent", "coordinator@kent"), a_person("second", "coordinator@national")]
    story.people.register(people)
    story.asked()
    assert came_back(story, sent_id(story, "receipt"))
    failed: set[str] = set()
    for _ in range(10):
        for _ in range(2):
            story.deliver()
        new = {
            mail.notification_id
            for mail in story.sent
            if mail.template in ("undelivered", "staff-undelivered")
        } - failed
        for one in new:
            assert came_back(story, one, what)
        failed |= new
    assert not new
    assert len([one for one in failed if "staff" not in one]) == 4
    assert len([one for one in failed if "staff" in one]) <= 4 * 3


# Leaders


def test_when_a_leader_does_not_get_the_digest_the_national_coordinators_are_told(story: Scene) -> None:
    story.people.register([a_person("chief-kent", "chief-constable@kent", name="Ada Chief")])
    story.submit()
    story.clock.pass_by(days=8)
    assert digest(story.parts).queued == 1
    assert came_back(story, sent_id(story, "digest"))
    (mail,) = notices(story)
    assert (mail.to, mail.values["name"], mail.values["email"]) == (NATIONAL, "Ada Chief", "digest")
    assert mail.values["roles"] == ["chief constable, Kent Police"]
    assert (mail.values["reference"], mail.values["desk_url"]) == ("", "")


# Whoever signs in


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        (["innovation-lead@kent"], [KENT]),
        (["chief-constable@kent", "innovation-lead@kent"], [KENT]),
        (["innovation-lead@kent", "innovation-lead@essex"], [NATIONAL]),
        (["fund-holder@national"], [NATIONAL]),
        (["innovation-lead@devon-and-cornwall"], [NATIONAL]),
    ],
)
def test_when_a_sign_in_code_does_not_arrive_those_who_coordinate_for_the_person_are_told(
    story: Scene, roles: list[str], told: list[str]
) -> None:
    story.people.register([a_person("pat", *roles)])
    assert code_came_back(story, "pat@example.police.uk")
    assert [mail.to for mail in notices(story)] == told
    assert {mail.values["email"] for mail in notices(story)} == {"sign-in code"}


def test_nobody_is_told_of_their_own_mail(story: Scene) -> None:
    assert code_came_back(story, KENT)
    assert [mail.to for mail in notices(story)] == [NATIONAL]


def test_being_told_twice_of_a_sign_in_code_does_it_once(story: Scene) -> None:
    signing_in.ask_code(story.parts, LEAD)
    notification_id = sent_id(story, "sign-in-code")
    assert came_back(story, notification_id)
    before = story.store.snapshot()
    assert came_back(story, notification_id, "complaint")
    assert story.store.snapshot() == before


def test_mail_to_somebody_who_has_left_since_is_nothing(story: Scene) -> None:
    signing_in.ask_code(story.parts, LEAD)
    notification_id = sent_id(story, "sign-in-code")
    story.people.remove("lead-kent")
    assert came_back(story, notification_id) is False
    assert notices(story) == []


# Nobody to tell


@pytest.mark.parametrize("template", ["receipt", "asked", "decision-made", "sign-in-code"])
@pytest.mark.parametrize("are_registered", [True, False])
def test_where_there_is_no_coordinator_the_log_says_so(
    story: Scene, template: str, are_registered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reference = story.asked()
    signing_in.ask_code(story.parts, LEAD)
    if template == "decision-made":
        story.decide(reference)
    notification_id = sent_id(story, template)
    if not are_registered:
        for one in ("coordinator-kent", "national-coordinator"):
            story.people.remove(one)
    assert came_back(story, notification_id)
    line = f"no coordinator could be told that {notification_id} did not arrive: bounce"
    assert (line in caplog.text) == (not are_registered)
    assert "@" not in caplog.text


# What fails on the way


def test_two_at_once_are_both_noted_and_told_once(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    decision, receipt = sent_id(story, "decision-made"), sent_id(story, "receipt")
    story.first(lambda: came_back(story, receipt))
    assert came_back(story, decision)
    assert {entry.details["mail"] for entry in story.actions(reference, "undelivered")} == {decision, receipt}
    assert [mail.to for mail in notices(story)] == [KENT, NATIONAL]
    assert [mail.to for mail in story.mails("undelivered")] == [KENT, NATIONAL]


@pytest.mark.parametrize("failing", ["before", "after"])
def test_a_store_that_fails_is_asked_again_and_nobody_is_told_twice(
    story: Scene, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    reference = story.asked()
    story.decide(reference)
    notification_id = sent_id(story, "decision-made")
    commit = story.parts.records.commit

    def fails(changes: object) -> None:
        if failing == "after":
            commit(changes)  # type: ignore[arg-type]
        raise ConnectionError("no answer")

    monkeypatch.setattr(story.parts.records, "commit", fails)
    for _ in range(2 if failing == "before" else 1):
        with pytest.raises(ConnectionError):
            came_back(story, notification_id)
    monkeypatch.undo()
    story.clock.at += timedelta(minutes=1)
    assert came_back(story, notification_id)
    assert len(story.actions(reference, "undelivered")) == 1
    assert [mail.to for mail in notices(story)] == [KENT, NATIONAL]


@pytest.mark.parametrize("failing", ["before", "after"])
def test_an_outbox_that_fails_between_two_notices_sends_the_rest_later(
    story: Scene, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    reference = story.asked()
    story.decide(reference)
    notification_id = sent_id(story, "decision-made")
    add = story.parts.outbox.add

    def fails(delivery: deliveries.Delivery) -> None:
        if delivery.payload["to"] == KENT or failing == "after":
            add(delivery)
        if delivery.payload["to"] == NATIONAL:
            raise ConnectionError("no answer")

    monkeypatch.setattr(story.parts.outbox, "add", fails)
    with pytest.raises(ConnectionError):
        came_back(story, notification_id)
    assert story.actions(reference, "undelivered") == []
    monkeypatch.undo()
    assert came_back(story, notification_id)
    assert [mail.to for mail in notices(story)] == [KENT, NATIONAL]
