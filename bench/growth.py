"""The same pages of a service that took 1,000, 10,000 and 100,000 submissions, of which 500 are open in each.

The real application is asked in this process, in turns, of three tables in one dynoxide. The milliseconds are on the
clock, the store's included. Beside them stands what does not depend on a machine: the calls to AWS, and the items that
DynamoDB reads for them, which is what it charges for and what takes it time. A query of DynamoDB costs what its page
holds, however large the table is.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from chalice.test import Client

from app import app
from bench.environment import ENVIRONMENT
from bench.figures import Figure, Goal
from bench.filling import filled, name_of, the_people
from bench.lives import UNTIL, lives
from bench.rows import FUND
from chalicelib import wiring
from chalicelib.adapters.dynamodb import counts, tables
from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.domain.people.accounts import new_session, session_secret
from chalicelib.settings import Settings

PART = "growth"
SIZES = (1_000, 10_000, 100_000)
QUICK_SIZES = (1_000, 10_000)
RUNS, QUICK_RUNS = 21, 7
SELDOM = 5
GOAL = Goal(limit=1.2, of_ratio=True)

NATIONAL, FORCE = "national-coordinator", "coordinator-metropolitan"
"""Who asks: somebody who sees all forces, and a coordinator of the largest."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A page that is asked for: `paths` are made for each table, and asked for in turn. `is_anew`: after what the
    service keeps of what it counted was removed, as for whoever comes when it is five minutes old. That grows with
    what is counted, and has no goal; it is asked less often."""

    name: str
    by: str
    paths: Callable[[Asker], Sequence[str]]
    is_anew: bool = False


@dataclass
class Spent:
    """What answers cost: milliseconds, calls to AWS, and items that were read for them."""

    milliseconds: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)


def measure(quick: bool) -> Iterator[Figure]:
    """The largest table against the smallest; those between have no goal."""
    sizes = QUICK_SIZES if quick else SIZES
    with asking(sizes) as askers:
        spent = _spend(askers, QUICK_RUNS if quick else RUNS)
    for question in QUESTIONS:
        goal = None if question.is_anew else GOAL
        yield from _figures(question.name, [spent[question.name, size] for size in sizes], sizes, goal)


def _figures(name: str, spent: Sequence[Spent], sizes: Sequence[int], goal: Goal | None) -> Iterator[Figure]:
    first, floor_name = spent[0], f"with {sizes[0]:,}"
    for place in range(1, len(sizes)):
        is_largest = place == len(sizes) - 1
        yield Figure(
            part=PART,
            name=f"{name}, with {sizes[place]:,} submissions",
            unit="ms",
            runs=spent[place].milliseconds,
            floor=first.milliseconds,
            floor_name=floor_name,
            goal=goal if is_largest else None,
        )
    for what, words in _COUNTED.items():
        yield Figure(
            part=PART,
            name=f"{name}, with {sizes[-1]:,} submissions: {words}",
            unit=what,
            runs=getattr(spent[-1], what),
            floor=getattr(first, what),
            floor_name=floor_name,
        )


_COUNTED = {"calls": "calls to AWS", "items": "items read"}


def _spend(askers: Mapping[int, Asker], runs: int) -> dict[tuple[str, int], Spent]:
    """Every question of every table in turns, in another order each time. The first round warms up."""
    questions = {question.name: question for question in QUESTIONS}
    spent = {(name, size): Spent() for name in questions for size in askers}
    paths = {(name, size): questions[name].paths(askers[size]) for name, size in spent}
    chance = random.Random(1)
    for run in range(-1, runs):
        for name, size in chance.sample(sorted(spent), len(spent)):
            question, asker = questions[name], askers[size]
            if question.is_anew:
                if run % SELDOM:
                    continue
                asker.forget_counts()
            ways = paths[name, size]
            took, calls, items = asker.cost(question.by, ways[run % len(ways)])
            if run >= 0:
                spent[name, size].milliseconds.append(took)
                spent[name, size].calls.append(calls)
                spent[name, size].items.append(items)
    return spent


class Asker:
    """The application with one of the tables. Whoever asks is signed in, and it is UNTIL."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        tables.connect(table)
        self._connection = tables.Row._get_connection()
        self._calls = self._items = 0
        events = self._connection.connection.client.meta.events
        events.register("after-call.dynamodb", self._note)
        self._sign_in()

    def cost(self, by: str, path: str) -> tuple[float, int, int]:
        """Milliseconds, calls and items."""
        self._connect()
        self._calls = self._items = 0
        began = time.perf_counter()
        answer = self._ask(by, path)
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.body[:300]!r}")
        return took * 1000, self._calls, self._items

    def json(self, by: str, path: str) -> Any:
        """What the API answers."""
        self._connect()
        return json.loads(self._ask(by, path).body)

    def forget_counts(self) -> None:
        """Remove the figures of the map that are kept."""
        self._connect()
        counts.CountedItem(*counts.PLACE).delete()

    def _ask(self, by: str, path: str) -> Any:
        headers = {"cookie": f"session={_secret(by)}"} if by else {}
        return self._client.http.request("GET", path, headers=headers, body=b"")

    def _connect(self) -> None:
        tables.Row.Meta.table_name = self._table
        tables.Row._connection = self._connection

    def _sign_in(self) -> None:
        """A session for each of the two who ask."""
        for person in (NATIONAL, FORCE):
            DynamoAccounts().add_session(new_session(_secret(person), person, csrf="csrf", now=UNTIL))

    def _note(self, parsed: Mapping[str, Any], **_: Any) -> None:
        self._calls += 1
        batch = sum(map(len, parsed.get("Responses", {}).values()))
        self._items += parsed.get("ScannedCount", 0) + batch + ("Item" in parsed)


