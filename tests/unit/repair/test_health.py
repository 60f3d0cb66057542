"""Whoever asks how the service is makes few calls to AWS."""

from __future__ import annotations

import pytest

from chalicelib.services.ports import Parts
from chalicelib.services.repair import health
from tests import fakes
from tests.fakes import Clock


class Counted:
    """A mail system that counts how often it is asked, and may be down."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    def check(self) -> None:
        """Whether it answers."""
        self.asked += 1
        if self.is_down:
            raise ConnectionError("somebody@example.org")


@pytest.fixture
def mail() -> Counted:
    return Counted()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(mail: Counted, clock: Clock) -> Parts:
    return fakes.parts(mailer=mail, now=clock)


def test_within_ten_seconds_nothing_is_asked_again(parts: Parts, mail: Counted, clock: Clock) -> None:
    found = health.lately(parts)
    mail.is_down = True
    clock.pass_by(seconds=9)
    assert health.lately(parts) == found
    assert mail.asked == 1


def test_after_ten_seconds_it_is_found_anew_well_or_not(parts: Parts, mail: Counted, clock: Clock) -> None:
    for is_down in (False, True, False):
        mail.is_down = is_down
        assert health.lately(parts).is_well is not is_down
        clock.pass_by(seconds=10)
    assert mail.asked == 3


def test_a_clock_that_is_set_back_keeps_nothing_for_long(parts: Parts, mail: Counted, clock: Clock) -> None:
    health.lately(parts)
    clock.pass_by(hours=-1)
    health.lately(parts)
    assert mail.asked == 2


def test_a_look_asks_every_time_and_says_the_kind_of_error_alone(parts: Parts, mail: Counted) -> None:
    health.lately(parts)
    mail.is_down = True
    assert health.look(parts).lines["mail"] == "fails: ConnectionError"
    assert health.look(parts).lines["database"] == health.OK
    assert mail.asked == 3


def test_what_other_parts_found_says_nothing_of_these(parts: Parts, mail: Counted) -> None:
    mail.is_down = True
    assert not health.lately(parts).is_well
    assert health.lately(fakes.parts(mailer=Counted())).is_well
