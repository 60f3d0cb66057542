"""What the services need from outside to write tables and to keep files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.domain.forms.cells import Cell
    from chalicelib.domain.reports.exports import Column


@value
class Written:
    """A file that was written, open at its beginning. `sha256` in hexadecimal digits, `size` in bytes."""

    name: str
    media_type: str
    sha256: str
    size: int
    content: IO[bytes]


class Workbooks(Protocol):
    """Writes tables for spreadsheets."""

    def written(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, title: str, at: datetime
    ) -> AbstractContextManager[list[Written]]:
        """The table in each format, named after it (`csv`, `xlsx`), until the block ends. Rows are read once, one
        at a time. No cell is a formula, whatever it begins with. Raises ValueError beyond 1,048,575 rows."""


class Files(Protocol):
    """What is kept for people to fetch. Files are removed after some weeks."""

    def put(self, key: str, content: IO[bytes], *, media_type: str) -> None:
        """Store a file in place of what is there."""

    def put_if_absent(self, key: str, content: bytes, *, media_type: str) -> bool:
        """Store it; False where there is one already, or somebody else is storing one."""

    def get(self, key: str, *, most: int) -> bytes:
        """A file of up to `most` bytes. Raises NotFound, or TooLarge for a larger one."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in no order that means anything."""

    def address(self, key: str, *, called: str, media_type: str, seconds: int) -> str:
        """Where whoever has the address can fetch the file for so long, under this name. Asks nobody whether there
        is one."""
