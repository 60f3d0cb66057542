"""What fails too often is set aside: told of, listed, kept, and tried again when a person says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.errors import Forbidden, NotFound
from chalicelib.services.delivery import delivering, setting_aside, undelivered
from chalicelib.services.delivery.setting_aside import MORE_TRIES, MOST_TRIES, all_for, try_again
from chalicelib.services.people import signing_in
from chalicelib.services.repair.reconciling import reconcile
from tests.builders import PERSONAL, a_delivery, a_person
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story

CLAIMANT = PERSONAL["claimant_email"]
LEAD = "lead.kent@example.police.uk"


def refuse(story: Scene, *addresses: str) -> None:
    story.parts.mailer.bouncing.update(addresses)  # type: ignore[attr-defined]


def accept(story: Scene) -> None:
    story.parts.mailer.bouncing.clear()  # type: ignore[attr-defined]


def hours_pass(story: Scene, hours: int = MOST_TRIES) -> list[delivering.Swept]:
    """Hour by hour, whatever is due is tried."""
    swept = []
    for _ in range(hours):
        story.clock.pass_by(hours=1)
        swept.append(delivering.sweep(story.parts))
    return swept


def aside(story: Scene) -> list[str]:
    return [one.id for one in story.parts.outbox.all_set_aside(limit=99)]


@pytest.fixture
def receipt(story: Scene) -> str:
    """The id of a receipt that was set aside; its claim's lead is asked."""
    refuse(story, CLAIMANT)
    reference = story.asked()
    hours_pass(story)
    assert aside(story) == [f"mail.receipt.{reference}"]
    return f"mail.receipt.{reference}"


def test_what_fails_thirteen_times_is_tried_no_more(story: Scene, caplog: pytest.LogCaptureFixture) -> None:
    refuse(story, CLAIMANT)
    reference = story.asked()
    swept = hours_pass(story)
    assert [one.set_aside for one in swept] == [0] * (MOST_TRIES - 1) + [1]
    assert f"delivery mail.receipt.{reference} was set aside: ConnectionError" in caplog.text
    assert "@" not in caplog.text
    (one,) = story.parts.outbox.all_set_aside(limit=9)
    assert (one.reference, one.force, one.template) == (reference, "kent", "receipt")
    assert (one.attempts, one.error, one.at) == (MOST_TRIES, "ConnectionError", story.clock.at)
    accept(story)
    hours_pass(story)
    assert "receipt" not in [mail.template for mail in story.sent]


def test_it_holds_nothing_up(story: Scene) -> None:
    ids = [f"mail.receipt.bad{number}" for number in range(delivering.SWEEP_LIMIT)]
    for one in ids:
        story.parts.outbox.add(a_delivery(one, payload={}, reference=""))
    hours_pass(story, MOST_TRIES + 1)
    assert sorted(aside(story)) == sorted(ids)
    story.submit()
    assert story.deliver() == delivering.Swept(delivered=2, failed=0)


def test_the_coordinators_are_told_and_the_timeline_says_so(story: Scene, receipt: str) -> None:
    (entry,) = story.actions(receipt.removeprefix("mail.receipt."), "undelivered")
    assert dict(entry.details) == {"mail": receipt, "what": "set-aside"}
    told = [mail for mail in story.sent if mail.template == "undelivered"] + list(story.mails("undelivered"))
    assert {mail.to for mail in told} == {
        "coordinator.kent@example.police.uk",
        "national.coordinator@example.police.uk",
    }
    assert {mail.values["reason"] for mail in told} == {"our email to them could not be sent"}


def test_of_a_mail_to_whoever_is_asked_the_coordinators_see_to_it(story: Scene) -> None:
    refuse(story, LEAD)
    reference = story.asked()
    hours_pass(story)
    assert [one.partition(".")[2].partition(".")[0] for one in aside(story)] == ["asked"]
    assert story.case(reference).submission.asked_as.value == "coordinators"


def test_a_mail_system_that_is_down_does_not_have_us_write_for_ever(story: Scene, receipt: str) -> None:
    """The two coordinators are told of the receipt, each is told of the other, and that is the end."""
    reference = receipt.removeprefix("mail.receipt.")
    refuse(story, "coordinator.kent@example.police.uk", "national.coordinator@example.police.uk")
    hours_pass(story, 6 * MOST_TRIES)
    assert len(story.actions(reference, "undelivered")) == 3
    assert sorted(one.partition(".")[2].partition(".")[0] for one in aside(story)) == [
        "receipt",
        *["staff-undelivered"] * 2,
        *["undelivered"] * 2,
    ]
    assert story.parts.outbox.due(story.clock.at + timedelta(days=9), limit=9) == []


def test_of_a_sign_in_code_that_cannot_be_sent_the_forces_coordinator_is_told(story: Scene) -> None:
    refuse(story, LEAD)
    signing_in.ask_code(story.parts, LEAD)
    hours_pass(story, MOST_TRIES + 1)
    (mail,) = story.sent
    assert (mail.to, mail.template) == ("coordinator.kent@example.police.uk", "staff-undelivered")
    assert mail.values["happened"] == "could not be sent"


def test_of_how_it_ended_the_coordinators_are_told_though_it_has(story: Scene) -> None:
    reference = story.asked()
    story.deliver()
    refuse(story, CLAIMANT)
    story.decide(reference, "reject", comment="No")
    hours_pass(story)
    told = [mail.template for mail in story.sent]
    assert (told.count("undelivered"), len(aside(story))) == (0, 1)
    accept(story)
    story.deliver()
    assert [mail.template for mail in story.sent].count("undelivered") == 2


