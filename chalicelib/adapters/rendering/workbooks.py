"""Tables as CSV and as XLSX, written row by row: memory does not grow with them.

XlsxWriter is imported when the first export is made.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

from chalicelib.domain.forms.cells import Cell, ColumnKind
from chalicelib.domain.reports.exports import LONDON, Column, harmless, plain
from chalicelib.services.ports import Written

if TYPE_CHECKING:
    from xlsxwriter import Workbook

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_575
"""What a sheet holds below its headings."""

_CHUNK = 64 * 1024
_WIDTHS = {
    ColumnKind.TEXT: 28,
    ColumnKind.WHOLE: 12,
    ColumnKind.MONEY: 14,
    ColumnKind.DAY: 12,
    ColumnKind.MOMENT: 18,
}
_FORMATS: dict[ColumnKind, dict[str, Any]] = {
    ColumnKind.TEXT: {"num_format": "@", "text_wrap": True},  # a long title is read whole
    ColumnKind.WHOLE: {"num_format": "#,##0"},
    ColumnKind.MONEY: {"num_format": "£#,##0.00"},
    ColumnKind.DAY: {"num_format": "d mmm yyyy"},
    ColumnKind.MOMENT: {"num_format": "d mmm yyyy hh:mm"},
}


class Workbooks:
    """Writes a table to temporary files."""

    @contextmanager
    def written(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, title: str, at: datetime
    ) -> Iterator[list[Written]]:
        """The CSV and the workbook, open for reading until the block ends. `rows` is read once."""
        with ExitStack() as stack:
            plain_file = stack.enter_context(tempfile.TemporaryFile())
            sheet_file = stack.enter_context(tempfile.TemporaryFile())
            with _csv(plain_file) as lines, _sheet(sheet_file, columns, title, at) as add_row:
                lines.writerow([harmless(plain(column.heading)) for column in columns])
                for cells in rows:
                    lines.writerow([_as_text(cell, column) for cell, column in zip(cells, columns)])
                    add_row(cells)
            yield [_written("csv", CSV_TYPE, plain_file), _written("xlsx", XLSX_TYPE, sheet_file)]


@contextmanager
def _csv(file: IO[bytes]) -> Iterator[Any]:
    """RFC 4180 with CRLF, and the mark by which Excel knows UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=False)
    yield csv.writer(text, lineterminator="\r\n")
    text.flush()
    text.detach()


def _as_text(cell: Cell, column: Column) -> str:
    if cell is None:
        return ""
    if column.kind is ColumnKind.MONEY and isinstance(cell, int):
        sign, pence = ("-" if cell < 0 else ""), abs(cell)
        return f"{sign}{pence // 100}.{pence % 100:02d}"
    if isinstance(cell, datetime):
        return f"{cell.astimezone(LONDON):%Y-%m-%d %H:%M}"
    if isinstance(cell, date):
        return cell.isoformat()
    return harmless(plain(cell)) if isinstance(cell, str) else str(cell)


@contextmanager
def _sheet(file: IO[bytes], columns: Sequence[Column], title: str, at: datetime) -> Iterator[Any]:
    from xlsxwriter import Workbook

    with tempfile.TemporaryDirectory() as folder:
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False}
        # With no strings turned into anything, what is written as text stays text.
        book = Workbook(file, {**options, "strings_to_urls": False, "strings_to_numbers": False})
        book.set_properties({"title": title, "created": at.replace(tzinfo=None)})
        add_row = _headed(book, columns)
        try:
            yield add_row
        finally:
            book.close()


def _headed(book: Workbook, columns: Sequence[Column]) -> Any:
    """A sheet with its headings; returns what adds a row to it."""
    sheet = book.add_worksheet("Submissions")
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    formats = [book.add_format({**_FORMATS[column.kind], "valign": "top"}) for column in columns]
    for number, column in enumerate(columns):
        sheet.set_column(number, number, max(_WIDTHS[column.kind], len(column.heading) + 2))
        sheet.write_string(0, number, plain(column.heading), bold)
    sheet.freeze_panes(1, 0)
    written = 0

    def add_row(cells: Sequence[Cell]) -> None:
        nonlocal written
        written += 1
        if written > MOST_ROWS:
            raise ValueError("more rows than a sheet holds")
        for number, (cell, column) in enumerate(zip(cells, columns)):
            _write(sheet, written, number, cell, column, formats[number])

    return add_row


def _write(sheet: Any, line: int, number: int, cell: Cell, column: Column, form: Any) -> None:
    """One typed cell. Text goes in as text whatever it begins with."""
    if cell is None:
        sheet.write_blank(line, number, None, form)
    elif isinstance(cell, datetime):
        sheet.write_datetime(line, number, cell.astimezone(LONDON).replace(tzinfo=None, microsecond=0), form)
    elif isinstance(cell, date):
        sheet.write_datetime(line, number, cell, form)
    elif isinstance(cell, int):
        sheet.write_number(line, number, cell / 100 if column.kind is ColumnKind.MONEY else cell, form)
    else:
        sheet.write_string(line, number, plain(cell), form)


def _written(name: str, media_type: str, file: IO[bytes]) -> Written:
    file.flush()
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return Written(name=name, media_type=media_type, sha256=digest.hexdigest(), size=size, content=file)
