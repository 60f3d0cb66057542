"""Showing that a submission comes from the mailbox that it names. Until then it is stored, nobody is asked, and nobody
else reads it.

The code of the mailbox's pair shows it (domain/people/pairs.py): in the browser that sent the submission, for all
that it sent from there; elsewhere for the one submission that the code was mailed for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.approvals import moves
from chalicelib.domain.errors import (
    Gone,
    InvalidAnswers,
    NotAskedHere,
    NotFound,
    Overtaken,
    Problem,
    TooMany,
)
from chalicelib.domain.forms.answers import DEFAULT_MESSAGES, Answer, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people import pairs
from chalicelib.domain.people.accounts import claimant_of
from chalicelib.domain.people.browsers import Sent
from chalicelib.domain.people.mailboxes import is_mailbox
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.records.submissions import Case, Status
from chalicelib.domain.records.timeline import CLAIMANT
from chalicelib.domain.values import value
from chalicelib.services.changes import ChangeRefused, KeepPair, KeepPersonal
from chalicelib.services.intake import receipts
from chalicelib.services.intake.unconfirmed import (
    address_of,
    again,
    ask_for_code,
    is_cap_reached,
    mailbox_of,
    removed,
    waits,
)
from chalicelib.services.people import sign_in_log, signing_in
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of
from chalicelib.services.revision import Revision, answers_details, commit

MOST_MENDS = 3
"""How often the address may be put right."""

MENDED = "address-mended"
_OVER = "This link was used already, or is too old. Ask for another email."
_GUESSED = "This code was typed wrongly too often and has ended. Ask for another one."


@value
class Pressable:
    """What the page of a mailed link shows in the browser that sent something: the mailbox, and for how many
    submissions it is to be confirmed."""

    mailbox: str
    address: str
    count: int


@value
class WaitingView:
    """What waits for its code, whole: for the browser that sent it, and for whoever typed the code."""

    form: Form
    reference: str
    address: str
    answers: tuple[Answer, ...]
    until: datetime | None
    may_mend: bool


def waiting_view(parts: Parts, force: str, reference: str) -> WaitingView:
    """Raises Overtaken where it is confirmed, Gone where it lapsed, NotFound."""
    case = case_of(parts, force, reference)
    if not waits(case):
        raise Overtaken("This was confirmed already.")
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    return WaitingView(
        form=form,
        reference=one.reference,
        address=address_of(parts, case),
        answers=tuple(walk(form, case.answers)),
        until=one.due_at,
        may_mend=_times_mended(case) < MOST_MENDS,
    )


def confirm(parts: Parts, force: str, reference: str, typed: str) -> None:
    """Type the code anywhere: it proves this one submission, if it was mailed for it. Repeating it is harmless.

    Raises InvalidAnswers (pointer `/code`) where it is wrong, TooMany where the code ended with wrong guesses, Gone
    where the submission lapsed, and NotFound.
    """
    code = pairs.read_code(typed)
    case = case_of(parts, force, reference)
    if waits(case):
        name = pairs.submission_name(force, reference)
        mailbox = mailbox_of(parts, case)
        _confirm_all(parts, [name], mailbox, code=code, must_be_mailed_for=True, seen=[case])


def confirm_here(parts: Parts, sent: Sequence[Sent], force: str, reference: str, typed: str) -> str:
    """Type the code in the browser that sent this: it proves all that the browser `sent` from the same mailbox.
    Returns the mailbox that this browser has proved; empty where it is confirmed already and no code was looked at.
    Raises as `confirm`, and NotAskedHere in another browser."""
    code = pairs.read_code(typed)
    name = pairs.submission_name(force, reference)
    mailbox = next((one.mailbox for one in sent if one.name == name), "")
    if not mailbox:
        raise NotAskedHere(
            "This was sent from another browser. Type the code on the page that our email names."
        )
    if not waits(case_of(parts, force, reference)):
        return ""
    _confirm_all(parts, _from(sent, mailbox), mailbox, code=code)
    return mailbox


def press_link(parts: Parts, token: str, sent: Sequence[Sent]) -> Pressable:
    """Confirm with the mailed link, in the browser that sent something from its mailbox. Raises as `link_in`."""
    pressable = link_in(parts, token, sent)
    try:
        _confirm_all(parts, _from(sent, pressable.mailbox), pressable.mailbox, link=token)
    except InvalidAnswers:
        raise Gone(_OVER) from None
    return pressable


def link_in(parts: Parts, token: str, sent: Sequence[Sent]) -> Pressable:
    """What a mailed link leads to in the browser that sent something. Changes nothing. Raises NotAskedHere where it
    is the link of none of its mailboxes, or nothing waits; Gone where it was used or is too old."""
    pair = _pair_of(parts, token, sent)
    cases = _waiting(parts, _from(sent, pair.mailbox), pair.mailbox)
    if not cases:
        raise NotAskedHere("Nothing that was sent from this browser waits for this link.")
    if not pair.is_live(parts.now()):
        raise Gone(_OVER)
    return Pressable(mailbox=pair.mailbox, address=address_of(parts, cases[0]), count=len(cases))


def confirm_proven(parts: Parts, sent: Sequence[Sent], mailbox: str) -> int:
    """Confirm all that this browser sent from a mailbox that it has just proved otherwise. Returns how many."""

    def attempt() -> int:
        cases = _waiting(parts, _from(sent, mailbox), mailbox)
        if cases:
            commit(parts, *(_confirmed(parts, case, parts.now()) for case in cases))
        return len(cases)

    return again(attempt)


def send(parts: Parts, force: str, reference: str) -> None:
    """Confirm it for somebody who typed its code before they saw it. Repeating it is harmless. Raises Gone where it
    lapsed."""

    def attempt() -> None:
        case = case_of(parts, force, reference)
        if waits(case):
            _confirmed(parts, case, parts.now()).commit()

    again(attempt)


def disown(parts: Parts, force: str, reference: str) -> None:
    """Whoever reads the mailbox did not send it: it ends, and what was typed is removed. Repeating it is harmless.
    Raises Overtaken where it was confirmed before."""

    def attempt() -> None:
        case = case_of(parts, force, reference)
        one = case.submission
        if not one.is_unproven:
            raise Overtaken("This was confirmed before. You can withdraw it on its page.")
        if one.status is Status.UNCONFIRMED:
            removed(parts, case, Status.WITHDRAWN, action="disowned", by=CLAIMANT).commit()

    again(attempt)


def mend_address(parts: Parts, force: str, reference: str, address: str) -> str:
    """Put the address right in the browser that sent it, before it is confirmed; a code goes there. Returns what
    stands for the mailbox. Raises InvalidAnswers (pointer `/address`), TooMany, and Gone where it lapsed."""
    address = address.strip()

    def attempt() -> None:
        case = case_of(parts, force, reference)
        if not waits(case):
            raise Overtaken("This was confirmed already; its address stays as it is.")
        form = parts.forms.form(case.submission.form, case.submission.form_version)
        if pairs.mailbox_of(address) == mailbox_of(parts, case):
            return
        _check_address(parts, case, form, address)
        # Whoever typed the old mailbox's code must not act for the new one.
        parts.accounts.end_all_sessions(claimant_of(force, reference))
        try:
            _mended(parts, case, form, address).commit()
        except ChangeRefused as refused:
            if not is_cap_reached(refused.change):
                raise
            _mended(parts, case, form, address, is_full=True).commit()

    again(attempt)
    return pairs.mailbox_of(address)


def _confirm_all(
    parts: Parts,
    names: Sequence[str],
    mailbox: str,
    *,
    code: str = "",
    link: str = "",
    must_be_mailed_for: bool = False,
    seen: Sequence[Case] = (),
) -> None:
    """Confirm these with the pair of their mailbox, in one transaction; or count the wrong guess.

    `must_be_mailed_for`: the code proves only what it was mailed for. `seen` are the submissions where they have just
    been read.
    """
    unread = list(seen)

    def attempt() -> bool:
        (pair,) = parts.accounts.pairs([mailbox])
        now = parts.now()
        is_its_own = parts.seals.is_link(pair, link) if link else parts.seals.is_code(pair, code)
        is_over = not (pair.is_live(now) if link else pair.takes_codes(now))
        if code and pairs.is_ended_by_guesses(pair, now):
            raise TooMany(_GUESSED, retry_after=60)
        if is_over or not is_its_own:
            tried = pairs.tried(pair, now, length=len(code))
            parts.records.commit([KeepPair(pair=tried)])
            sign_in_log.guessed(parts, pair, tried, now)
            return False
        if must_be_mailed_for and not set(names) <= {*pair.asked_for, *pair.proved}:
            return False
        cases = [unread.pop()] if unread else _waiting(parts, names, mailbox)
        proved = [pairs.submission_name(one.submission.force, one.submission.reference) for one in cases]
        if proved:  # else somebody was quicker with the same code
            keep = KeepPair(pair=pairs.proving(pair, now, *proved))
            commit(parts, *(_confirmed(parts, case, now) for case in cases), beside=[keep])
        return True

    if not again(attempt):
        raise signing_in.wrong_code(parts)


def _confirmed(parts: Parts, case: Case, now: datetime) -> Revision:
    """From now on it is a submission as any other: its workflow starts, and the receipt goes."""
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    first = form.workflow.first(one.amount_pence)
    one = moves.at_stage(replace(one, is_unproven=False, submitted_at=now), first, parts.calendar, now)
    revision = Revision(parts, case, now=now)
    revision.becomes(replace(one, status=Status.SUBMITTED))
    revision.records("confirmed", by=CLAIMANT, role=CLAIMANT)
    revision.starts_workflow(form)
    receipt = receipts.receipt_mail(
        parts, form, force=one.force, reference=one.reference, answers=case.answers, now=now
    )
    revision.tells([receipt])
    return revision


def _mended(parts: Parts, case: Case, form: Form, address: str, *, is_full: bool = False) -> Revision:
    before = mailbox_of(parts, case)
    personal = {**case.personal, form.email_field: address}
    revision = Revision(parts, case, now=parts.now())
    ask_for_code(revision, form, address, leaving=before, is_full=is_full)
    salt = parts.new_secret()
    details = answers_details(revision.submission, personal, salt)
    revision.records(MENDED, by=CLAIMANT, role=CLAIMANT, details=details)
    revision.adds([KeepPersonal(submission=revision.submission, personal=personal, salt=salt)])
    return revision


def _times_mended(case: Case) -> int:
    return sum(entry.action == MENDED for entry in case.entries)


def _check_address(parts: Parts, case: Case, form: Form, address: str) -> None:
    question = form.question(form.email_field)
    messages = {**DEFAULT_MESSAGES, **(question.errors if question else {})}
    code = ""
    if not is_mailbox(address):
        code, message = "format", messages["format"]
    elif not form.proof.takes(address, parts.limits.more_domains):
        code, message = "domain", messages["domain"]
    elif _times_mended(case) >= MOST_MENDS:
        code = "too-often"
        message = (
            f"The address was changed {MOST_MENDS} times already. Fill the form in again with the right one"
        )
    if code:
        label = question.heading if question else "The address"
        raise InvalidAnswers([Problem(pointer="/address", code=code, message=message.format(label=label))])


def _waiting(parts: Parts, names: Iterable[str], mailbox: str) -> list[Case]:
    """Those of these submissions that wait for a code of this mailbox."""
    found = []
    for name in names:
        force, _, reference = name.partition(".")
        try:
            case = parts.records.of(force).case(reference)
        except NotFound:
            continue
        if case.submission.status is Status.UNCONFIRMED and mailbox_of(parts, case) == mailbox:
            found.append(case)
    return found


def _from(sent: Sequence[Sent], mailbox: str) -> list[str]:
    return [one.name for one in sent if one.mailbox == mailbox]


def _pair_of(parts: Parts, token: str, sent: Sequence[Sent]) -> Pair:
    mailboxes = list(dict.fromkeys(one.mailbox for one in sent))
    for pair in parts.accounts.pairs(mailboxes) if mailboxes else []:
        if parts.seals.is_link(pair, token):
            return pair
    raise NotAskedHere("Type the code from the email on the page where you asked for it.")
