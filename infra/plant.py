"""Registers people and opens funds in a deployed table.

    TABLE_NAME=… python -m infra.plant people.json [--remove-missing] [--bring-back ID …]

The file is like infra/local/seeds.json; a person may have a "last_day", such as "2027-03-31". Doing it again is
harmless. It makes no bearer token: see infra/tokens.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.upgrade import bring_up_to_date
from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.people.person_changes import COMMAND
from chalicelib.services.people import leaving
from chalicelib.services.ports import Parts
from infra.local import seeds
from infra.table import parts_of


def main(arguments: Sequence[str] | None = None) -> int:
    """0 planted, 1 somebody could not be removed, 2 where something is missing."""
    given = _parser().parse_args(arguments)
    table = os.environ.get("TABLE_NAME")
    if not table:
        sys.stderr.write("Set TABLE_NAME to the name of the table.\n")
        return 2
    parts = parts_of(table)
    bring_up_to_date()
    try:
        away = seeds.plant(parts, given.file, bring_back=given.bring_back)
        in_file = {person.id for person in seeds.people(seeds.read(given.file))}
    except seeds.BadSeeds as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if away:
        print("In the file, but they have left, so they stay away (--bring-back):", *away)
    missing = sorted(DynamoPeople().all_ids() - in_file)
    if missing and not given.remove_missing:
        print("In the table and not in the file; they keep their roles (--remove-missing):", *missing)
        return 0
    return _remove(parts, missing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.plant",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--remove-missing", action="store_true", help="whoever is not in the file leaves today"
    )
    parser.add_argument(
        "--bring-back", nargs="+", default=[], metavar="ID", help="register them though they left"
    )
    return parser


def _remove(parts: Parts, person_ids: Collection[str]) -> int:
    """Their roles and tokens end now; the schedule hands their tasks on. The last holder of a role stays."""
    status = 0
    for person_id in person_ids:
        person = parts.people.person(person_id)
        if person is None:
            continue
        try:
            leaving.say(
                parts,
                person,
                last_day=london_day(parts.now()),
                reason="No longer in the people file",
                by=COMMAND,
                at_once=True,
            )
        except InvalidAnswers as error:
            sys.stderr.write(f"{person_id} stays: {error.problems[0].message}.\n")
            status = 1
        else:
            print(f"{person_id} has left.")
    return status


if __name__ == "__main__":
    sys.exit(main())
