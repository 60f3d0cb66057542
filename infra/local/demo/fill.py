"""Fills a table with the story: `python -m infra.local.demo.fill`, in the environment of the run's other processes.

It needs DynamoDB's address and two places on disk, so any DynamoDB can be filled.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from chalicelib import wiring
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.records import DynamoRecords
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings
from infra.local import dynoxide, processes, seeds, short_way
from infra.local.demo.stand_ins import (
    Clock,
    FolderFiles,
    JournalMailer,
    LateStarts,
    Machines,
    secrets,
)
from infra.local.demo.story import Script, Story
from infra.local.mailbox import Journal

UNDO = timedelta(minutes=10)
DIGEST_WEEKS = 13
_YEAR = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where mail and files go. The table is the environment's."""

    mail: Path
    files: Path


def fill(
    place: Place,
    script: Script,
    *,
    seed: int,
    now: datetime,
    settings: Settings,
    on_month: Callable[[str], None] = lambda month: None,
) -> Parts:
    """Tell the script into the table, whose people and funds are planted. Returns the parts that it was told on."""
    clock, machines, outbox = Clock(now - _YEAR), Machines(), LateStarts(until=now)
    journal = Journal(place.mail)
    mailer = JournalMailer(journal, clock, sender=settings.mail_from, reply_to=settings.mail_reply_to)
    parts = wiring.build(settings)
    parts = replace(
        parts,
        outbox=outbox,
        records=DynamoRecords(relay_grace=timedelta(0), macs=parts.macs),
        now=clock,
        undo_for=UNDO,
        workflows=machines,
        mailer=mailer,
        files=FolderFiles(place.files, settings.exports_bucket),
        new_secret=secrets(Random(f"{seed} salts")),
    )
    Story(parts, clock, mailer, machines, seed=seed, on_month=on_month).tell(script, now)
    outbox.finish(lambda start: _is_still_needed(parts, start))
    return parts


def _is_still_needed(parts: Parts, start: Delivery) -> bool:
    one = parts.records.of(start.force).case(start.reference).submission
    return one.is_open and start.id == deliveries.start_id(one.reference, one.round)


def main() -> int:
    """Fill; 1 where that fails, the reason being in the log."""
    given = _arguments()
    logging.basicConfig(
        filename=given.log, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    processes.end_with_supervisor()
    try:
        settings = Settings.from_env(os.environ)
        short_way.connect(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
        tables.connect(settings.table_name)
        tables.create_table()
        parts = wiring.build(settings)
        seeds.plant(parts, given.seeds)
        seeds.demonstrate(parts, given.seeds, given.demo_token)
        place = Place(mail=given.mail, files=given.files)
        script = Script.read(digest_weeks=0 if given.lives else DIGEST_WEEKS, most=given.lives)

        def on_month(month: str) -> None:
            print(f"  {month}", flush=True)
            if given.database is not None:
                dynoxide.tend_stream_records(given.database)

        fill(place, script, seed=given.seed, now=wiring.now(), settings=settings, on_month=on_month)
    except Exception:
        logging.exception("the filling failed")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mail", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--demo-token", type=Path, required=True)
    parser.add_argument("--seeds", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--database", type=Path, help="dynoxide's file, where it is dynoxide that is filled")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lives", type=int, default=0, help="only so many claims and ideas; 0: all")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
