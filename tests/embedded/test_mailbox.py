"""The journal of sent mail outlives us, and a line that was being written when we were killed."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from infra.local.mailbox import Journal, Mailbox, as_read, from_raw_email, sender

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)


def a_form(mail: EmailMessage, *destinations: str) -> dict[str, list[str]]:
    members = {f"Destinations.member.{n}": [address] for n, address in enumerate(destinations, 1)}
    return {"RawMessage.Data": [base64.b64encode(mail.as_bytes()).decode()], **members}


def as_read_later(form: dict[str, list[str]], *, message_id: str, at: datetime) -> dict[str, Any]:
    return as_read(json.loads(json.dumps(from_raw_email(form, message_id=message_id, at=at))))


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "Zoë <zoe@force.example>", "Your claim — £5,000"
    mail.set_content("Plain é\n")
    mail.add_alternative("<p>Rich é</p>", subtype="html")
    return mail


def test_a_mail_is_read_with_its_text_and_its_html() -> None:
    read = as_read_later(a_form(a_mail()), message_id="ses-1", at=NOW)
    assert read == {
        "id": "ses-1",
        "to": "zoe@force.example",
        "subject": "Your claim — £5,000",
        "text": "Plain é\n",
        "html": "<p>Rich é</p>\n",
        "sent_at": "2026-03-01T09:30:00.000Z",
    }


def test_the_envelope_and_the_apps_own_id_come_first() -> None:
    mail = a_mail()
    mail["X-Notification-Id"] = "n-1"
    read = as_read_later(a_form(mail, "a@x.example", "B <b@x.example>"), message_id="ses-1", at=NOW)
    assert (read["id"], read["to"]) == ("n-1", "a@x.example, b@x.example")


@pytest.mark.parametrize("ending", ["approved", "“Größe und Länge” – approved"])
def test_a_long_subject_is_read_as_it_was_written(ending: str) -> None:
    mail = EmailMessage(policy=SMTP.clone(max_line_length=78 if ending.isascii() else 900))
    mail["Subject"] = "CLM-7K3F-9QXN: your claim for a day, " + "and so on " * 12 + ending
    assert as_read_later(a_form(mail), message_id="ses-1", at=NOW)["subject"] == mail["Subject"]


def test_lines_end_as_people_write_them() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["To"] = "a@x.example"
    mail.set_content("One\nTwo é " + "long " * 40 + "\n")
    mail.add_alternative("<p>é</p>\n", subtype="html")
    read = as_read_later(a_form(mail), message_id="ses-1", at=NOW)
    assert read["text"] == "One\nTwo é " + "long " * 40 + "\n"
    assert read["html"] == "<p>é</p>\n"


def test_an_attached_text_is_not_the_mail() -> None:
    mail = EmailMessage()
    mail.add_attachment("attached", filename="a.txt")
    assert as_read_later(a_form(mail), message_id="ses-1", at=NOW)["text"] == ""


def test_the_sender_is_who_ses_is_told_else_who_the_mail_says() -> None:
    mail = a_mail()
    mail["From"] = "Programme <p@x.example>"
    assert sender(a_form(mail)) == "p@x.example"
    assert sender({**a_form(mail), "Source": ["Other <o@x.example>"]}) == "o@x.example"
    assert sender(a_form(a_mail())) == ""


def test_what_is_written_is_read_in_order_as_it_comes(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "mail.jsonl")
    assert mailbox.entries() == []
    journal = Journal(tmp_path / "mail.jsonl")
    for number in ("1", "2"):
        journal.add({"id": number, "to": f"{number}@x.example"})
        assert mailbox.entries()[-1]["id"] == number
    assert [entry["id"] for entry in json.loads(mailbox.as_json())] == ["1", "2"]
    assert [entry["id"] for entry in mailbox.entries("2@X.example")] == ["2"]


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "mail.jsonl"
    Journal(path).add({"id": "1"})
    with path.open("ab") as file:
        file.write(b'{"id": "to')
    Journal(path).add({"id": "2"})
    assert [entry["id"] for entry in Mailbox(path).entries()] == ["1", "2"]


def test_an_emptied_mailbox_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "mail.jsonl"
    Journal(path).add({"id": "1"})
    mailbox = Mailbox(path)
    assert mailbox.entries()
    path.write_bytes(b"")
    assert mailbox.entries() == []


def test_a_journal_of_an_earlier_release_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "mail.jsonl"
    earlier = {
        "id": "1",
        "to": "a@x.example",
        "subject": "S",
        "text": "T",
        "html": "<p>T</p>",
        "sent_at": "Z",
    }
    journal = Journal(path)
    journal.add(earlier)
    journal.add(from_raw_email(a_form(a_mail()), message_id="2", at=NOW))
    assert [(mail["id"], mail["text"]) for mail in Mailbox(path).entries()] == [
        ("1", "T"),
        ("2", "Plain é\n"),
    ]
    assert Mailbox(path).entries()[0] == earlier


def test_what_is_no_mail_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "mail.jsonl"
    journal = Journal(path)
    journal.add({"id": "1", "to": "a@x.example", "raw": "abcde", "sent_at": "Z"})
    journal.add({"id": "2", "to": "a@x.example"})
    assert [mail["id"] for mail in Mailbox(path).entries()] == ["2"]