def test_starts_and_answers_are_set_aside_and_nobody_is_told(story: Scene) -> None:
    reference = story.submit().reference
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    hours_pass(story)
    assert aside(story) == [f"start.{reference}-r1"]
    assert story.actions(reference, "undelivered") == []


def test_the_relay_sets_nothing_aside(story: Scene) -> None:
    refuse(story, CLAIMANT)
    reference = story.submit().reference
    for _ in range(MOST_TRIES + 3):
        story.clock.pass_by(hours=1)
        parcel = f"parcel.start.{reference}-r1"
        assert delivering.relay(story.parts, [parcel], lane="mail") == [parcel]
    assert aside(story) == []


def test_where_nobody_can_be_told_it_is_put_off_but_not_for_ever(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    refuse(story, CLAIMANT)
    story.submit()
    monkeypatch.setattr(undelivered, "came_back", fails)
    hours_pass(story, MOST_TRIES + MORE_TRIES - 1)
    assert aside(story) == []
    hours_pass(story, 1)
    assert len(aside(story)) == 1


def test_whoever_dies_between_telling_and_setting_aside_leaves_it_to_the_next(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(story, CLAIMANT)
    reference = story.submit().reference
    hours_pass(story, MOST_TRIES - 1)
    outbox = story.parts.outbox
    set_aside = outbox.set_aside

    def lost(*given: object, **named: object) -> bool:
        raise ConnectionError("no answer")

    monkeypatch.setattr(outbox, "set_aside", lost)
    assert hours_pass(story, 1)[0].failed == 1
    monkeypatch.setattr(outbox, "set_aside", set_aside)
    hours_pass(story, 2)
    assert aside(story) == [f"mail.receipt.{reference}"]
    assert len(story.actions(reference, "undelivered")) == 1


# Trying again


def test_a_coordinator_has_it_tried_again_at_once(story: Scene, receipt: str) -> None:
    accept(story)
    assert try_again(story.parts, story.person("coordinator-kent"), receipt)
    assert aside(story) == []
    assert delivering.sweep(story.parts).delivered >= 1
    assert [mail.template for mail in story.sent].count("receipt") == 1


def test_trying_again_twice_or_after_it_is_done_is_harmless(story: Scene, receipt: str) -> None:
    accept(story)
    kent = story.person("coordinator-kent")
    assert [try_again(story.parts, kent, receipt) for _ in range(3)] == [True, False, False]
    delivering.sweep(story.parts)
    assert not try_again(story.parts, kent, receipt)
    hours_pass(story, 3)
    assert [mail.template for mail in story.sent].count("receipt") == 1


def test_what_fails_again_has_all_its_tries_again_and_is_told_once(story: Scene, receipt: str) -> None:
    try_again(story.parts, story.person("national-coordinator"), receipt)
    hours_pass(story, MOST_TRIES - 1)
    assert aside(story) == []
    hours_pass(story, 1)
    assert aside(story) == [receipt]
    assert len(story.actions(receipt.removeprefix("mail.receipt."), "undelivered")) == 1


def test_a_start_that_is_tried_again_when_its_round_is_over_does_no_harm(story: Scene) -> None:
    reference = story.submit().reference
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    hours_pass(story)
    story.parts.workflows.failing = False  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (reference,)
    assert try_again(story.parts, story.person("coordinator-kent"), f"start.{reference}-r1")
    story.deliver()
    assert story.parts.workflows.running("funding-claim") == {f"{reference}-r1", f"{reference}-r2"}
    story.ask(reference, round=1)
    assert story.answers_told[-1][1]["stage"] == "done"


@pytest.mark.parametrize("person", ["coordinator-essex", "finance", "lead-kent"])
def test_nobody_else_has_it_tried_again(story: Scene, receipt: str, person: str) -> None:
    with pytest.raises((Forbidden, NotFound)):
        try_again(story.parts, story.person(person), receipt)
    assert aside(story) == [receipt]


def test_what_has_no_force_is_the_national_teams(story: Scene) -> None:
    story.parts.outbox.add(a_delivery("mail.sign-in-code.1", payload={}, reference=""))
    hours_pass(story)
    with pytest.raises(NotFound):
        try_again(story.parts, story.person("coordinator-kent"), "mail.sign-in-code.1")
    assert all_for(story.parts, story.person("coordinator-kent")) == []
    assert [one.id for one in all_for(story.parts, story.person("finance"))] == ["mail.sign-in-code.1"]
    assert try_again(story.parts, story.person("national-coordinator"), "mail.sign-in-code.1")


def test_what_is_not_known_is_not_found(story: Scene) -> None:
    with pytest.raises(NotFound):
        try_again(story.parts, story.person("national-coordinator"), "mail.receipt.none")


def test_a_forces_staff_see_what_is_theirs(story: Scene, receipt: str) -> None:
    seen = {one: [x.id for x in all_for(story.parts, story.person(one))] for one in STAFF}
    assert seen == {
        "coordinator-kent": [receipt],
        "coordinator-essex": [],
        "finance": [receipt],
        "national-coordinator": [receipt],
    }
    with pytest.raises(Forbidden):
        all_for(story.parts, story.person("lead-kent"))
    story.people.register([a_person("both", "coordinator@kent", "coordinator@essex")])
    assert [one.id for one in all_for(story.parts, story.person("both"))] == [receipt]


STAFF = ("coordinator-kent", "coordinator-essex", "finance", "national-coordinator")


def test_a_payload_is_kept_and_shown_to_nobody(story: Scene, receipt: str) -> None:
    queued = story.store.items[("delivery", receipt)]
    assert queued.delivery.payload["to"] == CLAIMANT
    shown = setting_aside.all_for(story.parts, story.person("national-coordinator"))
    assert CLAIMANT not in str(shown)
    assert shown[0].until - shown[0].at == timedelta(days=90)
