"""One live pair of code and link for each mailbox: what asking for it does, and what a guess does.

The rules alone: they take the pair as it is stored and give the pair to store next. Code and link are derived from
the pair's `nonce` (ports.Seals), so that the same pair can be mailed again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.intake.references import ALPHABET
from chalicelib.domain.values import value

LIFE = timedelta(minutes=10)
PAUSE = timedelta(minutes=6)
"""Between two mails. Shorter than LIFE: whoever asks while nothing is mailed has a live pair in their mailbox."""

REPLACED_AFTER = timedelta(minutes=30)
MAILS_AN_HOUR = 10
UNUSED_MAILS = 5
"""So many mails in a row that nobody used are no longer somebody signing in."""

LONG_PAUSE = timedelta(minutes=30)
LONG_LIFE = timedelta(minutes=40)
"""Longer than LONG_PAUSE, for the reason that LIFE is longer than PAUSE."""

WRONG_GUESSES = 20
REMEMBERED = timedelta(days=90)
"""150 people, four times twenty guesses a year at one of a million codes: a chance of about 1.2 % a year."""

SHORT = 6
"""Digits of a code."""

LONG = 10
"""Characters of a code once digits could be guessed: 23**10, forty million million."""

MOST_SUBMISSIONS = 20
"""That one pair may prove."""

AT_ONCE = 3
"""Submissions of an hour whose mail waits for no pause. Later ones share a mail."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_IGNORED = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_SHAPE = "Enter the code from the email: 6 numbers, or 10 letters and numbers"


@value
class Pair:
    """The pair of a mailbox, and what became of earlier ones. `mailbox` is as `mailbox_of` has it.

    `is_long`: the code has ten characters. `mails`: when something was mailed within the last hour. `unused`: mails
    in a row that nobody used. `wrong`: when wrong guesses were made, the last twenty. `asked_for`: submissions
    (`force.reference`) that the code proves on their status pages; `proved`: those that it has proved. `person_id`:
    whom the pair signs in, empty where nobody is registered with the mailbox. `sent`: when submissions came from this
    mailbox, or another spelling of it, within the last hour and without proof. `version` counts the changes; 0 is a
    mailbox that nobody has asked about.
    """

    mailbox: str
    nonce: str = ""
    is_long: bool = False
    first_mailed_at: datetime | None = None
    last_mailed_at: datetime | None = None
    lives_until: datetime | None = None
    used_at: datetime | None = None
    mails: tuple[datetime, ...] = ()
    unused: int = 0
    wrong: tuple[datetime, ...] = ()
    asked_for: tuple[str, ...] = ()
    proved: tuple[str, ...] = ()
    person_id: str = ""
    sent: tuple[datetime, ...] = ()
    version: int = 0
    changed_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the link can be used."""
        return self.lives_until is not None and self.used_at is None and now < self.lives_until

    @property
    def forgotten_at(self) -> datetime | None:
        """When nothing of it matters any more."""
        if self.changed_at is None:
            return None
        return max([self.changed_at + _DAY, *(at + REMEMBERED for at in self.wrong)])

    def takes_codes(self, now: datetime) -> bool:
        """Whether the code can be typed: it ends with too many wrong guesses, and the link does not."""
        return self.is_live(now) and (self.is_long or not _guessed_at(self.wrong, now))


def mailbox_of(address: str) -> str:
    """What stands for a mailbox: a digest of the exact address, case aside. 128 bits tell all mailboxes apart."""
    exact = unicodedata.normalize("NFKC", address.strip()).casefold()
    return hashlib.sha256(f"mailbox:{exact}".encode()).hexdigest()[:32]


def submission_name(force: str, reference: str) -> str:
    """What a pair calls a submission that its code proves."""
    return f"{force}.{reference}"


def looked_at(pair: Pair, now: datetime) -> Pair:
    """The pair after something that changes nothing of it, such as an ask for an address that nobody has."""
    return replace(pair, version=pair.version + 1, changed_at=now)


def asked(
    pair: Pair,
    now: datetime,
    *,
    nonce: str,
    person_id: str = "",
    submission: str = "",
    is_known: bool = False,
    at_once: bool = False,
) -> tuple[Pair, bool]:
    """The pair once somebody has asked for it, and whether it is to be mailed now.

    `nonce` is that of a new pair, where it takes one. `submission` is what the code is to prove on its status page.
    `is_known`: whoever asks has proved this mailbox in this browser before. `at_once`: no pause is kept.
    """
    is_new = _is_over(pair, now)
    pair = replace(looked_at(pair, now), person_id=person_id or pair.person_id)
    mails = tuple(at for at in pair.mails if at > now - _HOUR)
    if len(mails) >= MAILS_AN_HOUR or not (
        at_once or _is_due_at_once(pair, now) or _may_mail(pair, now, is_known)
    ):
        return _with_submission(pair, submission), False
    unused = pair.unused + 1
    life = LONG_LIFE if unused >= UNUSED_MAILS else LIFE
    if is_new:
        pair = replace(
            pair,
            nonce=nonce,
            is_long=False,
            first_mailed_at=now,
            lives_until=None,
            used_at=None,
            asked_for=(),
            proved=(),
        )
    mailed = replace(
        pair,
        is_long=pair.is_long or _guessed_at(pair.wrong, now),
        last_mailed_at=now,
        lives_until=max(pair.lives_until or now, now + life),
        mails=(*mails, now),
        unused=unused,
    )
    return _with_submission(mailed, submission), True


def sent_lately(pair: Pair, now: datetime) -> tuple[datetime, ...]:
    """When submissions came without proof, within the last hour."""
    return tuple(at for at in pair.sent if at > now - _HOUR)


def put_off(pair: Pair, now: datetime, submission: str) -> Pair:
    """The pair once it is to prove a submission, without a mail: that one comes later."""
    return _with_submission(looked_at(pair, now), submission)


def sending(pair: Pair, now: datetime, *, most: int) -> Pair:
    """The same pair, with one more submission that came without proof. So many are remembered `most`."""
    return replace(pair, sent=(*sent_lately(pair, now), now)[-max(most, AT_ONCE) :])


def letting_go(pair: Pair, submission: str) -> Pair:
    """The same pair, whose code does not prove this submission any more."""
    return replace(pair, asked_for=tuple(one for one in pair.asked_for if one != submission))


def pause_ends(pair: Pair, now: datetime) -> datetime:
    """When the pair may be mailed again."""
    pause = LONG_PAUSE if pair.unused >= UNUSED_MAILS else PAUSE
    return max(now, (pair.last_mailed_at or now) + pause)


def is_ended_by_guesses(pair: Pair, now: datetime) -> bool:
    """Whether its code would still be taken, had nobody guessed at it so often."""
    return pair.is_live(now) and not pair.takes_codes(now)


def begins_long(before: Pair, after: Pair, now: datetime) -> bool:
    """Whether the guess between the two was one too many: from now on its codes are long."""
    return _guessed_at(after.wrong, now) and not _guessed_at(before.wrong, now)


def tried(pair: Pair, now: datetime, *, length: int) -> Pair:
    """The pair after a wrong guess of so many characters. It counts where it could have been right."""
    next_one = looked_at(pair, now)
    if not pair.takes_codes(now) or length != (LONG if pair.is_long else SHORT):
        return next_one
    recent = [at for at in pair.wrong if at > now - REMEMBERED]
    return replace(next_one, wrong=(*recent, now)[-WRONG_GUESSES:])


def used(pair: Pair, now: datetime) -> Pair:
    """The pair after it signed somebody in: it works once."""
    return replace(looked_at(pair, now), used_at=now, unused=0)


def proving(pair: Pair, now: datetime, *submissions: str) -> Pair:
    """The pair after it proved submissions: each once, and it signs in as before."""
    left = tuple(one for one in pair.asked_for if one not in submissions)
    proved = (*pair.proved, *submissions)[-MOST_SUBMISSIONS:]
    return replace(looked_at(pair, now), asked_for=left, proved=proved, unused=0)


def read_code(typed: str) -> str:
    """The code, whatever its case, blanks and dashes. Raises InvalidAnswers for what has no code's shape."""
    code = _IGNORED.sub("", typed).upper() if len(typed) <= 100 else ""
    is_short = len(code) == SHORT and code.isascii() and code.isdigit()
    is_long = len(code) == LONG and all(character in ALPHABET for character in code)
    if not is_short and not is_long:
        raise InvalidAnswers([Problem(pointer="/code", code="wrong", message=_SHAPE)])
    return code


