"""What a browser carries between its visits, and what it is called."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.domain.people import browsers
from chalicelib.domain.people.browsers import ASK_LIFE, Carried
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.web.http.requests import Request
from tests.builders import MONDAY

ANN, BOB = mailbox_of("ann@example.org"), mailbox_of("bob@example.org")


def test_what_is_written_is_read_again_until_it_is_too_old() -> None:
    carried = [Carried(mailbox=ANN, at=MONDAY, after="/away"), Carried(mailbox=BOB, at=MONDAY)]
    content = browsers.written(carried)
    assert browsers.read(content, MONDAY, life=ASK_LIFE) == carried
    assert browsers.read(content, MONDAY + ASK_LIFE, life=ASK_LIFE) == []


def test_what_another_release_wrote_is_passed_over() -> None:
    mine = [ANN, int(MONDAY.timestamp()), ""]
    others: list[Any] = [[], [ANN], [ANN, 1, "", "more"], "abc", None, [1, 2, 3], [ANN, "x", ""]]
    assert browsers.read([*others, mine], MONDAY, life=ASK_LIFE) == [Carried(mailbox=ANN, at=MONDAY)]


def test_the_newest_comes_first_each_mailbox_once_and_five_at_most() -> None:
    carried: list[Carried] = []
    for minute, name in enumerate(["ann", "bob", "ann", "cy", "di", "ed", "flo"]):
        one = Carried(mailbox=mailbox_of(f"{name}@example.org"), at=MONDAY + timedelta(minutes=minute))
        carried = browsers.carrying(carried, one)
    names = ["flo", "ed", "di", "cy", "ann"]
    assert [one.mailbox for one in carried] == [mailbox_of(f"{name}@example.org") for name in names]
    assert browsers.without(carried, carried[0].mailbox) == carried[1:]


def test_a_long_way_back_is_left_out_so_that_the_cookie_stays_small() -> None:
    (one,) = browsers.carrying([], Carried(mailbox=ANN, at=MONDAY, after="/" + "x" * 300))
    assert one.after == ""


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", "Chrome on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/17.0 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.0", "an unknown browser"),
        ("<script> Windows", "a browser on Windows"),
        ("", "an unknown browser"),
    ],
)
def test_a_browser_is_named_in_words_its_user_knows(user_agent: str, words: str) -> None:
    assert browsers.words(user_agent) == words


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
        ("somewhere", ""),
        (None, ""),
    ],
)
def test_a_source_is_an_address_and_of_ipv6_its_network(given: str | None, source: str) -> None:
    raw: Any = SimpleNamespace(context={"identity": {"sourceIp": given}})
    parts: Any = None
    assert Request(raw, parts).source == source


def test_what_a_browser_sent_comes_back_for_a_week_the_newest_first() -> None:
    sent: list[browsers.Sent] = []
    for number in range(browsers.MOST_SENT + 1):
        sent = browsers.sending(sent, browsers.Sent(mailbox=ANN, name=f"kent.CLM-{number}", at=MONDAY))
    assert [one.name for one in sent][:2] == ["kent.CLM-8", "kent.CLM-7"]
    assert len(sent) == browsers.MOST_SENT
    content = browsers.written_sent(sent)
    assert browsers.read_sent(content, MONDAY) == sent
    assert browsers.read_sent(content, MONDAY + browsers.SENT_LIFE) == []
    assert browsers.read_sent([["of", "another release"], 7], MONDAY) == []


def test_a_proof_lasts_a_working_day_and_on_ones_own_device_ninety_days() -> None:
    shared = Carried(mailbox=ANN, at=MONDAY)
    own = Carried(mailbox=ANN, at=MONDAY, is_own=True)
    for one, life in ((shared, browsers.PROOF_LASTS), (own, browsers.PROOF_LIFE)):
        (read,) = browsers.read(browsers.written([one]), MONDAY, life=browsers.PROOF_LIFE)
        assert read == one
        assert read.proves(MONDAY + life * 0.99)
        assert not read.proves(MONDAY + life)
