"""Tables of 1,000 to 100,000 submissions with all that belongs to them, in one dynoxide.

What is filled once is kept in the user's cache, by a hash of how it is stored: filling the largest takes minutes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.lives import lives
from bench.rows import balance_rows, rows_of, total
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.indexes import DueIndex, EverywhereIndex, ListedIndex, PublicIndex
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.money.fund import Held
from chalicelib.domain.people.people import Person
from infra.local import dynoxide, seeds
from infra.local.options import SEEDS

WORKERS = 2
_INDEXES = (DueIndex, ListedIndex, EverywhereIndex, PublicIndex)
_SAMPLE = 60
"""So many submissions tell whether they would be stored today as they were."""


def the_people() -> list[Person]:
    """Those of the demonstration: the staff of all forces, and the national team."""
    return seeds.people(seeds.read(SEEDS))


def export(folder: Path, count: int) -> int:
    """Write what DynamoDB would export of a table with so many submissions, as files of one line for each item.
    Returns the number of items."""
    folder.mkdir(parents=True)
    shares = [(folder, count, part) for part in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(_export_part, shares))
    by_force = {
        force: total(moved[force] for _, moved in done if force in moved) for force in FormFiles().forces()
    }
    return write_items(folder / "fund.json.gz", balance_rows(by_force)) + sum(written for written, _ in done)


def create(table: str) -> None:
    """The table, without a stream: nobody reads it here, and dynoxide never trims its records. Leaves the product's
    tables connected to it."""
    tables.connect(table)
    view = tables.Row.Meta.stream_view_type
    del tables.Row.Meta.stream_view_type
    try:
        tables.create_table()
    finally:
        tables.Row.Meta.stream_view_type = view


def _export_part(given: tuple[Path, int, int]) -> tuple[int, dict[str, Held]]:
    """One worker's share. Returns the number of items, and what was moved of each force's money."""
    folder, count, part = given
    moved: dict[str, Held] = {}

    def rows() -> Iterator[Row]:
        for life in lives(count, the_people(), part=part, of=WORKERS):
            force = life.case.submission.force
            for move in life.movements:
                moved[force] = moved.get(force, Held()).moved(move.kind, move.amount_pence)
            yield from rows_of(life)

    return write_items(folder / f"part-{part}.json.gz", rows()), moved


def write_items(file: Path, rows: Iterable[Row]) -> int:
    """As DynamoDB exports items; how many there were."""
    written = 0
    with gzip.open(file, "wt", compresslevel=1, encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps({"Item": row.serialize()}, separators=(",", ":")) + "\n")
            written += 1
    return written


@contextmanager
def filled(counts: Sequence[int]) -> Iterator[str]:
    """A dynoxide with a table of each size, called `submissions-<count>`; yields its address. The file is a copy of
    the kept one: whatever is written to it is gone afterwards."""
    kept = _cache() / f"filled-{_made_with()}-{'-'.join(map(str, counts))}.db"
    if not kept.exists():
        _make(kept, counts)
    else:
        _say(f"tables as they were filled before: {kept}")
    used = kept.with_name(f"used-{os.getpid()}.db")
    shutil.copyfile(kept, used)
    try:
        with dynoxide.running_dynoxide(used) as url:
            os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
            yield url
    finally:
        for file in used.parent.glob(f"{used.name}*"):
            file.unlink()


def name_of(count: int) -> str:
    """The table with so many submissions."""
    return f"submissions-{count}"


def _make(kept: Path, counts: Sequence[int]) -> None:
    """dynoxide imports what DynamoDB exports some ten times faster than it takes single writes."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as made:
        folder = Path(made)
        for count in counts:
            began = time.monotonic()
            items = export(folder / "tables" / name_of(count) / "data", count)
            _say(f"{count:,} submissions, {items:,} items, made in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        names = [name_of(count) for count in counts]
        database = import_tables(folder, names)
        _register(database, names)
        _say(f"imported in {time.monotonic() - began:.0f} s")
        database.rename(kept)
    for old in kept.parent.glob("filled-*"):
        if old.name.split("-")[1] != kept.name.split("-")[1]:  # made with what has changed since
            old.unlink()


def import_tables(folder: Path, names: Sequence[str]) -> Path:
    """A dynoxide's file with these tables, of the items in `folder/tables/<name>/data`."""
    schema, database = folder / "schema.json", folder / "filled.db"
    with dynoxide.running_dynoxide() as url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        schema.write_text(json.dumps([_described(name) for name in names], default=str))
    command: list[str | Path] = [
        dynoxide.binary(),
        "import",
        "--source",
        folder / "tables",
        "--schema",
        schema,
    ]
    subprocess.run([*command, "--output", database], check=True, capture_output=True)
    return database


def _register(database: Path, names: Sequence[str]) -> None:
    """The people, in each table."""
    with dynoxide.running_dynoxide(database) as url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        for name in names:
            tables.connect(name)
            DynamoPeople().register(the_people())
    _checkpoint(database)


def _described(table: str) -> Any:
    create(table)
    return tables.shared_connection().client.describe_table(TableName=table)


def _say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def _checkpoint(file: Path) -> None:
    """All of it into the one file."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "share-your-knowledge-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _made_with() -> str:
    """A hash of what a few submissions are stored as, and of the indexes: whatever the code looks like, a table made
    then is a table as it would be made now."""
    made = lives(_SAMPLE, the_people())
    items = [row.serialize() for life in made for row in rows_of(life)]
    indexes = [(one.Meta.index_name, one.Meta.projection.non_key_attributes) for one in _INDEXES]
    told = json.dumps([items, indexes], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
