"""The rules for the one live pair of code and link that a mailbox has."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.adapters.signing.seals import KeyedSeals
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.intake.references import ALPHABET
from chalicelib.domain.people import pairs
from chalicelib.domain.people.pairs import Pair
from tests.builders import MONDAY

SEALS = KeyedSeals(("k" * 40,))


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


class Mailbox:
    """A mailbox that is asked about, minute by minute."""

    def __init__(self) -> None:
        self.pair = Pair(mailbox=pairs.mailbox_of("ann@example.org"))

    def ask(self, minute: float, *, known: bool = False, submission: str = "") -> bool:
        """Whether a mail goes out."""
        self.pair, is_mailed = pairs.asked(
            self.pair,
            at(minute),
            nonce=f"nonce-{minute}",
            person_id="ann",
            is_known=known,
            submission=submission,
        )
        return is_mailed

    def guess_wrong(self, minute: float, times: int = 1) -> None:
        for _ in range(times):
            length = pairs.LONG if self.pair.is_long else pairs.SHORT
            self.pair = pairs.tried(self.pair, at(minute), length=length)

    def use(self, minute: float) -> None:
        self.pair = pairs.used(self.pair, at(minute))

    def mailed_at(self, minutes: list[int]) -> list[int]:
        return [minute for minute in minutes if self.ask(minute)]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_nothing_is_live_that_was_not_mailed(mailbox: Mailbox) -> None:
    assert not mailbox.pair.is_live(at(0))
    looked_at = pairs.looked_at(mailbox.pair, at(0))
    assert (looked_at.is_live(at(0)), looked_at.version) == (False, 1)
    assert mailbox.ask(0)
    assert mailbox.pair.is_live(at(0))
    assert mailbox.pair.takes_codes(at(0))


def test_a_pair_lives_ten_minutes_after_its_last_mail(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    assert mailbox.pair.is_live(at(9.99))
    assert not mailbox.pair.is_live(at(10))
    mailbox.ask(7)
    assert mailbox.pair.is_live(at(16.99))
    assert not mailbox.pair.is_live(at(17))


def test_an_ask_that_mails_nothing_does_not_lengthen_a_life(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    before = mailbox.pair.lives_until
    assert not mailbox.ask(5)
    assert mailbox.pair.lives_until == before


def test_an_unused_pair_is_mailed_again_every_six_minutes_and_stays_the_same(mailbox: Mailbox) -> None:
    assert mailbox.mailed_at([0, 1, 5, 6, 7, 11, 12]) == [0, 6, 12]
    assert mailbox.pair.nonce == "nonce-0"


def test_after_thirty_minutes_another_one_is_mailed(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    assert mailbox.ask(29)
    assert mailbox.pair.nonce == "nonce-0"
    assert mailbox.ask(35)
    assert mailbox.pair.nonce == "nonce-35"


def test_after_a_use_another_one_is_mailed_at_once(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    mailbox.use(1)
    assert not mailbox.pair.is_live(at(1))
    assert mailbox.ask(1)
    assert mailbox.pair.nonce == "nonce-1"
    assert mailbox.pair.is_live(at(1))


def test_ten_mails_go_out_in_an_hour_at_most(mailbox: Mailbox) -> None:
    for minute in range(10):
        assert mailbox.ask(minute)
        mailbox.use(minute)
    assert not mailbox.ask(10)
    assert not mailbox.pair.is_live(at(10))
    assert not mailbox.ask(59.9)
    assert mailbox.ask(60)


def test_after_five_unused_mails_one_goes_out_every_thirty_minutes_and_lives_forty(mailbox: Mailbox) -> None:
    minutes = list(range(0, 181))
    assert mailbox.mailed_at(minutes) == [0, 6, 12, 18, 24, 54, 84, 114, 144, 174]
    assert mailbox.pair.is_live(at(213.9))
    assert not mailbox.pair.is_live(at(214))


def test_whoever_asks_at_any_time_has_a_live_pair_in_their_mailbox(mailbox: Mailbox) -> None:
    """A stranger asks every minute for a day; the longest wait of all is none."""
    for minute in range(24 * 60):
        mailbox.ask(minute)
        assert mailbox.pair.takes_codes(at(minute)), minute


def test_a_browser_that_proved_this_mailbox_is_not_held_up_by_what_strangers_asked(mailbox: Mailbox) -> None:
    mailbox.mailed_at([0, 6, 12, 18, 24])
    assert not mailbox.ask(30)
    assert mailbox.ask(30, known=True)
    assert not mailbox.ask(31, known=True)


def test_a_use_ends_the_row_of_unused_mails(mailbox: Mailbox) -> None:
    mailbox.mailed_at([0, 6, 12, 18, 24])
    mailbox.use(25)
    assert mailbox.mailed_at([25, 31]) == [25, 31]


def test_after_twenty_wrong_guesses_the_code_ends_and_its_link_does_not(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    mailbox.guess_wrong(1, times=19)
    assert mailbox.pair.takes_codes(at(1))
    mailbox.guess_wrong(1)
    assert not mailbox.pair.takes_codes(at(1))
    assert mailbox.pair.is_live(at(1))
    link = SEALS.link(mailbox.pair)
    assert mailbox.ask(1), "the first mail with a code that nobody guesses goes out at once"
    assert mailbox.pair.is_long
    assert mailbox.pair.takes_codes(at(1))
    assert SEALS.link(mailbox.pair) == link
    assert not mailbox.ask(2), "the next one does not"


def test_codes_stay_long_until_the_wrong_guesses_are_ninety_days_old(mailbox: Mailbox) -> None:
    day = 24 * 60
    mailbox.ask(0)
    mailbox.guess_wrong(1, times=20)
    mailbox.ask(89 * day)
    assert mailbox.pair.is_long
    mailbox.ask(91 * day)
    assert not mailbox.pair.is_long


def test_guesses_at_a_code_of_ten_characters_end_nothing(mailbox: Mailbox) -> None:
    mailbox.ask(0)
    mailbox.guess_wrong(1, times=20)
    mailbox.ask(1)
    mailbox.guess_wrong(2, times=500)
    assert mailbox.pair.takes_codes(at(2))
    assert len(mailbox.pair.wrong) == pairs.WRONG_GUESSES, "what is stored is bounded"


def test_a_guess_that_could_not_have_been_right_does_not_count(mailbox: Mailbox) -> None:
    mailbox.guess_wrong(0, times=30)
    assert mailbox.pair.wrong == ()
    mailbox.ask(0)
    mailbox.pair = pairs.tried(mailbox.pair, at(1), length=pairs.LONG)
    assert mailbox.pair.wrong == ()
    mailbox.guess_wrong(11, times=30)
    assert mailbox.pair.wrong == (), "the pair was dead by then"
    assert mailbox.pair.version == 62


def test_a_code_proves_the_submissions_that_it_was_asked_for_each_once(mailbox: Mailbox) -> None:
    mailbox.ask(0, submission="kent.CLM-1")
    mailbox.ask(1, submission="kent.CLM-2")
    assert mailbox.pair.asked_for == ("kent.CLM-1", "kent.CLM-2")
    mailbox.pair = pairs.proving(mailbox.pair, at(2), "kent.CLM-1")
    assert mailbox.pair.asked_for == ("kent.CLM-2",)
    assert mailbox.pair.is_live(at(2)), "a proof on a status page ends no pair"
    assert mailbox.ask(3, submission="kent.CLM-1"), "to prove it again takes another one, mailed at once"
    assert mailbox.pair.nonce == "nonce-3"
    assert mailbox.pair.asked_for == ("kent.CLM-1",)


def test_after_it_proved_a_submission_whoever_wants_to_sign_in_is_mailed_another_at_once(
    mailbox: Mailbox,
) -> None:
    mailbox.ask(0, submission="kent.CLM-1")
    assert not mailbox.ask(1), "it is in their mailbox, and unused"
    mailbox.pair = pairs.proving(mailbox.pair, at(2), "kent.CLM-1")
    before = mailbox.pair.nonce
    assert mailbox.ask(3)
    assert mailbox.pair.nonce != before
    assert not mailbox.ask(4)


def test_the_first_submissions_of_an_hour_wait_for_no_pause_but_keep_to_ten_mails(mailbox: Mailbox) -> None:
    def send(minute: float) -> bool:
        mailbox.pair, is_mailed = pairs.asked(
            mailbox.pair, at(minute), nonce="n", submission=f"kent.{minute}", at_once=True
        )
        return is_mailed

    assert [send(minute) for minute in range(12)] == [True] * 10 + [False] * 2
    assert len(mailbox.pair.asked_for) == 12


def test_how_many_submissions_a_pair_proves_is_bounded(mailbox: Mailbox) -> None:
    for number in range(50):
        mailbox.ask(number / 100, submission=f"kent.CLM-{number}")
    assert len(mailbox.pair.asked_for) == pairs.MOST_SUBMISSIONS


def test_a_pair_is_forgotten_when_its_wrong_guesses_are(mailbox: Mailbox) -> None:
    assert mailbox.pair.forgotten_at is None
    mailbox.ask(0)
    assert mailbox.pair.forgotten_at == at(24 * 60)
    mailbox.guess_wrong(1)
    assert mailbox.pair.forgotten_at == at(1) + timedelta(days=90)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("048213", "048213"),
        (" 048 213\n", "048213"),
        ("048-213", "048213"),
        ("048\u2013213", "048213"),
        ("7k3f-9qxn-dh", "7K3F9QXNDH"),
        ("7K3F 9QXN DH", "7K3F9QXNDH"),
        ("2346792346", "2346792346"),
    ],
)
def test_a_code_is_read_in_any_case_with_blanks_and_dashes(typed: str, code: str) -> None:
    assert pairs.read_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "²²²²²²", "12_345", "AAAAAAAAAA", "1" * 5000, "-" * 6],
)
def test_what_is_no_code_is_told(typed: str) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        pairs.read_code(typed)
    assert [(one.pointer, one.message) for one in caught.value.problems] == [
        ("/code", "Enter the code from the email: 6 numbers, or 10 letters and numbers")
    ]


def test_a_mailbox_is_the_exact_address_case_aside() -> None:
    same = {pairs.mailbox_of(one) for one in ("Ann@Example.org", " ann@example.org ", "ANN@EXAMPLE.ORG")}
    assert len(same) == 1
    for other in ("ann+x@example.org", "a.nn@example.org", "ann@example.com"):
        assert pairs.mailbox_of(other) not in same


# What the keys make of a pair


@pytest.fixture
def pair(mailbox: Mailbox) -> Pair:
    mailbox.ask(0)
    return mailbox.pair


def test_code_and_link_are_derived_so_that_the_same_can_be_mailed_again(pair: Pair) -> None:
    again = KeyedSeals(("k" * 40,))
    assert SEALS.code(pair) == again.code(pair)
    assert SEALS.link(pair) == again.link(pair)
    assert len(SEALS.link(pair)) == 43, "256 bits"


def test_another_nonce_mailbox_or_key_has_another_code_and_link(pair: Pair) -> None:
    others = [
        (SEALS, replace(pair, nonce="another")),
        (SEALS, replace(pair, mailbox=pairs.mailbox_of("bob@example.org"))),
        (KeyedSeals(("q" * 40,)), pair),
    ]
    assert len({seals.link(one) for seals, one in others} | {SEALS.link(pair)}) == 4
    assert not [one for seals, one in others if seals.is_link(one, SEALS.link(pair))]


def test_a_code_has_six_digits_and_a_long_one_ten_characters_of_references() -> None:
    for number in range(200):
        short = SEALS.code(Pair(mailbox="m", nonce=f"n{number}"))
        assert (len(short), short.isdigit()) == (6, True)
        long = SEALS.code(Pair(mailbox="m", nonce=f"n{number}", is_long=True))
        assert len(long) == 10
        assert set(long) <= set(ALPHABET)


def test_codes_are_spread_over_all_there_are() -> None:
    firsts = [SEALS.code(Pair(mailbox="m", nonce=f"n{number}")) for number in range(2000)]
    assert len(set(firsts)) > 1990
    for place in range(6):
        counts = [sum(code[place] == digit for code in firsts) for digit in "0123456789"]
        assert min(counts) > 130
        assert max(counts) < 270


def test_after_a_change_of_key_what_is_in_the_mail_still_works(pair: Pair) -> None:
    changed = KeyedSeals(("n" * 40, "k" * 40))
    assert changed.is_code(pair, SEALS.code(pair))
    assert changed.is_link(pair, SEALS.link(pair))
    assert changed.link(pair) != SEALS.link(pair)
    assert not KeyedSeals(("n" * 40,)).is_link(pair, SEALS.link(pair))


def test_a_pair_that_was_never_mailed_has_no_link() -> None:
    nothing = Pair(mailbox="m")
    assert not SEALS.is_link(nothing, SEALS.link(nothing))


def test_a_cookie_of_one_kind_is_none_of_another_and_a_changed_one_is_none() -> None:
    sealed = SEALS.cookie("asked", [["m", 1, ""]])
    assert SEALS.read_cookie("asked", sealed) == [["m", 1, ""]]
    assert SEALS.read_cookie("proved", sealed) == []
    for bad in (sealed[:-1], "x" + sealed, "", "é", "\udcff", "a.b.c"):
        assert SEALS.read_cookie("asked", bad) == []
    assert KeyedSeals(("n" * 40,)).read_cookie("asked", sealed) == []
