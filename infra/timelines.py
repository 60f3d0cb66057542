"""Writes timelines as JSON lines, and checks them against roots without AWS.

    TABLE_NAME=… ROOTS_BUCKET=… python -m infra.timelines export kent > timelines.jsonl
    python -m infra.timelines verify timelines.jsonl --roots FOLDER --key PUBLIC.pem

FOLDER holds the roots, as `aws s3 sync s3://BUCKET/roots FOLDER` fetches them; PUBLIC.pem is the public half of the key
that they are signed with. Lines hold ids, codes and hashes: no answers, and nothing that people wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.records import roots
from chalicelib.domain.records.roots import Root
from chalicelib.domain.records.timeline import GENESIS, Entry
from chalicelib.services.ports import Parts


class CannotVerify(Exception):
    """What is needed cannot be read. The message is one line for the person who asked."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, and all verifies; 1 where something does not; 2 where something is missing."""
    given = _parser().parse_args(arguments)
    try:
        return _export(given.force) if given.command == "export" else _verify(given)
    except CannotVerify as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.timelines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write the timelines of a force")
    export.add_argument("force")
    verify = commands.add_parser("verify", help="check such a file against roots")
    verify.add_argument("file", type=Path)
    verify.add_argument("--roots", type=Path, required=True)
    verify.add_argument("--key", type=Path, required=True)
    return parser


def _export(force: str) -> int:
    from infra.table import parts_of

    names = ("TABLE_NAME", "ROOTS_BUCKET")
    table, bucket = (os.environ.get(name, "") for name in names)
    if not table or not bucket:
        raise CannotVerify(
            "Set TABLE_NAME to the name of the table, and ROOTS_BUCKET to the bucket of the roots."
        )
    for line in lines_of(parts_of(table, roots_bucket=bucket), force):
        print(line)
    return 0


def lines_of(parts: Parts, force: str) -> Iterator[str]:
    """The timelines of a force that the newest root names, whoever signed it: `verify` finds out."""
    names = sorted(parts.roots.keys(roots.FOLDER))
    if not names:
        raise CannotVerify("There is no root yet. One is written each night.")
    newest = roots.read(parts.roots.get(names[-1], most=1 << 30)).root
    for line in newest.lines:
        if line.force == force:
            try:
                case = parts.records.of(force).case(line.reference)
            except NotFound:
                continue  # `verify` misses it
            yield written(force, line.reference, case.entries)


def written(force: str, reference: str, entries: Iterable[Entry]) -> str:
    """A timeline as a line."""
    shown = [
        {**asdict(entry), "at": entry.at.isoformat(), "details": dict(entry.details)} for entry in entries
    ]
    return json.dumps({"force": force, "reference": reference, "entries": shown}, ensure_ascii=False)


def _verify(given: argparse.Namespace) -> int:
    chains = _chains(given.file)
    found = [*_faults_of_the_chains(chains)]
    signed, faults = _roots(given.roots, given.key)
    found += [*faults, *_faults_beside(chains, signed)]
    for fault in found:
        print(fault)
    newest = f", the newest of {signed[-1].at:%d %B %Y}" if signed else ""
    print(f"{len(chains)} timelines, {len(signed)} roots{newest}: {len(found) or 'no'} faults")
    return 1 if found else 0


Chains = Mapping[tuple[str, str], Sequence[Entry]]


def _chains(file: Path) -> Chains:
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
        return {
            (str(one["force"]), str(one["reference"])): [_entry(entry) for entry in one["entries"]]
            for one in lines
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotVerify(f"{file} is no export of timelines: {type(error).__name__}") from None


def _entry(given: Mapping[str, Any]) -> Entry:
    return Entry(**{**given, "at": datetime.fromisoformat(given["at"])})


def _faults_of_the_chains(chains: Chains) -> Iterator[str]:
    for (force, reference), entries in chains.items():
        previous = GENESIS
        for place, entry in enumerate(entries):
            is_right = (entry.sequence, entry.previous, entry.hash) == (
                place,
                previous,
                entry.computed_hash(),
            )
            if not is_right:
                yield f"{reference} of {force}: entry {place} is not as it was written"
                break
            previous = entry.hash


def _roots(folder: Path, key: Path) -> tuple[list[Root], list[str]]:
    """The roots that the key signed, the oldest first; and what is wrong with the others, or between two of them."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from chalicelib.adapters.aws.root_keys import is_signed_by

    try:
        public = load_pem_public_key(key.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotVerify(f"{key} is no public key in PEM: {type(error).__name__}") from None
    ours: list[Root] = []
    faults = []
    for file in sorted(folder.glob("*.json")):
        try:
            signed = roots.read(file.read_bytes())
        except ValueError:
            signed = None
        if signed is None or not is_signed_by(public, signed.root.digest, signed.signature):
            faults.append(f"{file.name} is not signed with this key")
        elif signed.root.name != f"{roots.FOLDER}{file.name}":
            faults.append(f"{file.name} is the root of another day")
        else:
            if ours and signed.root.previous != ours[-1].digest.hex():
                faults.append(f"{file.name} does not go on from {ours[-1].name}: one between them is missing")
            ours.append(signed.root)
    if not ours:
        raise CannotVerify(f"There is no root in {folder} that this key signed.")
    if ours[0].previous != GENESIS:
        faults.append(f"{ours[0].name} is not the first root: older ones are missing")
    return ours, faults


def _faults_beside(chains: Chains, signed: Sequence[Root]) -> Iterator[str]:
    """Every timeline of the forces in the file, beside every root; each fault once, with the first root that has it."""
    forces = {force for force, _ in chains}
    told = set()
    for root in signed:
        for line in root.lines:
            if line.force not in forces or line.place in told:
                continue
            entries = chains.get(line.place)
            if entries is None:
                told.add(line.place)
                yield f"{line.reference} of {line.force} is in {root.name} and missing here"
            elif line.faults(entries):
                told.add(line.place)
                yield f"{line.reference} of {line.force} is not what it was in {root.name}"


if __name__ == "__main__":
    sys.exit(main())
