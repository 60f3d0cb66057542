"""Delivering: at least once, in any order, one failure keeping nothing back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.services import delivering
from tests.builders import PERSONAL, Story, a_delivery


def queue(story: Story, *ids: str) -> None:
    for delivery_id in ids:
        values = {"reference": "r", "title": "t", "total": "£1", "role": "lead", "comment": "", "next_stage": "n",
                  "status_url": "https://x"}  # fmt: skip
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


def test_pauses_grow_up_to_an_hour_and_never_end(story: Story) -> None:
    queue(story, "m1")
    story.parts.mailer.bouncing.add("m1@example.org")  # type: ignore[attr-defined]
    waits = []
    for _ in range(14):
        while not delivering.sweep(story.parts).failed:
            story.parts.now.pass_by(seconds=30)  # type: ignore[attr-defined]
        waits.append(story.parts.now())
        story.parts.now.pass_by(seconds=1)  # type: ignore[attr-defined]
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