def _secret(person: str) -> str:
    return session_secret("secret", person)


@contextmanager
def asking(sizes: Sequence[int]) -> Iterator[dict[int, Asker]]:
    """The application over tables of these sizes."""
    os.environ.update(ENVIRONMENT)
    with ExitStack() as stack:
        stack.enter_context(filled(sizes))
        parts = wiring.build(Settings.from_env(os.environ))
        wiring.use(replace(parts, now=lambda: UNTIL))
        client = stack.enter_context(Client(app))
        yield {size: Asker(client, name_of(size)) for size in sizes}


def _always(path: str) -> Callable[[Asker], Sequence[str]]:
    return lambda _: [path]


def _list(**wanted: str) -> Callable[[Asker], Sequence[str]]:
    return _always(f"/api/v1/submissions?{urlencode(wanted)}")


def _fifth_page(asker: Asker) -> Sequence[str]:
    path = "/api/v1/submissions?form=funding-claim"
    cursor = ""
    for _ in range(4):
        cursor = asker.json(NATIONAL, f"{path}&cursor={cursor}" if cursor else path)["next"]
    return [f"{path}&cursor={cursor}"]


def _references(asker: Asker, **wanted: str) -> list[str]:
    found = asker.json(NATIONAL, f"/api/v1/submissions?{urlencode({**wanted, 'limit': '100'})}")
    return [one["reference"] for one in found["submissions"]][:5]


def _claim(path: str) -> Callable[[Asker], Sequence[str]]:
    """Of the first submission, which is the same in each table."""

    def paths(_: Asker) -> Sequence[str]:
        first = next(lives(SIZES[0], the_people()))
        return [path.format(reference=first.case.submission.reference)]

    return paths


QUESTIONS = (
    Question(name="list, first page", by=NATIONAL, paths=_always("/api/v1/submissions")),
    Question(name="list, fifth page", by=NATIONAL, paths=_fifth_page),
    Question(name="list, approved claims", by=NATIONAL, paths=_list(form="funding-claim", status="approved")),
    Question(name="list, overdue", by=NATIONAL, paths=_list(overdue="true")),
    Question(name="list of a force, first page", by=FORCE, paths=_always("/api/v1/submissions")),
    Question(name="list as a page", by=NATIONAL, paths=_always("/desk/submissions")),
    Question(name="board, national", by=NATIONAL, paths=_always("/desk")),
    Question(name="board of a force", by=FORCE, paths=_always("/desk")),
    Question(name="fund", by=NATIONAL, paths=_always(f"/api/v1/funds/{FUND}")),
    Question(name="map", by="", paths=_always("/map")),
    Question(name="map, counted anew", by="", paths=_always("/map"), is_anew=True),
    Question(name="ideas, first page", by="", paths=_always("/ideas")),
    # Of 1,000 submissions, some 240 are public ideas: a page of ten looks at as many in each table.
    Question(
        name="ideas of a force, ten a page",
        by="",
        paths=_always("/api/v1/ideas?force=metropolitan&limit=10"),
    ),
    Question(
        name="ideas of a category, ten a page",
        by="",
        paths=_always("/api/v1/ideas?category=custody&limit=10"),
    ),
    Question(name="search by words", by=NATIONAL, paths=_list(q="rural crime")),
    Question(name="search by reference", by=NATIONAL, paths=_claim("/api/v1/submissions?q={reference}")),
    Question(name="a claim's page", by=NATIONAL, paths=_claim("/desk/submissions/{reference}")),
    Question(
        name="an idea's page",
        by="",
        paths=lambda asker: [f"/ideas/{one}" for one in _references(asker, form="idea", status="noted")],
    ),
)
