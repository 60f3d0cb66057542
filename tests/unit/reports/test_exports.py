"""Exports: what stands in them, who may have them, and that they are made once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import pytest

from chalicelib.adapters.rendering.workbooks import Workbooks
from chalicelib.domain.errors import NotFound, TooLarge
from chalicelib.domain.records.submissions import Status, Submission
from chalicelib.domain.reports import exports
from chalicelib.domain.reports.exports import ALL, Column, ColumnKind, Manifest, NotExportable, Period
from chalicelib.services.ports import Parts
from chalicelib.services.reports import exporting
from tests import fakes
from tests.builders import (
    FORMS,
    MONDAY,
    PERSONAL,
    Story,
    a_form,
    a_person,
    a_submission,
    all_values,
    the_people,
)

WEEK = Period(
    start=datetime(2027, 1, 11, tzinfo=timezone.utc), end=datetime(2027, 1, 18, tzinfo=timezone.utc)
)
FORM = "funding-claim"
HOSTILE = ["=1+1", "+44", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1dcmd", '=HYPERLINK("http://x")']


@pytest.fixture
def story() -> Story:
    parts = fakes.parts()
    parts.people.register(the_people())  # type: ignore[attr-defined]
    caps = {"kent": 5_000_000, "essex": 5_000_000}
    parts.funds.open_fund("ptf", name="the fund", total_pence=9_000_000, caps=caps)  # type: ignore[attr-defined]
    return Story(parts)


def after_the_week(story: Story) -> Parts:
    story.parts.now.at = WEEK.end + timedelta(hours=7)  # type: ignore[attr-defined]
    return story.parts


def lines(parts: Parts, manifest: Manifest) -> list[list[str]]:
    _, content = exporting.fetch_file(parts, manifest, "csv")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet(parts: Parts, manifest: Manifest) -> Any:
    _, content = exporting.fetch_file(parts, manifest, "xlsx")
    return openpyxl.load_workbook(io.BytesIO(content)).active


def test_an_export_has_the_columns_of_the_form_file_and_a_row_for_each_submission(story: Story) -> None:
    first = story.submit(event_title="Dydd Syniadau, Ŵyl “Gwent”")
    story.submit(force="essex")
    parts = after_the_week(story)
    manifest = exporting.export(parts, FORM, "kent", WEEK)
    head, *rows = lines(parts, manifest)
    assert head == [heading for _, heading in a_form().export]
    found = dict(zip(head, rows[0]))
    assert len(rows) == manifest.rows == 1
    assert found["Reference"] == first.reference
    assert found["Name of the day"] == "Dydd Syniadau, Ŵyl “Gwent”"
    assert (found["Force"], found["Date"], found["Amount"]) == ("Kent Police", "2027-03-27", "6000.00")


def test_all_forces_are_one_scope_and_moved_submissions_are_told_once(story: Story) -> None:
    story.submit()
    story.submit(force="essex")
    third = story.submit()
    store: fakes.Store = story.parts.records.store  # type: ignore[attr-defined]
    key = ("submission", "kent", third.reference)
    store.items[key] = replace(store.items[key], moved_to="essex", status=Status.WITHDRAWN)
    parts = after_the_week(story)
    assert exporting.export(parts, FORM, ALL, WEEK).rows == 2


def test_a_period_begins_at_its_start_and_ends_before_its_end(story: Story) -> None:
    for moment in (
        WEEK.start - timedelta(microseconds=1),
        WEEK.start,
        WEEK.end - timedelta(microseconds=1),
        WEEK.end,
    ):
        story.parts.now.at = moment  # type: ignore[attr-defined]
        story.submit()
    assert exporting.export(after_the_week(story), FORM, "kent", WEEK).rows == 2


def test_a_csv_is_what_rfc_4180_and_excel_want(story: Story) -> None:
    story.submit(event_title='He said "yes", twice')
    parts = after_the_week(story)
    _, content = exporting.fetch_file(parts, exporting.export(parts, FORM, "kent", WEEK), "csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert b'"He said ""yes"", twice"' in content


def test_cells_of_a_workbook_have_types(story: Story) -> None:
    story.submit()
    parts = after_the_week(story)
    found = sheet(parts, exporting.export(parts, FORM, "kent", WEEK))
    cells = {head.value: cell for head, cell in zip(found[1], found[2])}
    assert cells["Date"].value.date() == date(2027, 3, 27)
    assert cells["Date"].is_date
    assert (cells["Amount"].value, cells["Amount"].data_type) == (6000, "n")
    assert cells["Amount"].number_format == "£#,##0.00"
    assert (cells["People expected"].value, cells["People expected"].data_type) == (120, "n")
    assert cells["Reference"].data_type == "s"
    assert cells["Name of the day"].alignment.wrap_text, "a long title is read whole"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_can_become_a_formula(story: Story, text: str) -> None:
    columns = [Column(field="event_title", heading=text, kind=ColumnKind.TEXT)]
    with Workbooks().written(columns, [[text]], title="t", at=MONDAY) as files:
        plain, book = (file.content.read() for file in files)
    for (cell,) in csv.reader(io.StringIO(plain.decode("utf-8-sig"), newline="")):
        assert cell.startswith("'")
        assert not set(cell) & {"\t", "\r", "\n"}
    (head,), (cell,) = openpyxl.load_workbook(io.BytesIO(book)).active.iter_rows()
    assert (head.data_type, cell.data_type, cell.hyperlink) == ("s", "s", None)
    assert cell.value == exports.plain(text)


def test_what_xml_cannot_hold_and_what_turns_text_around_is_dropped() -> None:
    assert exports.plain("a\x00b\x0bc\u202ed\ufffee\ud800f\r\ng") == "ab cdef g"
    assert len(exports.plain("x" * 40_000)) == exports.LONGEST_CELL


@pytest.mark.parametrize("form", FORMS.all(), ids=lambda form: form.id)
def test_every_form_can_be_exported_and_no_column_is_personal(form: Any) -> None:
    found = exports.columns(form)
    assert found
    assert not {column.field for column in found} & form.personal


@pytest.mark.parametrize(
    "field",
    ["claimant_name", "claimant_email", "claimant_phone", "no_such_field", "claimant_id"],
)
def test_a_personal_field_or_one_that_is_no_single_value_is_refused(field: str) -> None:
    form = replace(a_form(), export=((field, "Heading"),))
    with pytest.raises(NotExportable, match=field):
        exports.columns(form)


def test_nothing_personal_is_in_an_export_or_its_manifest(story: Story) -> None:
    story.submit()
    parts = after_the_week(story)
    manifest = exporting.export(parts, FORM, "kent", WEEK)
    said = str(lines(parts, manifest)) + str([[c.value for c in row] for row in sheet(parts, manifest)])
    said += manifest.to_json().decode()
    for personal in all_values(PERSONAL) - set(PERSONAL):
        assert personal not in said


def test_a_decision_that_can_still_be_undone_is_not_exported(story: Story) -> None:
    undoing = Story(replace(story.parts, undo_for=timedelta(minutes=10)))
    receipt = undoing.submit()
    undoing.ask(receipt.reference)
    undoing.decide(receipt.reference, "reject", comment="No")
    clock: Any = story.parts.now
    for minutes, status in ((5, "In review"), (10, "Rejected")):
        clock.pass_by(minutes=minutes)
        manifest = exporting.export(undoing.parts, FORM, "kent", Period(start=WEEK.start, end=clock.at))
        head, row = lines(undoing.parts, manifest)
        assert dict(zip(head, row))["Status"] == status


def test_the_manifest_says_what_was_made(story: Story) -> None:
    story.submit()
    parts = after_the_week(story)
    manifest = exporting.export(parts, FORM, "kent", WEEK)
    files: fakes.MemoryFiles = parts.files  # type: ignore[assignment]
    stored = json.loads(files.kept["exports/funding-claim/kent/2027-01-11-to-2027-01-17/manifest.json"][1])
    assert Manifest.from_json(json.dumps(stored).encode()) == manifest
    assert (stored["form"], stored["scope"], stored["rows"], stored["number"]) == (FORM, "kent", 1, 1)
    assert stored["form_versions"] == [1]
    assert [file["name"] for file in stored["files"]] == ["csv", "xlsx"]
    for file in stored["files"]:
        content = files.kept[file["key"]][1]
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["size"])


def test_asked_again_the_stored_export_is_given_whatever_came_since(story: Story) -> None:
    story.submit()
    parts = after_the_week(story)
    first = exporting.export(parts, FORM, "kent", WEEK)
    parts.now.at += timedelta(days=1)  # type: ignore[attr-defined]
    kept = dict(parts.files.kept)  # type: ignore[attr-defined]
    assert exporting.export(parts, FORM, "kent", WEEK) == first
    assert parts.files.kept == kept  # type: ignore[attr-defined]
    following = Period(start=WEEK.start, end=WEEK.end + timedelta(days=1))
    assert exporting.export(parts, FORM, "kent", following).number == first.number + 1


def test_two_who_ask_at_once_get_the_same_export(story: Story) -> None:
    for _ in range(5):
        story.submit()
    parts = after_the_week(story)
    found: list[Manifest] = []
    barrier = threading.Barrier(4)

    def ask() -> None:
        barrier.wait()
        found.append(exporting.export(parts, FORM, "kent", WEEK))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({manifest.to_json() for manifest in found}) == 1
    for file in found[0].files:
        assert hashlib.sha256(parts.files.get(file.key, most=10**6)).hexdigest() == file.sha256


def test_a_period_that_is_not_over_and_a_force_that_there_is_not_are_refused(story: Story) -> None:
    with pytest.raises(exporting.NotOver):
        exporting.export(story.parts, FORM, "kent", WEEK)
    with pytest.raises(NotFound):
        exporting.export(after_the_week(story), FORM, "../kent", WEEK)
    with pytest.raises(ValueError):
        Period(start=WEEK.end, end=WEEK.start)


@pytest.mark.parametrize(
    ("role", "kent", "everything"),
    [
        ("chief-constable@kent", True, False),
        ("chief-constable@essex", False, False),
        ("chief-constable@all", False, False),
        ("chief-constable@national", False, False),
        ("home-office-leader@national", True, True),
        ("npcc-leader@national", True, True),
        ("college-leader@national", True, True),
        ("college-leader@kent", False, False),
        ("coordinator@national", True, True),
        ("coordinator@kent", False, False),
        ("innovation-lead@kent", False, False),
    ],
)
def test_who_may_have_an_export(story: Story, role: str, kent: bool, everything: bool) -> None:
    parts = after_the_week(story)
    person = a_person("somebody", role)
    for scope, may in (("kent", kent), (ALL, everything)):
        exporting.export(parts, FORM, scope, WEEK)
        if may:
            assert exporting.fetch_manifest(parts, person, FORM, scope, WEEK.key).scope == scope
        else:
            with pytest.raises(NotFound):
                exporting.fetch_manifest(parts, person, FORM, scope, WEEK.key)


def test_a_file_too_large_for_a_page_is_not_read_into_memory(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = after_the_week(story)
    manifest = exporting.export(parts, FORM, "kent", WEEK)
    monkeypatch.setattr(exporting, "MOST_FETCHED", 10)
    with pytest.raises(TooLarge):
        exporting.fetch_file(parts, manifest, "csv")
    with pytest.raises(NotFound):
        exporting.fetch_file(parts, manifest, "pdf")


def test_a_large_file_is_handed_out_by_an_address_for_a_minute_and_a_small_one_as_it_is(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = after_the_week(story)
    manifest = exporting.export(parts, FORM, "kent", WEEK)
    file = manifest.file("csv")
    assert file is not None
    asked = (parts, a_person("chief", "chief-constable@kent"), FORM, "kent", WEEK.key, "csv")
    monkeypatch.setattr(exporting, "MOST_FETCHED", file.size)
    handed = exporting.hand_out(*asked)
    assert (hashlib.sha256(handed.content).hexdigest(), handed.address) == (file.sha256, "")
    monkeypatch.setattr(exporting, "MOST_FETCHED", file.size - 1)
    handed = exporting.hand_out(*asked)
    address = urlsplit(handed.address)
    assert (handed.content, address.path) == (b"", f"/{file.key}")
    assert dict(parse_qsl(address.query)) == {
        "called": f"funding-claim-kent-{WEEK.key}.csv",
        "media_type": "text/csv; charset=utf-8",
        "seconds": "60",
    }


@pytest.mark.parametrize("role", ["chief-constable@essex", "coordinator@kent", "innovation-lead@kent"])
def test_nobody_else_gets_the_address_of_a_large_file(
    story: Story, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    class NoAddresses(fakes.MemoryFiles):
        def address(self, *_: Any, **__: Any) -> str:
            raise AssertionError("an address was made")

    parts = replace(after_the_week(story), files=NoAddresses())
    exporting.export(parts, FORM, "kent", WEEK)
    monkeypatch.setattr(exporting, "MOST_FETCHED", 1)
    for name in ("csv", "xlsx", "manifest.json"):
        with pytest.raises(NotFound):
            exporting.hand_out(parts, a_person("somebody", role), FORM, "kent", WEEK.key, name)


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [
        (["chief-constable@kent"], ["kent"]),
        (["chief-constable@kent", "chief-constable@essex"], ["essex", "kent"]),
        (["npcc-leader@national"], [ALL, *FORMS.forces()]),
        (["fund-holder@national"], [ALL, *FORMS.forces()]),
    ],
)
def test_the_list_of_exports_offers_what_somebody_may_have(
    story: Story, roles: list[str], scopes: list[str]
) -> None:
    person = a_person("somebody", *roles)
    found = exporting.shelves(story.parts, person)
    assert (list(found.scopes), found.scope) == (scopes, scopes[0])
    assert exporting.shelves(story.parts, person, scopes[-1]).scope == scopes[-1]


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("chief-constable@kent", "essex"),
        ("chief-constable@kent", ALL),
        ("npcc-leader@national", "no-such-force"),
        ("npcc-leader@national", "../kent"),
        ("coordinator@kent", ""),
        ("coordinator@kent", "kent"),
        ("innovation-lead@kent", ""),
        ("npcc-leader-deputy@national", ""),
    ],
)
def test_nobody_lists_what_they_may_not_have(story: Story, role: str, scope: str) -> None:
    with pytest.raises(NotFound):
        exporting.shelves(story.parts, a_person("somebody", role), scope)


def test_exports_are_listed_newest_first_by_form_and_twelve_of_each(story: Story) -> None:
    person, parts = a_person("chief", "chief-constable@kent"), story.parts
    for week in range(14):
        start = WEEK.start - timedelta(weeks=week)
        period = Period(start=start, end=start + timedelta(weeks=1))
        parts.now.at = WEEK.end + timedelta(hours=7)  # type: ignore[attr-defined]
        exporting.export(parts, FORM, "kent", period)
        exporting.export(parts, FORM, "essex", period)
    part = Period(start=WEEK.end, end=WEEK.end + timedelta(hours=7))
    exporting.export(parts, "idea", "kent", WEEK)
    exporting.export(parts, "idea", "kent", part)
    claims, ideas = exporting.shelves(parts, person).shelves
    assert (claims.form.id, ideas.form.id) == (FORM, "idea")
    assert [one.start for one in claims.periods] == [WEEK.start - timedelta(weeks=week) for week in range(12)]
    assert ideas.periods == (part, WEEK)


def test_the_list_is_one_look_for_each_form_and_reads_no_file(story: Story) -> None:
    looked: list[str] = []

    class Counting(fakes.MemoryFiles):
        def keys(self, prefix: str) -> Iterator[str]:
            looked.append(prefix)
            return super().keys(prefix)

        def get(self, key: str, *, most: int) -> bytes:
            raise AssertionError("a file was read")

    parts = replace(story.parts, files=Counting())
    exporting.shelves(parts, a_person("leader", "npcc-leader@national"), "kent")
    assert looked == ["exports/funding-claim/kent/", "exports/idea/kent/"]


def test_an_export_without_its_manifest_is_not_finished_and_not_listed(story: Story) -> None:
    story.parts.files.put(f"exports/{FORM}/kent/{WEEK.key}/abc.csv", io.BytesIO(b""), media_type="text/csv")
    (claims, _) = exporting.shelves(story.parts, a_person("chief", "chief-constable@kent")).shelves
    assert claims.periods == ()


def test_a_period_is_named_by_its_days_in_london_or_by_its_moments() -> None:
    summer = Period(
        start=datetime(2027, 6, 6, 23, tzinfo=timezone.utc),
        end=datetime(2027, 6, 13, 23, tzinfo=timezone.utc),
    )
    assert summer.key == "2027-06-07-to-2027-06-13"
    assert summer.words == "Monday 7 to Sunday 13 June 2027"
    assert WEEK.words == "Monday 11 to Sunday 17 January 2027"
    part = Period(start=WEEK.start, end=MONDAY)
    assert part.key == "20270111T000000z-to-20270111T093000z"
    assert part.words == "Monday 11 January 2027, up to 09:30"
    over = Period(
        start=datetime(2026, 12, 28, tzinfo=timezone.utc), end=datetime(2027, 1, 4, tzinfo=timezone.utc)
    )
    assert over.words == "Monday 28 December 2026 to Sunday 3 January 2027"
    for period in (summer, WEEK, part, over):
        assert Period.from_key(period.key) == period
    for key in ("", "2027-01-11", "manifest.json", "2027-01-17-to-2027-01-11"):
        with pytest.raises(ValueError):
            Period.from_key(key)


@dataclass
class Many:
    """So many submissions, each made when it is read; and files that are thrown away."""

    count: int

    def submitted(self, force: str, form: str, **_: Any) -> Iterator[Submission]:
        for number in range(self.count):
            answers = {**FIRST.answers, "event_title": f"The day of idea number {number}"}
            yield replace(FIRST, reference=f"CLM-{number:08d}", answers=answers)

    def next_number(self, form: str, scope: str) -> int:
        return 1

    def put(self, key: str, content: IO[bytes], *, media_type: str) -> None:
        assert content.read(4)

    def put_if_absent(self, key: str, content: bytes, *, media_type: str) -> bool:
        return True

    def get(self, key: str, *, most: int) -> bytes:
        raise NotFound("There is nothing.")


FIRST = a_submission()


def peak_of(count: int) -> int:
    """Bytes of the Python heap at its highest while an export of so many rows is made."""
    many: Any = Many(count)
    parts = fakes.parts(archive=many, files=many, now=fakes.Clock(WEEK.end))
    tracemalloc.start()
    try:
        assert exporting.export(parts, FORM, "kent", WEEK).rows == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows() -> None:
    peak_of(10)  # what is imported once
    few, many = peak_of(1_000), peak_of(20_000)
    assert many < few + 512 * 1024, (few, many)
    assert many < 4 * 1024 * 1024
