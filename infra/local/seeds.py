"""Plants what an empty table needs to be tried: people and roles, a fund, a token for the staff API."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from chalicelib.adapters.accounts import DynamoAccounts
from chalicelib.adapters.funds import DynamoFunds
from chalicelib.adapters.people import DynamoPeople
from chalicelib.domain.accounts import digest
from chalicelib.domain.people import Holding, Person

FORCES = Path(__file__).resolve().parents[2] / "schemas" / "forces.json"


class BadSeeds(Exception):
    """The seeds file does not say what it must."""


def plant(seeds_file: Path, demo_token_file: Path) -> None:
    """Store what the file says. Again and again is harmless: balances that are there stay as they are.

    Raises BadSeeds, naming the file, where it cannot be read.
    """
    seeds = read(seeds_file)
    DynamoPeople().register(people(seeds))
    for fund in seeds["funds"]:
        caps = {force["code"]: fund["cap_pence"] for force in json.loads(FORCES.read_text(encoding="utf-8"))}
        DynamoFunds().open_fund(fund["id"], name=fund["name"], total_pence=fund["total_pence"], caps=caps)
    DynamoAccounts().add_token(digest(_demo_token(demo_token_file)), seeds["demo_token"]["person"])


def read(seeds_file: Path) -> dict[str, Any]:
    """The file's JSON, with the members that `plant` needs."""
    try:
        seeds = json.loads(seeds_file.read_text(encoding="utf-8"))
        people(seeds)
        _ = seeds["funds"], seeds["demo_token"]["person"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadSeeds(f"{seeds_file}: {type(error).__name__}: {error}") from error
    return dict(seeds)


def people(seeds: dict[str, Any]) -> list[Person]:
    """The people of a seeds file."""
    return [
        Person(
            id=person["id"],
            name=person["name"],
            address=person["address"],
            roles=tuple(Holding(role=held["role"], at=held["at"]) for held in person["roles"]),
        )
        for person in seeds["people"]
    ]


def _demo_token(file: Path) -> str:
    """The token of the last run, or a new one; for its owner's eyes only."""
    if file.exists():
        return file.read_text(encoding="ascii").strip()
    token = secrets.token_urlsafe(32)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(token + "\n")
    return token
