"""Every mail has a reader: a template that `domain/mails.py` leaves out would bounce and nobody would be told."""

from __future__ import annotations

from pathlib import Path

import pytest

import chalicelib
from chalicelib.domain.mails import MAILS, Reader, person_of, template_of

TEMPLATES = sorted(
    one.stem for one in (Path(chalicelib.__file__).parent / "adapters/mail_texts").glob("*.j2")
)


def test_every_template_has_a_reader_and_the_reverse() -> None:
    assert TEMPLATES, "the templates have moved"
    assert sorted(MAILS) == TEMPLATES


def test_every_reader_has_a_mail() -> None:
    assert {mail.reader for mail in MAILS.values()} == set(Reader)


@pytest.mark.parametrize(
    ("notification_id", "template", "person"),
    [
        ("mail.stuck.CLM-2222-2222.7.coordinator-kent", "stuck", "coordinator-kent"),
        ("mail.digest.kent.2027-01-04-to-2027-01-10.chief.kent", "digest", "chief.kent"),
        ("mail.sign-in-code.0123abcd.lead.kent", "sign-in-code", "lead.kent"),
        ("mail.role-empty.20270104090000000000.0123abcd.chief.kent", "role-empty", "chief.kent"),
        ("mail.sign-in-code.0123abcd", "sign-in-code", ""),
        ("mail.new-browser.0123abcd.lead.kent", "new-browser", "lead.kent"),
        ("start.CLM-2222-2222-r1", "", ""),
        ("", "", ""),
    ],
)
def test_a_mails_id_names_its_template_and_its_reader(
    notification_id: str, template: str, person: str
) -> None:
    assert (template_of(notification_id), person_of(notification_id)) == (template, person)
