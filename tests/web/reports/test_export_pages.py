"""The pages that hand out exports: to whom, with which headers, and nothing to anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from chalice.test import Client
from page_checks import check_page, text_of

from chalicelib import wiring
from chalicelib.adapters.rendering.workbooks import XLSX_TYPE
from chalicelib.domain.people.accounts import session_secret
from chalicelib.domain.reports.exports import Period
from chalicelib.services.reports import exporting
from tests import fakes
from tests.builders import Story, a_person, the_people
from tests.tokens import give_session

WEEK = Period(
    start=datetime(2027, 1, 11, tzinfo=timezone.utc), end=datetime(2027, 1, 18, tzinfo=timezone.utc)
)
KENT = f"/exports/funding-claim/kent/{WEEK.key}"
EVERYWHERE = f"/exports/funding-claim/all/{WEEK.key}"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
PEOPLE = {
    "chief-kent": "chief-constable@kent",
    "chief-essex": "chief-constable@essex",
    "npcc-leader": "npcc-leader@national",
}


@pytest.fixture
def client() -> Iterator[Client]:
    parts = fakes.parts()
    parts.people.register([*the_people(), *(a_person(one, role) for one, role in PEOPLE.items())])  # type: ignore[attr-defined]
    parts.funds.open_fund("ptf", name="the fund", total_pence=9_000_000, caps={"kent": 900_000})  # type: ignore[attr-defined]
    Story(parts).submit(event_title="Dydd Ŵyl")
    parts.now.at = WEEK.end + timedelta(hours=7)  # type: ignore[attr-defined]
    for person in (*PEOPLE, "national-coordinator", "coordinator-kent", "lead-kent"):
        give_session(parts, person)
    for scope in ("kent", "all"):
        exporting.export(parts, "funding-claim", scope, WEEK)
    wiring.use(parts)
    from app import app

    with Client(app) as made:
        yield made
    wiring.use(None)


def _signed_in(person: str) -> dict[str, str]:
    return {"Cookie": f"__Host-session={session_secret('browser', person)}"}


def get(client: Client, path: str, person: str = "") -> Any:
    headers = {"Accept": BROWSER, **(_signed_in(person) if person else {})}
    return client.http.get(path, headers=headers)


def test_a_chief_constable_gets_the_files_of_their_force(client: Client) -> None:
    shown = get(client, KENT, "chief-kent")
    assert shown.status_code == 200
    assert f'href="{KENT}/xlsx"' in shown.body.decode()
    file = get(client, f"{KENT}/csv", "chief-kent")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"] == (
        f'attachment; filename="funding-claim-kent-{WEEK.key}.csv"'
    )
    assert "Dydd Ŵyl" in file.body.decode("utf-8-sig")


def test_a_file_comes_to_whoever_says_nothing_of_what_they_accept(client: Client) -> None:
    for accept in ({}, {"Accept": "image/png"}):
        answer = client.http.get(f"{KENT}/xlsx", headers={**_signed_in("chief-kent"), **accept})
        assert (answer.status_code, answer.body[:2]) == (200, b"PK")


def test_a_workbook_arrives_as_the_bytes_that_were_stored(client: Client) -> None:
    file = get(client, f"{KENT}/xlsx", "chief-kent")
    stored = [content for key, (_, content) in wiring.parts().files.kept.items() if key.endswith(".xlsx")]  # type: ignore[attr-defined]
    assert file.headers["Content-Type"] == XLSX_TYPE
    assert file.body in stored
    assert file.headers["Cache-Control"] == "no-store"
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("person", "kent", "everywhere"),
    [
        ("chief-kent", 200, 404),
        ("chief-essex", 404, 404),
        ("npcc-leader", 200, 200),
        ("national-coordinator", 200, 200),
        ("coordinator-kent", 404, 404),
        ("lead-kent", 404, 404),
    ],
)
def test_everybody_else_finds_nothing(client: Client, person: str, kent: int, everywhere: int) -> None:
    for path, status in ((KENT, kent), (EVERYWHERE, everywhere)):
        for one in (path, f"{path}/csv", f"{path}/xlsx"):
            assert get(client, one, person).status_code == status, one


def test_a_large_file_is_fetched_elsewhere_by_whoever_may_have_it_and_by_nobody_else(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_FETCHED", 10)
    answer = get(client, f"{KENT}/xlsx", "chief-kent")
    assert (answer.status_code, answer.body) == (303, b"")
    assert answer.headers["Location"].startswith("https://files.example.org/exports/funding-claim/kent/")
    assert answer.headers["Cache-Control"] == "no-store"
    for person in ("chief-essex", "coordinator-kent", "lead-kent"):
        answer = get(client, f"{KENT}/xlsx", person)
        assert answer.status_code == 404
        assert "Location" not in answer.headers
    assert get(client, f"{KENT}/xlsx").headers["Location"].startswith("/sign-in?")


def test_who_lost_the_mail_finds_the_files(client: Client) -> None:
    answer = get(client, "/exports", "chief-kent")
    page = check_page(answer.body.decode())
    assert text_of(page.find(".//h1")) == "Exports of Kent Police"
    assert [text_of(one) for one in page.iter("h2")][:2] == ["Claims", "Ideas"]
    assert f'href="{KENT}"' in answer.body.decode()
    assert "<select" not in answer.body.decode()
    assert get(client, KENT, "chief-kent").status_code == 200


def test_the_national_team_chooses_whose_exports_it_sees(client: Client) -> None:
    for query, path in (("", EVERYWHERE), ("?force=all", EVERYWHERE), ("?force=kent", KENT)):
        text = get(client, f"/exports{query}", "npcc-leader").body.decode()
        assert f'href="{path}"' in text
        assert text.count("<option") == 44
        check_page(text)
    assert KENT not in get(client, "/exports", "npcc-leader").body.decode()


@pytest.mark.parametrize(
    ("person", "query"),
    [
        ("chief-essex", "?force=kent"),
        ("chief-kent", "?force=all"),
        ("coordinator-kent", ""),
        ("lead-kent", ""),
        ("npcc-leader", "?force=..%2Fkent"),
    ],
)
def test_the_list_is_not_found_by_whoever_may_have_nothing_of_it(
    client: Client, person: str, query: str
) -> None:
    answer = get(client, f"/exports{query}", person)
    assert answer.status_code == 404
    assert "/exports/" not in answer.body.decode()


def test_where_there_are_none_yet_the_list_says_so(client: Client) -> None:
    text = get(client, "/exports", "chief-essex").body.decode()
    check_page(text)
    assert text.count("There are none yet.") == 2


def test_nobody_gets_anything_without_signing_in(client: Client) -> None:
    for path in ("/exports", KENT, f"{KENT}/csv"):
        answer = get(client, path)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize(
    "path",
    [
        f"{KENT}/manifest.json",
        f"{KENT}/pdf",
        "/exports/funding-claim/kent/2027-01-18-to-2027-01-24",
        f"/exports/no-such-form/kent/{WEEK.key}",
        f"/exports/funding-claim/..%2Fkent/{WEEK.key}",
    ],
)
def test_what_there_is_not_is_not_found(client: Client, path: str) -> None:
    assert get(client, path, "npcc-leader").status_code == 404