def code_of(number: int, *, is_long: bool) -> str:
    """The code that a large random number stands for."""
    characters, count = (ALPHABET, LONG) if is_long else ("0123456789", SHORT)
    drawn = []
    for _ in range(count):
        number, place = divmod(number, len(characters))
        drawn.append(characters[place])
    return "".join(drawn)


def _may_mail(pair: Pair, now: datetime, is_known: bool) -> bool:
    if pair.last_mailed_at is None:
        return True
    is_slow = pair.unused >= UNUSED_MAILS and not is_known
    return now >= pair.last_mailed_at + (LONG_PAUSE if is_slow else PAUSE)


def _is_due_at_once(pair: Pair, now: datetime) -> bool:
    """Whether nobody need wait: the last pair was used, or its code was guessed at too often."""
    return _is_used(pair) or (_guessed_at(pair.wrong, now) and not pair.is_long)


def _is_over(pair: Pair, now: datetime) -> bool:
    """Whether the next mail holds another pair."""
    return pair.first_mailed_at is None or _is_used(pair) or now >= pair.first_mailed_at + REPLACED_AFTER


def _is_used(pair: Pair) -> bool:
    """Used anywhere: what proved a submission still signs in, but whoever asks next is mailed another."""
    return pair.used_at is not None or bool(pair.proved)


def _with_submission(pair: Pair, submission: str) -> Pair:
    if not submission or submission in (*pair.asked_for, *pair.proved):
        return pair
    return replace(pair, asked_for=(*pair.asked_for, submission)[-MOST_SUBMISSIONS:])


def _guessed_at(wrong: tuple[datetime, ...], now: datetime) -> bool:
    return len([at for at in wrong if at > now - REMEMBERED]) >= WRONG_GUESSES
