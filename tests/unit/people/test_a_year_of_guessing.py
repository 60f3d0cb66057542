"""A year in which a stranger who knows every address guesses whenever a guess can count, and genuine people sign in.

Over the real services, in memory, with a clock of its own. Codes have three digits here, so that there is something to
count: with six, each guess is a thousand times less likely to be right. `make test` plays a part of the year for some
people; `make prove` plays it for 150, and 1,000 genuine sign-ins.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from chalicelib.domain.delivery.deliveries import Kind
from chalicelib.domain.errors import Gone, InvalidAnswers, NotAskedHere
from chalicelib.domain.people import pairs
from chalicelib.services.changes import AddDelivery, Change
from chalicelib.services.people import signing_in
from tests import fakes
from tests.builders import MONDAY, a_person

WHOLE = bool(os.environ.get("PROVE"))
PEOPLE = 150 if WHOLE else 30
GENUINE = 1000 if WHOLE else 100
SEEDS = range(1, 6 if WHOLE else 2)
DIGITS, REAL_DIGITS = 3, 6
YEAR = timedelta(days=365)
ATTEMPTS = 60
"""How often the stranger tries in each of their attacks on somebody: three times what can count."""

MOST_CHANCE = 0.02
MOST_ASKS, MOST_MINUTES = 2, 12


class Doors(Protocol):
    """A way to sign in."""

    now: fakes.Clock

    def ask(self, address: str) -> Any:
        """Ask in a new browser; what it keeps."""

    def can_count(self, browser: Any) -> bool:
        """Whether a guess in this browser could be right."""

    def enter(self, browser: Any, code: str) -> bool:
        """Whether this code signs in."""

    def press(self, browser: Any, link: str) -> bool:
        """Whether this link signs in."""

    def newest(self, address: str) -> tuple[str, str]:
        """Code and link of the newest mail in the mailbox."""


class _Posted(fakes.MemoryRecords):
    """Keeps the newest mail of each mailbox."""

    newest: dict[str, tuple[str, str]]

    def commit(self, changes: Sequence[Change]) -> None:
        super().commit(changes)
        for one in changes:
            if isinstance(one, AddDelivery) and one.delivery.kind is Kind.MAIL:
                payload = one.delivery.payload
                if payload["template"] == "sign-in-code":
                    link = payload["values"]["sign_in_url"].rpartition("/")[2]
                    self.newest[payload["to"]] = (payload["values"]["code"], link)


class Ours:
    """What the product does."""

    def __init__(self, addresses: Sequence[str]) -> None:
        store = fakes.Store()
        self.now = fakes.Clock(MONDAY)
        self._records = _Posted(store)
        self._records.newest = {}
        self.parts = fakes.parts(store, records=self._records, now=self.now)
        people: Any = self.parts.people
        people.register([a_person(f"person-{number}", address=one) for number, one in enumerate(addresses)])

    def ask(self, address: str) -> str:
        return signing_in.ask_code(self.parts, address)

    def can_count(self, browser: str) -> bool:
        (pair,) = self.parts.accounts.pairs([browser])
        return pair.takes_codes(self.now()) and not pair.is_long

    def enter(self, browser: str, code: str) -> bool:
        try:
            signing_in.enter_code(self.parts, browser, code)
        except InvalidAnswers:
            return False
        return True

    def press(self, browser: str, link: str) -> bool:
        try:
            signing_in.press_link(self.parts, link, [browser])
        except (Gone, NotAskedHere):
            return False
        return True

    def newest(self, address: str) -> tuple[str, str]:
        return self._records.newest.get(address, ("", ""))


@dataclass
class _SignIn:
    """A sign-in of the mechanism of before."""

    code: str
    until: datetime
    tries: int = 5


class Before:
    """The mechanism of before: each ask makes a sign-in with a code and five tries of its own, mailed or not; ten mails
    an hour."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.now = fakes.Clock(MONDAY)
        self._random = random.Random(1)
        self._mailed: dict[tuple[str, int], int] = {}
        self._newest: dict[str, tuple[str, str]] = {}

    def ask(self, address: str) -> _SignIn:
        made = _SignIn(f"{self._random.randrange(10**DIGITS):0{DIGITS}d}", self.now() + timedelta(minutes=10))
        hour = (address, int(self.now().timestamp()) // 3600)
        self._mailed[hour] = self._mailed.get(hour, 0) + 1
        if self._mailed[hour] <= 10:
            self._newest[address] = (made.code, "")
        return made

    def can_count(self, browser: _SignIn) -> bool:
        return browser.tries > 0 and self.now() < browser.until

    def enter(self, browser: _SignIn, code: str) -> bool:
        can_count = self.can_count(browser)
        browser.tries -= 1
        if can_count and code == browser.code:
            browser.tries = 0
            return True
        return False

    def press(self, browser: _SignIn, link: str) -> bool:
        return self.enter(browser, self._newest_code(browser))

    def newest(self, address: str) -> tuple[str, str]:
        return self._newest.get(address, ("", ""))

    def _newest_code(self, browser: _SignIn) -> str:
        return next((code for code, _ in self._newest.values() if code == browser.code), "")


@dataclass
class Told:
    """What came of it."""

    guesses: int = 0
    sessions: int = 0
    genuine: int = 0
    failed: int = 0
    slowest: timedelta = field(default=timedelta(0))

    @property
    def measured(self) -> float:
        """The chance of a session in the year, with codes of six digits."""
        return self.sessions / 10 ** (REAL_DIGITS - DIGITS)

    @property
    def formula(self) -> float:
        """The same, from the guesses that could be right."""
        return 1 - (1 - 10.0**-REAL_DIGITS) ** self.guesses


@dataclass
class Year:
    """The stranger, and those who sign in meanwhile."""

    doors: Doors
    addresses: Sequence[str]
    chance: random.Random
    told: Told = field(default_factory=Told)

    def play(self, *, genuine: int) -> Told:
        """Attacks as often as twenty guesses are forgotten, and genuine sign-ins in between, in the order of time."""
        attacks = int(YEAR / pairs.REMEMBERED) + 1
        happenings: list[tuple[float, str, str]] = []
        for address in self.addresses:
            start = self.chance.random()
            happenings += [(start + 90.01 * number, "attack", address) for number in range(attacks)]
        for _ in range(genuine):
            happenings.append((1 + 360 * self.chance.random(), "genuine", self.chance.choice(self.addresses)))
        for day, what, address in sorted(happenings):
            self.doors.now.at = max(self.doors.now.at, MONDAY + timedelta(days=day))
            if what == "attack":
                self._guess_all(address)
            else:
                self._sign_in(address)
        return self.told

    def _guess_all(self, address: str) -> None:
        """Ask and guess, no code twice where it is still the same."""
        codes = iter(self.chance.sample(range(10**DIGITS), ATTEMPTS))
        browser = self.doors.ask(address)
        for code in codes:
            if not self.doors.can_count(browser):
                browser = self.doors.ask(address)
            self.told.guesses += self.doors.can_count(browser)
            self.told.sessions += self.doors.enter(browser, f"{code:0{DIGITS}d}")

    def _sign_in(self, address: str) -> None:
        """Somebody signs in while the stranger has asked for hours, and asks and guesses on."""
        self.told.genuine += 1
        for _ in range(self.chance.randrange(40)):
            self.doors.now.pass_by(minutes=self.chance.choice((0.1, 1, 5.9, 6.1, 29)))
            self.doors.ask(address)
        self.doors.now.pass_by(minutes=7 * self.chance.random())
        began = self.doors.now()
        is_in = False
        for _ in range(MOST_ASKS):
            is_in = is_in or self._ask_and_use_the_newest_mail(address)
        took = self.doors.now() - began
        self.told.slowest = max(self.told.slowest, took)
        self.told.failed += not is_in or took > timedelta(minutes=MOST_MINUTES)

    def _ask_and_use_the_newest_mail(self, address: str) -> bool:
        """Whether it signs in. Where a newer mail came in while they typed, they use that one, as the page says."""
        browser = self.doors.ask(address)
        on_this_device = self.chance.random() < 0.5
        tried = ("", "")
        while True:
            self.doors.now.pass_by(seconds=5 + 120 * self.chance.random())
            code, link = self.doors.newest(address)
            if (code, link) == tried:
                return False
            tried = (code, link)
            self._disturb(address)
            self.doors.now.pass_by(seconds=5 + 60 * self.chance.random())
            if self.doors.press(browser, link) if on_this_device else self.doors.enter(browser, code):
                return True

    def _disturb(self, address: str) -> None:
        """Between reading the mail and typing the code: what counts of these guesses is of the year's budget, too."""
        browser = self.doors.ask(address)
        if self.chance.random() < 0.3:
            for code in self.chance.sample(range(10**DIGITS), 20):
                self.told.guesses += self.doors.can_count(browser)
                self.told.sessions += self.doors.enter(browser, f"{code:0{DIGITS}d}")


def played(doors: type[Any], seed: int) -> Told:
    addresses = [f"person.{number}@example.police.uk" for number in range(PEOPLE)]
    return Year(doors(addresses), addresses, random.Random(seed)).play(genuine=GENUINE)


@pytest.fixture
def three_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "SHORT", DIGITS)


