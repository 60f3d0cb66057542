"""What comes back from mail: SES's mailbox simulator, whose addresses bounce or complain, and SNS that tells us.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html says which addresses; moto has them, but
tells of a canned message that is not the one that was sent.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.environment import ACCOUNT, REGION

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Any]

EVENTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "bounce@simulator.amazonses.com": ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General"}),
    "complaint@simulator.amazonses.com": ("Complaint", {"complaintFeedbackType": "abuse"}),
}
FUNCTION = "mail_events"
SECONDS = 0.5
"""How long a mail takes to come back."""


def event(mail: Mapping[str, Any]) -> dict[str, Any] | None:
    """What SNS brings of a mail in the journal; None where it arrives."""
    address = str(mail["to"]).strip().casefold()
    if address not in EVENTS:
        return None
    what, details = EVENTS[address]
    message = {
        "eventType": what,
        what.lower(): {**details, "timestamp": mail["sent_at"]},
        "mail": {
            "timestamp": mail["sent_at"],
            "destination": [mail["to"]],
            "headersTruncated": False,
            "headers": [
                {"name": "X-Notification-Id", "value": mail["id"]},
                *([{"name": "X-Parcel-Id", "value": mail["parcel"]}] if mail.get("parcel") else ()),
            ],
        },
    }
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:mail-events"
    record = {"MessageId": str(uuid.uuid4()), "TopicArn": topic, "Message": json.dumps(message)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": record}]}


def simulate(handler: Handler, mail: Mapping[str, Any]) -> None:
    """Let the mail come back in a moment, if it does."""
    found = event(mail)
    if found is not None:
        timer = threading.Timer(SECONDS, _tell, args=(handler, found))
        timer.daemon = True
        timer.start()


def _tell(handler: Handler, found: dict[str, Any]) -> None:
    try:
        handler(found)
    except Exception:
        log.exception("mail_events failed")
