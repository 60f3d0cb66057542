"""Paths of the sweep on which a submission waits for its code: its address is mended, it is disowned, or it lapses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.domain.people import browsers
from chalicelib.domain.people.accounts import claimant_of, new_session, session_secret
from chalicelib.domain.people.pairs import Pair, mailbox_of, submission_name
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.records.timeline import faults
from tests.faults.proxy import Rule
from tests.faults.sign_ins import SEALS
from tests.faults.stage import Outcome

if TYPE_CHECKING:
    from tests.faults.paths import Tale

EIGHT_DAYS = 8 * 24 * 3600
CSRF = "csrf"


def mailed(tale: Tale) -> None:
    """It waits, and its code is mailed."""
    tale.unconfirmed()
    tale.finish()


def typed(tale: Tale) -> None:
    """Somebody has typed its code on the status page."""
    mailed(tale)
    holder = claimant_of("kent", tale.reference)
    secret = session_secret(f"of-{tale.number}", holder)
    DynamoAccounts().add_session(new_session(secret, holder, csrf=CSRF, now=tale.stage.now()))
    tale.cookie = f"claimant={secret}"


def do_mend(tale: Tale, rule: Rule | None = None) -> Outcome:
    """Put the address right, in the browser that sent it."""
    name = submission_name("kent", tale.reference)
    sent = browsers.Sent(mailbox=mailbox_of(tale.address), name=name, at=tale.stage.now())
    cookie = f"sent={SEALS.cookie('sent', browsers.written_sent([sent]))}"
    path = f"/forms/{tale.form}/sent/{_token(tale)}"
    outcome = tale.stage.do("post_page", rule, path=path, fields={"address": _right(tale)}, cookie=cookie)
    tale.acknowledged = outcome.status == 303
    return outcome


def do_disown(tale: Tale, rule: Rule | None = None) -> Outcome:
    """Say that one did not send it."""
    fields = {"csrf": CSRF, "answer": "not-mine"}
    path = f"/status/{_token(tale)}/confirm"
    outcome = tale.stage.do("post_page", rule, path=path, fields=fields, cookie=tale.cookie)
    tale.acknowledged = outcome.status == 303
    return outcome


def do_lapse(tale: Tale, rule: Rule | None = None) -> Outcome:
    """What the schedule does about this one after a week. The others of the sweep keep waiting."""
    outcome = tale.stage.do("follow_up_one", rule, reference=tale.reference, later=EIGHT_DAYS)
    tale.acknowledged = bool(outcome.result)
    return outcome


def check_mended(tale: Tale, *, twice: bool) -> None:
    """The address is the right one where that was acknowledged, and one of the two where it was not. The code of that
    mailbox, mailed once, is the one that confirms it."""
    case = tale.case()
    mends = [entry for entry in case.entries if entry.action == "address-mended"]
    tale.expect(len(mends) <= 1, f"mended {len(mends)} times")
    tale.expect(bool(mends) or not tale.acknowledged, "acknowledged and lost")
    address = _right(tale) if mends else tale.address
    tale.expect(case.personal["claimant_email"] == address, "address and timeline disagree")
    told = tale.stage.mailed("mail.confirm.", to=_right(tale))
    tale.expect(len(told) == len(mends), f"{len(told)} codes were mailed to the right address")
    left = DynamoAccounts().sessions(claimant_of("kent", tale.reference), now=tale.stage.now())
    tale.expect(not (mends and left), "whoever typed the old code acts for the new address")
    name = submission_name("kent", tale.reference)
    holders = [one for one in (tale.address, _right(tale)) if name in _pair(one).asked_for]
    tale.expect(holders == [address], f"the codes of {holders} confirm it")
    confirmed = tale.stage.do("confirm", path=tale.confirm_path, code=SEALS.code(_pair(address)))
    tale.expect(confirmed.status == 200, f"its code is answered {confirmed.status}")
    tale.finish()
    tale.check_submitted(twice=False)


def check_disowned(tale: Tale, *, twice: bool) -> None:
    """Ended where it was acknowledged."""
    _check_ended(tale, Status.WITHDRAWN, "disowned")


def check_lapsed(tale: Tale, *, twice: bool) -> None:
    """Ended after the next run of the schedule, if not before."""
    do_lapse(tale)
    _check_ended(tale, Status.LAPSED, "lapsed")


def _check_ended(tale: Tale, status: Status, action: str) -> None:
    """Ended once, with all that was typed gone; or whole, and waiting as before. Nobody is asked or told."""
    case = tale.case()
    ends = [entry for entry in case.entries if entry.action == action]
    tale.expect(len(ends) <= 1, f"{action} {len(ends)} times")
    tale.expect(bool(ends) or not tale.acknowledged, "acknowledged and lost")
    one = case.submission
    is_gone = not case.personal and not one.answers and one.title == tale.reference
    if ends:
        tale.expect(one.status is status and is_gone, f"{one.status.value} with {sorted(case.answers)}")
    else:
        is_whole = case.answers.keys() >= tale.answers.keys()
        tale.expect(one.status is Status.UNCONFIRMED and is_whole, f"{one.status.value}, not ended")
    tale.expect(faults(case.entries, one.chain, case.texts) == [], "the timeline has faults")
    tale.expect(not tale.stage.started(tale.reference), "started without its code")
    tale.expect(not tale.stage.mailed("mail.receipt."), "a receipt was mailed")


def _right(tale: Tale) -> str:
    return f"right.{tale.number}@example.police.uk"


def _token(tale: Tale) -> str:
    return tale.confirm_path.split("/")[-2]


def _pair(address: str) -> Pair:
    (pair,) = DynamoAccounts().pairs([mailbox_of(address)])
    return pair