@pytest.mark.slow
@pytest.mark.usefixtures("three_digits")
def test_a_year_of_guessing_lets_nobody_in_and_locks_nobody_out(capsys: pytest.CaptureFixture[str]) -> None:
    years = [played(Ours, seed) for seed in SEEDS]
    of_all = 150 / PEOPLE
    measured = of_all * sum(one.measured for one in years) / len(years)
    formula = of_all * sum(one.formula for one in years) / len(years)
    with capsys.disabled():
        print(
            f"\na year of guessing, {PEOPLE} people, {len(years)} times: {years[0].guesses} guesses counted a year;"
            f" for 150 people, chance of a session {measured:.2%} measured, {formula:.2%} by the formula;"
            f" {sum(one.genuine - one.failed for one in years)} of {sum(one.genuine for one in years)} genuine"
            f" sign-ins, the slowest in {max(one.slowest for one in years)}"
        )
    assert sum(one.sessions for one in years), (
        "with three digits some guesses are right: the stranger is not blind"
    )
    assert formula <= MOST_CHANCE
    assert measured <= MOST_CHANCE
    assert [one.failed for one in years] == [0] * len(years)


@pytest.mark.slow
def test_the_mechanism_of_before_fails_the_same_year(capsys: pytest.CaptureFixture[str]) -> None:
    year = played(Before, 0)
    with capsys.disabled():
        print(
            f"\nbefore: {year.guesses} guesses counted, {year.sessions} sessions with three digits;"
            f" {year.genuine - year.failed} of {year.genuine} genuine sign-ins"
        )
    assert year.formula * 150 / PEOPLE > MOST_CHANCE
    assert year.failed > year.genuine / 10
