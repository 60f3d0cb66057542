"""The catalogue of mails matches the templates, and every version of a mail that was ever queued can still be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta

import chalicelib
from chalicelib.adapters.aws.ses import KINDS, environment, render
from chalicelib.domain.delivery.mails import (
    MAILS,
    Bounce,
    Reader,
    ValuesForgotten,
    as_now,
    person_of,
    template_of,
    to_queue,
)
from tests.queued import QUEUED, queued

MAIL_TEXTS = Path(chalicelib.__file__).parent / "adapters/rendering/mail_texts"
TEMPLATES = sorted(one.stem for one in MAIL_TEXTS.glob("*.j2"))
OURS = {"layout", "parts", "m", "subject"}
"""What every template has without being given it."""


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


def needed(template: str) -> set[str]:
    """The values that a template names."""
    source = (MAIL_TEXTS / f"{template}.j2").read_text(encoding="utf-8")
    return set(meta.find_undeclared_variables(environment(KINDS[0]).parse(source))) - OURS


@pytest.mark.parametrize("template", sorted(MAILS))
def test_the_catalogue_has_every_value_that_a_template_names(template: str) -> None:
    local = {"overdue"} if template == "digest" else set()  # set in a loop of its own
    assert needed(template) - local <= MAILS[template].values


@pytest.mark.parametrize("template", sorted(MAILS))
def test_mail_that_any_release_queued_can_still_be_sent(template: str) -> None:
    mail = MAILS[template]
    versions = range(1, mail.version + 1)
    assert sorted(one.name for one in QUEUED.glob(f"{template}.v*.json")) == [
        f"{template}.v{version}.json" for version in versions
    ]
    for version in versions:
        values = queued(template, version)
        assert values.get("version", 1) == version
        assert as_now(template, values).keys() == mail.values
        shown = render(template, values)
        assert shown.subject
        assert shown.text
        assert shown.html


@pytest.mark.parametrize("template", sorted(MAILS))
def test_the_newest_values_are_queued_as_the_stored_example_has_them(template: str) -> None:
    values = queued(template, MAILS[template].version)
    assert to_queue(template, as_now(template, values)) == values


def test_no_stored_example_is_of_a_mail_that_is_gone() -> None:
    """Such a template stays until nothing of it can be queued any more: 90 days after its last release."""
    assert {one.name.split(".")[0] for one in QUEUED.glob("*.json")} == set(MAILS)


@pytest.mark.parametrize("change", [{"nouns": "claims"}, {"status_url": None}])
def test_a_mail_with_other_values_than_it_needs_is_not_queued(change: dict[str, Any]) -> None:
    values = {**queued("withdrawn", 1), **change}
    given = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(ValuesForgotten, match=next(iter(change))):
        to_queue("withdrawn", given)


def test_what_was_queued_of_an_earlier_version_keeps_what_it_says() -> None:
    """Between two releases, a mail had the new value and not yet its version."""
    values = queued("stuck", 1)
    assert as_now("stuck", values)["may_hand_on"] is True
    assert as_now("stuck", {**values, "may_hand_on": False})["may_hand_on"] is False


def test_every_reader_says_what_a_bounce_means() -> None:
    assert {reader.if_bounced for reader in Reader} == set(Bounce)
