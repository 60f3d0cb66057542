"""What runs without a request: steps of the state machines, the stream's relays, and schedules.

Plain functions, registered in app.py: Lambda would import a blueprint's module alone (aws/chalice#1566).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib import wiring


def ask_approver(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """A step of a state machine: ask whose turn it is, keep the token. Returns nothing that the history keeps."""
    from chalicelib.services.approvals import asking

    asking.ask(wiring.parts(), asking.read_step(event))
    return {}


# Two relays: each has a stream filter, and takes its lane's parts of a parcel.


def relay_workflow(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deliver the workflow starts and answers of a batch of stream records."""
    return _relay(event, "workflow")


def relay_mail(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deliver the mails of a batch of stream records."""
    return _relay(event, "mail")


def _relay(event: Mapping[str, Any], lane: str) -> dict[str, Any]:
    """Answers which failed, so that only those return (`ReportBatchItemFailures`). A record that is no new delivery
    is passed over, whatever it is: it would keep those behind it from coming through."""
    from chalicelib.services.delivery import delivering

    numbers: dict[str, list[str]] = {}
    for record in event.get("Records") or ():
        for delivery_id, number in _delivery(record):
            numbers.setdefault(delivery_id, []).append(number)
    failed = delivering.relay(wiring.parts(), numbers, lane=lane)
    return {
        "batchItemFailures": [
            {"itemIdentifier": number} for delivery_id in failed for number in numbers[delivery_id]
        ]
    }


def sweep(_event: object) -> dict[str, int]:
    """Deliver what the relay missed."""
    from chalicelib.services.delivery import delivering

    swept = delivering.sweep(wiring.parts())
    return {"delivered": swept.delivered, "failed": swept.failed, "set_aside": swept.set_aside}


def follow_up(_event: object) -> dict[str, int]:
    """Reminders, hand-overs and lapses whose date has come; then people whose last day is over."""
    from chalicelib.services.approvals import following_up
    from chalicelib.services.people import leaving

    done = following_up.follow_up(wiring.parts())
    leavings = leaving.carry_out_due(wiring.parts())
    return {
        "reminded": done.reminded,
        "handed_over": done.handed_over,
        "lapsed": done.lapsed,
        "left": leavings.left,
        "failed": done.failed + leavings.failed,
    }


def mail_events(event: Mapping[str, Any], _context: object) -> dict[str, int]:
    """Bounces and complaints of SES, as SNS brings them: the coordinators see to what now waits for nobody."""
    from chalicelib.services.delivery import undelivered

    noted = 0
    for record in event["Records"]:
        for address, what in _undelivered(_message(record)):
            noted += undelivered.came_back(wiring.parts(), address, what=what)
    return {"noted": noted}


def _message(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What SES says. Its greeting, when a topic is first named to it, is a sentence and no JSON."""
    try:
        message = json.loads(record["Sns"]["Message"])
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _undelivered(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where in the outbox the mails are, and what became of them. A bounce that is only for now (`Transient`) is SES's
    to repeat.

    Event publishing says `eventType`, feedback notifications say `notificationType`:
    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
    """
    what = str(message.get("eventType") or message.get("notificationType") or "").lower()
    if what not in ("bounce", "complaint") or message.get("bounce", {}).get("bounceType") == "Transient":
        return []
    headers = {one["name"].lower(): str(one["value"]) for one in message["mail"].get("headers", ())}
    if "x-notification-id" not in headers:
        return []
    named = [headers[name] for name in ("x-parcel-id", "x-notification-id") if name in headers]
    return [("/".join(named), what)]


def reconcile(_event: object) -> dict[str, int]:
    """Find and mend what no longer agrees; then count what came in the last hour."""
    from chalicelib.services.repair import reconciling, volumes

    done = reconciling.reconcile(wiring.parts())
    watched = volumes.watch(wiring.parts())
    return {
        **done.counts,
        "submitted": watched.submitted,
        "too_many": len(watched.too_many),
    }


def write_roots(_event: object) -> dict[str, int]:
    """Verify the timelines that moved, and write down, signed, what all end with."""
    from chalicelib.services.records import daily_roots

    done = daily_roots.write_root(wiring.parts())
    return {
        "written": int(done.is_written),
        "timelines": done.timelines,
        "moved": done.moved,
        "altered": len(done.altered),
    }


class DigestsFailed(Exception):
    """Some digests could not be made; the log says which. The function is called again, which is harmless."""


def digest(event: Any) -> dict[str, int]:
    """The digests whose period is over; `{"so_far": true}` in the event's detail: of this week up to now."""
    from chalicelib.services.reports import digesting

    done = digesting.digest(wiring.parts(), so_far=bool(event.detail.get("so_far")))
    if done.failed:
        raise DigestsFailed(f"{done.failed} could not be made")
    return {"queued": done.queued}


def _delivery(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Id and sequence number of the delivery that a record brings, if it brings one."""
    try:
        yield str(record["dynamodb"]["NewImage"]["delivery"]["S"]), str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):  # something was removed, or it is another kind of item
        return
