"""What tests of confirming share: sending without proof, and the code that is mailed then."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.people import pairs
from chalicelib.domain.people.browsers import Sent
from chalicelib.domain.records.submissions import Status
from chalicelib.services.intake import confirming, submitting
from chalicelib.services.intake.submitting import Receipt
from tests.builders import PERSONAL, claim_answers
from tests.unit.scenes import Scene

ADDRESS = PERSONAL["claimant_email"]
PHISHING = "Act now: https://bank.example.net/login"


def send(scene: Scene, **more: Any) -> Receipt:
    """From a browser, or a program, that has proven nothing."""
    options = {name: more.pop(name) for name in ("key", "duplicate_ok", "proved", "vouched") if name in more}
    answers = claim_answers(**scene.another(None, more, "purpose"))
    return submitting.submit(scene.parts, scene.form, answers, **options)


def confirm_mails(scene: Scene) -> list[Any]:
    for _ in range(2):
        scene.deliver()
    return [mail for mail in scene.sent if mail.template == "confirm"]


def code(scene: Scene) -> str:
    return str(confirm_mails(scene)[-1].values["code"])


def confirm(scene: Scene, receipt: Receipt, typed: str = "") -> None:
    confirming.confirm(scene.parts, "kent", receipt.reference, typed or code(scene))


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}" if len(right) == pairs.SHORT else right[::-1]


def sent_from(scene: Scene, *receipts: Receipt) -> list[Sent]:
    """What a browser carries that sent these."""
    return [Sent(mailbox=one.mailbox, name=one.name, at=scene.parts.now()) for one in receipts]


def status(scene: Scene, receipt: Receipt) -> Status:
    return scene.case(receipt.reference).submission.status


def started(scene: Scene) -> list[str]:
    queued = scene.store.of_kind("delivery")
    return [one.delivery.id for one in queued if one.delivery.id.startswith("start.")]


def mend(scene: Scene, receipt: Receipt, address: str) -> None:
    confirming.mend_address(scene.parts, "kent", receipt.reference, address)
