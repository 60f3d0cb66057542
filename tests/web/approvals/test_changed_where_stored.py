"""A claim that somebody changed in the table: what its approver, a program and the coordinators are told."""

from __future__ import annotations

import json

from website import LEAD, Website, heading, words

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import SubmissionItem


def changed(site: Website) -> tuple[str, str]:
    """The reference and the task's path of a claim whose amount somebody changed."""
    receipt = site.submit()
    path = site.ask(receipt)
    item = SubmissionItem.get(keys.case("kent", receipt.reference), keys.SUBMISSION)
    item.update(actions=[SubmissionItem.amount_pence.set(1)])
    return receipt.reference, path


def test_its_approver_sees_a_plain_page_and_nothing_to_decide(website: Website) -> None:
    _, path = changed(website)
    website.sign_in(LEAD)
    answer = website.get(path)
    assert (answer.status, heading(answer)) == (409, "This was changed where it is stored")
    assert "The coordinators have been told" in words(answer)
    assert "£0.01" not in words(answer)


def test_a_program_is_told_by_a_code_of_its_own_and_decides_nothing(website: Website) -> None:
    reference, path = changed(website)
    website.sign_in(LEAD)
    case = website.parts.records.of("kent").case(reference)
    assert website.get(f"/api/v1{path}").status == 409
    body = json.dumps({"decision": "approve", "comment": "", "seen": case.seen}).encode()
    answer = website.send_json(f"/api/v1{path}/decision", body)
    assert (answer.status, json.loads(answer.text)["code"]) == (409, "not-as-written")
    assert website.parts.records.of("kent").case(reference).tasks[0].decision == ""


def test_the_coordinators_are_mailed_once(website: Website) -> None:
    reference, path = changed(website)
    website.sign_in(LEAD)
    for _ in range(2):
        website.get(path)
    mails = website.mails("altered")
    assert {mail.payload["to"] for mail in mails} >= {"coordinator.kent@example.police.uk"}
    assert len(mails) == len({mail.payload["to"] for mail in mails})
    assert all(mail.payload["values"]["reference"] == reference for mail in mails)
