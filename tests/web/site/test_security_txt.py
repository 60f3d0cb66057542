"""`/.well-known/security.txt`, as RFC 9116 has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from website import Website

from chalicelib import wiring
from chalicelib.settings import MissingSetting, Settings
from infra.local import environment
from tests.guards.test_project import ENV

PATH = "/.well-known/security.txt"


def fields(website: Website) -> dict[str, str]:
    answer = website.get(PATH)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("\n")
    return dict(line.split(": ", 1) for line in answer.text.splitlines())


def test_it_says_where_to_report_in_which_language_and_until_when(secure_website: Website) -> None:
    found = fields(secure_website)
    assert found == {
        "Contact": "mailto:help@example.police.uk",
        "Expires": "2027-11-30T00:00:00Z",
        "Preferred-Languages": "en",
        "Canonical": f"https://ideas.example.org{PATH}",
    }
    assert datetime.fromisoformat(found["Expires"].replace("Z", "+00:00"))


def test_without_https_it_does_not_say_where_it_stands(website: Website) -> None:
    """RFC 9116, 2.5.2: such an address MUST begin with https://."""
    assert set(fields(website)) == {"Contact", "Expires", "Preferred-Languages"}


@pytest.mark.parametrize("given", [{}, {"SECURITY_EXPIRES": ""}])
def test_the_embedded_run_names_a_day_that_is_yet_to_come_and_under_a_year_ahead(
    given: dict[str, str],
) -> None:
    found = date.fromisoformat(embedded(given)["SECURITY_EXPIRES"])
    today = datetime.now(timezone.utc).date()
    assert today < found < today + timedelta(days=365)


def test_the_embedded_run_takes_a_day_that_it_is_given() -> None:
    assert embedded({"SECURITY_EXPIRES": "2028-02-29"})["SECURITY_EXPIRES"] == "2028-02-29"


def embedded(given: dict[str, str]) -> dict[str, str]:
    """The settings of the embedded run."""
    return environment.for_children(
        given, base_url="http://127.0.0.1:1", signing_keys="k", timeline_keys={}, dynamodb="d", cloud="c"
    )


def test_a_policy_is_named_where_there_is_one(website: Website) -> None:
    policy = "https://example.org/SECURITY.md"
    website.use(reporting=replace(website.parts.reporting, policy=policy))
    assert fields(website)["Policy"] == policy


def test_contact_policy_and_day_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.dynamodb.tables.connect", lambda _: None)
    given = {
        "SECURITY_CONTACT": "https://example.org/report",
        "SECURITY_POLICY": "https://example.org/policy",
        "SECURITY_EXPIRES": "2028-02-29",
    }
    reporting = wiring.build(Settings.from_env({**ENV, **given})).reporting
    assert (reporting.contact, reporting.policy) == (given["SECURITY_CONTACT"], given["SECURITY_POLICY"])
    assert reporting.expires == datetime(2028, 2, 29, tzinfo=timezone.utc)
    assert wiring.build(Settings.from_env(ENV)).reporting.contact == "mailto:people@example.org"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SECURITY_CONTACT", "help@example.org"),
        ("SECURITY_CONTACT", "mailto:a@example.org\nContact: mailto:evil@example.net"),
        ("SECURITY_CONTACT", "http://example.org"),
        ("SECURITY_POLICY", "mailto:a@example.org"),
        ("SECURITY_POLICY", "https://example.org/a b"),
        ("SECURITY_EXPIRES", "2027-02-30"),
        ("SECURITY_EXPIRES", "soon"),
        ("SECURITY_EXPIRES", "2027-11-30T00:00:00"),
    ],
)
def test_a_line_that_the_file_cannot_hold_is_refused_at_the_start(name: str, text: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        Settings.from_env({**ENV, name: text})
