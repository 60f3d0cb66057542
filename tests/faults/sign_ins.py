"""Paths of the sweep on which somebody signs in: a mail once, nothing live that was not mailed, one session at most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.signing.seals import KeyedSeals
from chalicelib.domain.people.pairs import Pair, mailbox_of
from tests.builders import a_person
from tests.faults.proxy import Rule
from tests.faults.stage import SIGNING_KEY, Outcome

if TYPE_CHECKING:
    from tests.faults.paths import Tale

SEALS = KeyedSeals((SIGNING_KEY,))


def registered(tale: Tale) -> None:
    """Somebody of this tale is known, and nobody has asked for a code."""
    DynamoPeople().register([a_person(_person(tale), address=_address(tale))])


def asked(tale: Tale) -> None:
    """A code was asked for and mailed."""
    registered(tale)
    tale.cookie = _cookie(do_ask(tale), "asked")
    tale.stage.do("sweep", later=120)


def do_ask(tale: Tale, rule: Rule | None = None) -> Outcome:
    """Type the address at /sign-in."""
    outcome = tale.stage.do("post_page", rule, path="/sign-in", fields={"address": _address(tale)})
    tale.acknowledged = tale.acknowledged or outcome.status == 303
    return outcome


def do_type(tale: Tale, rule: Rule | None = None) -> Outcome:
    """Type the code that was mailed."""
    fields = {"code": SEALS.code(_pair(tale))}
    outcome = tale.stage.do("post_page", rule, path="/sign-in/code", fields=fields, cookie=tale.cookie)
    tale.acknowledged = outcome.status == 303
    return outcome


def check_asked(tale: Tale, *, twice: bool) -> None:
    """One mail where it was acknowledged, one at most where it was not; what is live is what was mailed."""
    mails = tale.stage.mailed("mail.sign-in-code.", to=_address(tale))
    tale.expect(len(mails) <= 1, f"{len(mails)} codes were mailed within six minutes")
    tale.expect(bool(mails) or not tale.acknowledged, "acknowledged and not mailed")
    tale.expect(bool(mails) == bool(_pair(tale).nonce), "live without a mail, or mailed and not live")


def check_typed(tale: Tale, *, twice: bool) -> None:
    """A session where the code was used, and nowhere else; and whoever lost the answer can ask again at once."""
    sessions = DynamoAccounts().sessions(_person(tale), now=tale.stage.now())
    is_used = _pair(tale).used_at is not None
    tale.expect(len(sessions) == int(is_used), f"{len(sessions)} sessions, used: {is_used}")
    tale.expect(is_used or not tale.acknowledged, "acknowledged and lost")
    told = tale.stage.mailed("mail.new-browser.", to=_address(tale))
    tale.expect(len(told) == len(sessions), f"{len(told)} mails about {len(sessions)} sessions")
    if is_used:
        do_ask(tale)
        tale.finish()
        tale.expect(
            len(tale.stage.mailed("mail.sign-in-code.", to=_address(tale))) == 2, "no new code after a use"
        )


def _person(tale: Tale) -> str:
    return f"signs-in-{tale.number}"


def _address(tale: Tale) -> str:
    return f"signs.in.{tale.number}@example.police.uk"


def _pair(tale: Tale) -> Pair:
    (pair,) = DynamoAccounts().pairs([mailbox_of(_address(tale))])
    return pair


def _cookie(outcome: Outcome, name: str) -> str:
    (found,) = re.findall(rf"{name}=[^;]+", " ".join(outcome.result["cookies"]))
    return str(found)
