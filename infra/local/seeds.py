"""Plants what an empty table needs to be tried: people and roles, and a fund; for the embedded run also a token."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.errors import NotSignedIn, Refused
from chalicelib.domain.people.people import Holding, Person
from chalicelib.domain.people.person_changes import COMMAND
from chalicelib.domain.people.tokens import LONGEST_DAYS
from chalicelib.services.people import leaving, tokens
from chalicelib.services.ports import Parts

FORCES = Path(__file__).resolve().parents[2] / "schemas" / "lists" / "forces.json"

DEMONSTRATION = "Demonstration"


class BadSeeds(Exception):
    """The seeds file does not say what it must."""


def plant(parts: Parts, seeds_file: Path, *, bring_back: Collection[str] = ()) -> list[str]:
    """Store what the file says. Again and again is harmless: balances that are there stay as they are, and whoever has
    left stays away, unless their id is in `bring_back`. Returns the ids of those who stay away.

    Raises BadSeeds, naming the file, where it cannot be read.
    """
    seeds = read(seeds_file)
    today, leaving_on = london_day(parts.now()), last_days(seeds)
    here = [one for one in people(seeds) if leaving_on.get(one.id, today) >= today]
    away = DynamoPeople().register(here, bring_back=bring_back)
    for person_id, last_day in leaving_on.items():
        _say_leaving(parts, person_id, last_day)
    for fund in seeds["funds"]:
        caps = {force["code"]: fund["cap_pence"] for force in json.loads(FORCES.read_text(encoding="utf-8"))}
        DynamoFunds().open_fund(fund["id"], name=fund["name"], total_pence=fund["total_pence"], caps=caps)
    return away


def _say_leaving(parts: Parts, person_id: str, last_day: date) -> None:
    """Once, however often the file is planted; somebody who has left is not there any more."""
    person, kept = parts.people.person(person_id), parts.leavings.leaving(person_id)
    is_said = kept is not None and not kept.has_begun and kept.last_day == last_day
    if person is not None and not is_said:
        leaving.say(parts, person, last_day=last_day, reason="By the people file", by=COMMAND)


def read(seeds_file: Path) -> dict[str, Any]:
    """The file's JSON, with the members that `plant` needs."""
    try:
        seeds = json.loads(seeds_file.read_text(encoding="utf-8"))
        people(seeds), last_days(seeds)
        _ = seeds["funds"]
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


def last_days(seeds: dict[str, Any]) -> dict[str, date]:
    """The last days that a seeds file gives, by person."""
    given = {person["id"]: person.get("last_day") for person in seeds["people"]}
    return {person_id: date.fromisoformat(day) for person_id, day in given.items() if day is not None}


def demonstrate(parts: Parts, seeds_file: Path, token_file: Path) -> None:
    """Keep the token of the last run while it is good, or make a new one, in a file for its owner's eyes only.

    For the embedded run alone. Raises BadSeeds where the person under `demo_token` may have no token.
    """
    seeds = read(seeds_file)
    try:
        person = parts.people.person(seeds["demo_token"]["person"])
    except (LookupError, TypeError) as error:
        raise BadSeeds(f"{seeds_file}: demo_token: {type(error).__name__}: {error}") from error
    if token_file.exists() and _is_good(parts, token_file.read_text(encoding="ascii").strip()):
        return
    token_file.unlink(missing_ok=True)
    if person is None:
        return
    for token in tokens.live_tokens(parts, person.id):
        if token.name == DEMONSTRATION:
            tokens.revoke(parts, person.id, token.id, by=None, actor=COMMAND)
    try:
        made = tokens.make(
            parts, person, name=DEMONSTRATION, scopes=("read", "manage"), days=LONGEST_DAYS, by=COMMAND
        )
    except Refused as error:
        raise BadSeeds(f"{seeds_file}: demo_token: {error}") from error
    handle = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(made.secret + "\n")


def _is_good(parts: Parts, secret: str) -> bool:
    try:
        tokens.token_of(parts, secret)
    except NotSignedIn:
        return False
    return True
