"""Delivering: at least once, in any order, one failure keeping nothing back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Kind
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding
from chalicelib.services.changes import AddDelivery
from chalicelib.services.delivery import delivering
from chalicelib.services.delivery.setting_aside import MOST_TRIES
from tests.builders import MONDAY, PERSONAL, Story, a_delivery, a_form, a_submission
from tests.unit import scenes

story = scenes.story


def queue(story: Story, *ids: str) -> None:
    for delivery_id in ids:
        values = {"reference": "r", "title": "t", "total": "£1", "role": "lead", "comment": "", "next_stage": "n",
                  "status_url": "https://x", "noun": "claim"}  # fmt: skip
        payload = {"template": "moved-on", "to": f"{delivery_id}@example.org", "values": values}
        story.parts.outbox.add(a_delivery(delivery_id, payload=payload, due_at=story.parts.now()))


def sent(story: Story) -> list[str]:
    return [mail.notification_id for mail in story.parts.mailer.sent]  # type: ignore[attr-defined]


def test_the_relay_delivers_what_the_stream_names(story: Story) -> None:
    queue(story, "m1", "m2", "m3")
    assert delivering.relay(story.parts, ["m2", "m1"]) == []
    assert sent(story) == ["m2", "m1"]


def test_the_relay_returns_what_failed_and_delivers_the_rest(story: Story) -> None:
    queue(story, "m1", "m2", "m3")
    story.parts.mailer.bouncing.add("m2@example.org")  # type: ignore[attr-defined]
    assert delivering.relay(story.parts, ["m1", "m2", "m3"]) == ["m2"]
    assert sent(story) == ["m1", "m3"]


def test_what_the_stream_brings_again_is_sent_once(story: Story) -> None:
    queue(story, "m1")
    for _ in range(3):
        assert delivering.relay(story.parts, ["m1", "m1"]) == []
    assert sent(story) == ["m1"]


def test_what_the_stream_names_and_nobody_knows_is_done(story: Story) -> None:
    assert delivering.relay(story.parts, ["gone"]) == []


def test_what_is_for_later_waits_for_its_time(story: Story) -> None:
    story.parts.outbox.add(a_delivery("later", due_at=story.parts.now() + timedelta(minutes=10)))
    assert delivering.relay(story.parts, ["later"]) == []
    assert story.deliver() == delivering.Swept(delivered=0, failed=0)
    assert sent(story) == []


def test_what_is_held_back_is_claimed_by_nobody_before_its_time_and_is_due_exactly_then(story: Story) -> None:
    until = story.parts.now() + timedelta(minutes=10)
    queue(story, "m1")
    whole = story.parts.outbox.get("m1")
    assert whole is not None
    story.parts.outbox.add(deliveries.held(replace(whole, id="held"), until=until))
    delivering.relay(story.parts, ["m1", "held"])
    assert sent(story) == ["m1"]
    for early in (until - timedelta(minutes=5), until - timedelta(microseconds=1)):
        story.parts.now.at = early  # type: ignore[attr-defined]
        assert story.parts.outbox.due(early, limit=10) == []
        assert delivering.relay(story.parts, ["held"]) == []
        assert delivering.sweep(story.parts) == delivering.Swept(delivered=0, failed=0)
    story.parts.now.at = until  # type: ignore[attr-defined]
    assert story.parts.outbox.due(until, limit=10) == ["held"]
    assert delivering.sweep(story.parts) == delivering.Swept(delivered=1, failed=0)
    assert sent(story) == ["m1", "held"]


def test_what_was_not_put_off_is_left_to_the_relay_for_a_minute(story: Story) -> None:
    queue(story, "m1")
    now = story.parts.now()
    assert story.parts.outbox.due(now + timedelta(seconds=59), limit=10) == []
    assert story.parts.outbox.due(now + timedelta(seconds=60), limit=10) == ["m1"]


def test_what_follows_a_decision_goes_out_when_it_can_no_longer_be_undone(story: Story) -> None:
    story.parts.__dict__["undo_for"] = timedelta(minutes=10)
    reference = story.submit().reference
    token = story.ask(reference)
    story.deliver()
    story.decide(reference, comment="A good day")
    story.deliver()
    assert story.parts.mailer.templates() == ["receipt", "asked", "decision-made"]  # type: ignore[attr-defined]
    story.parts.now.pass_by(minutes=10, seconds=-1)  # type: ignore[attr-defined]
    assert delivering.sweep(story.parts) == delivering.Swept(delivered=0, failed=0)
    story.parts.now.pass_by(seconds=1)  # type: ignore[attr-defined]
    assert delivering.sweep(story.parts) == delivering.Swept(delivered=2, failed=0)
    assert story.parts.mailer.templates()[3:] == ["moved-on"]  # type: ignore[attr-defined]
    ((answered, output),) = story.parts.workflows.answers  # type: ignore[attr-defined]
    assert (answered, output["stage"]) == (token, "programme")


def test_what_was_undone_never_goes_out(story: Story) -> None:
    story.parts.__dict__["undo_for"] = timedelta(minutes=10)
    reference = story.submit().reference
    story.ask(reference)
    task_id = story.task_id(reference)
    story.decide(reference)
    deciding.undo(story.parts, "lead-kent", task_id)
    story.parts.now.pass_by(days=1)  # type: ignore[attr-defined]
    story.deliver()
    assert "moved-on" not in story.parts.mailer.templates()  # type: ignore[attr-defined]
    assert story.parts.workflows.answers == []  # type: ignore[attr-defined]


FORM = a_form()
WAITS = {"approver_seconds", "deputy_seconds", "coordinators_seconds", "claimant_seconds"}


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


def seconds(first: datetime, last: datetime) -> int:
    return int((last - first).total_seconds())


def pointer(story: Story, now: datetime = MONDAY, **changes: object) -> dict[str, object]:
    return deliveries.pointer(a_submission(**changes), FORM, story.parts.calendar, now=now)


def test_the_pointer_says_where_the_claim_is_and_how_long_each_turn_waits(story: Story) -> None:
    found = pointer(story, due_at=at(2027, 1, 18, 17))
    wait = found.pop("wait")
    assert found == {
        "payload_version": 2,
        "force": "kent",
        "reference": a_submission().reference,
        "round": 1,
        "stage": "force-lead",
        "asked": "approver",
    }
    assert wait == {
        "approver_seconds": seconds(MONDAY, at(2027, 1, 18, 17)),
        "deputy_seconds": seconds(at(2027, 1, 18, 17), at(2027, 1, 21, 17)),
        "coordinators_seconds": seconds(at(2027, 1, 21, 17), at(2027, 1, 26, 17)),
        "claimant_seconds": seconds(MONDAY, at(2027, 2, 8, 17)),
    }


@pytest.mark.parametrize("turn", ["approver", "deputy", "coordinators"])
def test_the_turn_that_is_on_keeps_the_date_that_was_promised(story: Story, turn: str) -> None:
    due_at = at(2027, 1, 12, 17)
    found = pointer(story, asked_as=AskedAs(turn), status=Status.IN_REVIEW, due_at=due_at)
    wait = found["wait"]
    assert isinstance(wait, dict)
    assert found["asked"] == turn
    assert wait[f"{turn}_seconds"] == seconds(MONDAY, due_at)
    others = [value for name, value in wait.items() if name != f"{turn}_seconds"]
    assert all(value > seconds(MONDAY, due_at) for value in others)


def test_the_pointer_of_a_claim_that_is_to_be_changed_waits_for_the_claimant(story: Story) -> None:
    due_at = at(2027, 2, 8, 17)
    changes = {"status": Status.CHANGES_REQUESTED, "asked_as": AskedAs.CLAIMANT, "due_at": due_at}
    for now in (MONDAY, at(2027, 2, 8, 16, 59)):
        found = pointer(story, now, **changes)
        assert (found["stage"], found["asked"], found["round"]) == ("changes", "claimant", 1)
        wait = found["wait"]
        assert isinstance(wait, dict)
        assert set(wait) == WAITS
        assert wait["claimant_seconds"] == seconds(now, due_at)


@pytest.mark.parametrize("status", [Status.IN_REVIEW, Status.CHANGES_REQUESTED])
def test_a_date_that_is_over_still_is_a_wait_that_the_state_machine_takes(
    story: Story, status: Status
) -> None:
    turn = AskedAs.CLAIMANT if status is Status.CHANGES_REQUESTED else AskedAs.DEPUTY
    found = pointer(story, status=status, asked_as=turn, due_at=MONDAY - timedelta(days=2))
    wait = found["wait"]
    assert isinstance(wait, dict)
    assert wait[f"{turn.value}_seconds"] == 1
    assert all(isinstance(value, int) and value >= 1 for value in wait.values())


@pytest.mark.parametrize("status", [Status("approved"), Status("rejected"), Status.WITHDRAWN, Status.LAPSED])
def test_the_pointer_of_a_claim_that_has_ended_says_done(story: Story, status: Status) -> None:
    found = pointer(story, status=status, due_at=None, waiting_for="")
    assert (found["stage"], found["wait"]) == ("done", dict.fromkeys(WAITS, 1))


def test_the_pointer_holds_neither_answers_nor_people(story: Story) -> None:
    words = str(pointer(story, claimant_id="lead-kent", approved_by={"force-lead": ("deputy-kent",)}))
    for value in (*PERSONAL.values(), "Maidstone", "lead-kent", "deputy-kent", "600000"):
        assert str(value) not in words


def test_the_sweeper_delivers_what_the_relay_missed(story: Story) -> None:
    queue(story, "m1", "m2")
    assert delivering.sweep(story.parts) == delivering.Swept(delivered=0, failed=0)
    assert story.deliver() == delivering.Swept(delivered=2, failed=0)
    assert story.deliver() == delivering.Swept(delivered=0, failed=0)
    assert sorted(sent(story)) == ["m1", "m2"]


def test_one_failure_keeps_nothing_back(story: Story) -> None:
    queue(story, *(f"m{n}" for n in range(6)))
    story.parts.mailer.bouncing.update({"m0@example.org", "m3@example.org"})  # type: ignore[attr-defined]
    assert story.deliver() == delivering.Swept(delivered=4, failed=2)
    assert sorted(sent(story)) == ["m1", "m2", "m4", "m5"]


def test_what_failed_is_tried_again_with_the_same_notification_id(story: Story) -> None:
    queue(story, "m1")
    story.parts.mailer.bouncing.add("m1@example.org")  # type: ignore[attr-defined]
    story.deliver()
    story.parts.mailer.bouncing.clear()  # type: ignore[attr-defined]
    assert story.deliver() == delivering.Swept(delivered=0, failed=0)
    story.parts.now.pass_by(minutes=2)  # type: ignore[attr-defined]
    assert story.deliver().delivered == 1
    assert sent(story) == ["m1"]


def test_pauses_grow_up_to_an_hour_until_it_is_set_aside_after_some_six(story: Story) -> None:
    queue(story, "m1")
    story.parts.mailer.bouncing.add("m1@example.org")  # type: ignore[attr-defined]
    waits = []
    while True:
        swept = delivering.sweep(story.parts)
        if swept.failed or swept.set_aside:
            waits.append(story.parts.now())
        if swept.set_aside:
            break
        story.parts.now.pass_by(seconds=30)  # type: ignore[attr-defined]
    assert len(waits) == MOST_TRIES
    assert timedelta(hours=5, minutes=45) <= waits[-1] - waits[0] <= timedelta(hours=6, minutes=30)
    gaps = [later - earlier for earlier, later in zip(waits, waits[1:])]
    assert gaps == sorted(gaps)
    assert timedelta(minutes=59) <= gaps[-1] <= timedelta(minutes=61)


def test_a_mail_whose_done_mark_was_lost_is_sent_again_under_the_same_id(story: Story) -> None:
    queue(story, "m1")
    outbox = story.parts.outbox
    done = outbox.done

    def lost(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    outbox.done = lost  # type: ignore[method-assign]
    assert story.deliver().failed == 1
    outbox.done = done  # type: ignore[method-assign]
    story.parts.now.pass_by(minutes=2)  # type: ignore[attr-defined]
    story.deliver()
    assert sent(story) == ["m1", "m1"]


def test_a_sweep_takes_a_bounded_bite_and_the_rest_next_time(story: Story) -> None:
    queue(story, *(f"m{n:03d}" for n in range(delivering.SWEEP_LIMIT + 5)))
    assert story.deliver().delivered == delivering.SWEEP_LIMIT
    assert story.deliver().delivered == 5


def test_failures_that_never_end_do_not_keep_the_rest_waiting(story: Story) -> None:
    bad = [f"bad{n:03d}" for n in range(delivering.SWEEP_LIMIT)]
    queue(story, *bad)
    story.parts.mailer.bouncing.update(f"{one}@example.org" for one in bad)  # type: ignore[attr-defined]
    story.deliver()
    queue(story, "good")
    story.deliver()
    assert sent(story) == ["good"]


def test_a_payload_nobody_can_read_is_a_failure_like_any_other(story: Story) -> None:
    story.parts.outbox.add(a_delivery("broken", payload={}))
    queue(story, "m1")
    swept = story.deliver()
    assert (swept.delivered, swept.failed) == (1, 1)


def test_the_log_says_what_failed_and_no_address(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    story.submit()
    story.parts.mailer.bouncing.add(PERSONAL["claimant_email"])  # type: ignore[attr-defined]
    story.deliver()
    assert "mail.receipt." in caplog.text
    assert "ConnectionError" in caplog.text
    assert "@" not in caplog.text


def test_starts_and_answers_are_delivered_too(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    story.deliver()
    assert list(story.parts.workflows.started) == [("funding-claim", f"{reference}-r1")]  # type: ignore[attr-defined]
    assert [token for token, _ in story.parts.workflows.answers] == ["token-1"]  # type: ignore[attr-defined]


def test_a_clock_that_differs_between_relay_and_sweeper_does_no_harm(story: Story) -> None:
    queue(story, "m1")
    behind = replace(story.parts, now=lambda: story.parts.now() - timedelta(seconds=5))
    assert delivering.relay(behind, ["m1"]) == []
    story.deliver()
    assert sent(story) == ["m1"]


# Parcels: what one transaction caused

VALUES = dict.fromkeys(
    ("reference", "title", "total", "role", "comment", "next_stage", "status_url", "noun"), "x"
)
GOOD = {"template": "moved-on", "to": "a@example.org", "values": VALUES}
START, BOTH_MAILS = "parcel.start.CLM-7K3F-9QX2-r1", ["mail.receipt.1", "mail.receipt.2"]


@pytest.fixture
def parcel(story: Story) -> str:
    """A start and two mails, of one transaction."""
    start = {"workflow": "funding-claim", "name": "CLM-7K3F-9QX2-r1", "input": {}}
    now = story.parts.now()
    some = [
        a_delivery("start.CLM-7K3F-9QX2-r1", kind=Kind.START, payload=start, due_at=now),
        *(a_delivery(one, payload=GOOD, due_at=now) for one in BOTH_MAILS),
    ]
    story.parts.records.commit([AddDelivery(delivery=one) for one in some])
    return START


def test_each_relay_delivers_its_lane_of_a_parcel(story: Story, parcel: str) -> None:
    assert delivering.relay(story.parts, [parcel], lane="mail") == []
    assert sent(story) == BOTH_MAILS
    assert not story.parts.workflows.running("funding-claim")
    assert delivering.relay(story.parts, [parcel], lane="workflow") == []
    assert story.parts.workflows.running("funding-claim") == {"CLM-7K3F-9QX2-r1"}
    assert story.deliver() == delivering.Swept(delivered=0, failed=0)


def test_mail_does_not_wait_for_state_machines_that_do_not_answer(story: Story, parcel: str) -> None:
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    swept = story.deliver()
    assert (swept.delivered, swept.failed) == (2, 1)
    assert sent(story) == BOTH_MAILS


def test_one_part_that_fails_keeps_no_other_back_and_is_tried_again_alone(
    story: Story, parcel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer = story.parts.mailer
    send = mailer.send

    def picky(*, notification_id: str, **mail: Any) -> None:
        if notification_id == "mail.receipt.1":
            raise ConnectionError("no answer")
        send(notification_id=notification_id, **mail)

    monkeypatch.setattr(mailer, "send", picky)
    assert delivering.relay(story.parts, [parcel], lane="mail") == [parcel]
    assert sent(story) == ["mail.receipt.2"]
    monkeypatch.setattr(mailer, "send", send)
    assert story.deliver().delivered == 2
    assert sent(story) == ["mail.receipt.2", "mail.receipt.1"]


def test_who_is_slow_leaves_the_last_parts_to_the_next(
    story: Story, parcel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer, clock = story.parts.mailer, story.parts.now
    send = mailer.send

    def slow(**mail: Any) -> None:
        clock.pass_by(seconds=25)  # type: ignore[attr-defined]
        send(**mail)

    monkeypatch.setattr(mailer, "send", slow)
    assert delivering.relay(story.parts, [parcel], lane="mail") == [parcel]
    assert sent(story) == BOTH_MAILS[:1]
    assert delivering.relay(story.parts, [parcel], lane="mail") == []
    assert sent(story) == BOTH_MAILS


def test_a_parcel_whose_marks_were_lost_is_delivered_again_under_the_same_ids(
    story: Story, parcel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = story.parts.outbox
    mark = outbox.mark

    def lost(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(outbox, "mark", lost)
    assert delivering.relay(story.parts, [parcel], lane="mail") == [parcel]
    monkeypatch.setattr(outbox, "mark", mark)
    story.parts.now.pass_by(minutes=2)  # type: ignore[attr-defined]
    story.deliver()
    assert sent(story) == BOTH_MAILS * 2
