"""Submissions whose mailbox is not proven yet: the code that they wait for is mailed, and mailed again; in the end they
are removed. Nobody but their submitter reads them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from chalicelib.domain.approvals import decisions
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import Gone, NotFound, Overtaken, TooMany, Unavailable
from chalicelib.domain.forms.answers import fingerprint
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people import pairs
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import normalised
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.domain.records.timeline import SYSTEM
from chalicelib.services.changes import (
    AddDelivery,
    AddEntry,
    Change,
    ChangeRefused,
    ChangeSubmission,
    CountSource,
    KeepPair,
    KeepPersonal,
)
from chalicelib.services.people import sign_in_mails, signing_in
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of
from chalicelib.services.revision import Revision, commit

REMINDED_AFTER = timedelta(days=1)
NOT_MAILED, MAILED, REMINDED = range(3)
"""What `reminded` says of a submission that waits for its code."""

LAPSED, WAITS, NOTHING = "lapsed", "waits", ""
_A_MINUTE = timedelta(minutes=1)
_COUNTS = 8
_CAP = "unproven-mails."
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


def ask_for_code(
    revision: Revision, form: Form, address: str, *, leaving: str = "", is_full: bool = False
) -> None:
    """The submission waits for its code. The pair of the mailbox is stored with it, and a mail if it is time for one.
    `leaving` is the mailbox that it was from before its address was put right. `is_full`: so many codes
    were mailed in this hour that this one waits for the next.

    Raises TooMany where too much came from this mailbox without proof, Overtaken where `leaving` proved it already.
    """
    parts, one, now = revision.parts, revision.submission, revision.now
    exact, plain = pairs.mailbox_of(address), pairs.mailbox_of(normalised(address))
    mailboxes = list(dict.fromkeys(filter(None, (exact, plain, leaving))))
    found = dict(zip(mailboxes, parts.accounts.pairs(mailboxes)))
    name = pairs.submission_name(one.force, one.reference)
    if leaving and name in found[leaving].proved:
        raise Overtaken("Somebody typed the code of this address already; it stays as it is.")
    lately = pairs.sent_lately(found[plain], now)
    limit = parts.limits.mailbox_an_hour
    if limit and len(lately) >= limit:
        raise too_many(lately[-limit] + timedelta(hours=1) - now)
    is_first = len(lately) < pairs.AT_ONCE
    if (is_first or exact == plain) and not is_full:
        nonce = parts.new_secret()
        pair, is_mailed = pairs.asked(found[exact], now, nonce=nonce, submission=name, at_once=is_first)
    else:  # the latter, since each spelling has a pair of its own, but they are one mailbox
        pair, is_mailed = pairs.put_off(found[exact], now, name), False
    changed = {exact: pair}
    changed[plain] = pairs.sending(changed.get(plain) or pairs.looked_at(found[plain], now), now, most=limit)
    if leaving:
        changed[leaving] = pairs.letting_go(
            changed.get(leaving) or pairs.looked_at(found[leaving], now), name
        )
    revision.adds(KeepPair(pair=one) for one in changed.values())
    one = replace(
        one,
        status=Status.UNCONFIRMED,
        is_unproven=True,
        waiting_for="",
        due_at=one.due_at if one.is_unproven else now + parts.limits.unconfirmed_for,
        reminded=MAILED if is_mailed else NOT_MAILED,
    )
    if is_mailed:
        revision.tells([_mail(parts, pair, one, form, address, now)])
        revision.adds(counted(parts, one, now))
    later = min(next_hour(now), one.due_at or now)
    next_at = later if is_full else _next_date(parts, one, form, pair, address, now)
    revision.becomes(replace(one, next_at=next_at))


def counted(parts: Parts, one: Submission, now: datetime) -> list[Change]:
    """One more code that is mailed without proof in this hour; in one of several counts, so that not all who send
    something wait for the same item."""
    limit = parts.limits.unproven_mails_an_hour
    if not limit:
        return []
    source = f"{_CAP}{int(fingerprint(one.reference)[:8], 16) % _COUNTS}"
    hour = next_hour(now) - timedelta(hours=1)
    return [CountSource(source=source, hour=hour, limit=-(-limit // _COUNTS))]


def is_cap_reached(change: Change) -> bool:
    """Whether it was refused since enough codes were mailed in this hour. Notes it, for the alarm."""
    if not (isinstance(change, CountSource) and change.source.startswith(_CAP)):
        return False
    _log.warning("too many codes without proof: more of them wait for the next hour")
    return True


def next_hour(now: datetime) -> datetime:
    """When the next hour begins."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def too_many(wait: timedelta) -> TooMany:
    """The refusal of one more submission from a mailbox."""
    seconds = max(1, -int(-wait.total_seconds() // 1))
    minutes = -(-seconds // 60)
    return TooMany(
        "This address has sent as many as we take from one address in an hour. Nothing was stored. Send it again in "
        f"{minutes} minute{'' if minutes == 1 else 's'}.",
        retry_after=seconds,
    )


def ask_again(
    parts: Parts, force: str, reference: str, *, source: str = "", seen: Case | None = None
) -> None:
    """Have the code of a submission that waits for it mailed once more, if it is time for a mail; past the cap of the
    service, in the next hour. This is not asking in the sense of signing in. Raises NotFound, Gone where it lapsed,
    TooMany for too many asks from one `source`. `seen` is the submission where it has just been read."""
    unread = [seen] if seen else []

    def attempt() -> None:
        case = unread.pop() if unread else case_of(parts, force, reference)
        if not waits(case):
            return
        now = parts.now()
        try:
            parts.records.commit(_asked_again(parts, case, source, now))
        except ChangeRefused as refused:
            if not is_cap_reached(refused.change):
                raise
            beside = signing_in.with_ask(parts, None, source, now)
            commit(parts, _next_hour(parts, case, now), beside=beside)

    try:
        again(attempt)
    except ChangeRefused as refused:
        if not isinstance(refused.change, CountSource):
            raise
        raise signing_in.too_many_asks(parts.now()) from refused


def _asked_again(parts: Parts, case: Case, source: str, now: datetime) -> list[Change]:
    one, address = case.submission, address_of(parts, case)
    form = parts.forms.form(one.form, one.form_version)
    (pair,) = parts.accounts.pairs([pairs.mailbox_of(address)])
    name = pairs.submission_name(one.force, one.reference)
    pair, is_mailed = pairs.asked(pair, now, nonce=parts.new_secret(), submission=name)
    mail = _mail(parts, pair, one, form, address, now) if is_mailed else None
    return [
        KeepPair(pair=pair),
        *signing_in.with_ask(parts, mail, source, now),
        *(counted(parts, one, now) if is_mailed else ()),
    ]


def _next_hour(parts: Parts, case: Case, now: datetime) -> Revision:
    """Its code waits for the next hour, since enough were mailed in this one."""
    one = case.submission
    revision = Revision(parts, case, now=now)
    revision.becomes(replace(one, next_at=min(next_hour(now), one.due_at or now)))
    return revision


def follow_up_one(parts: Parts, force: str, reference: str) -> str:
    """Do what the date of a submission without proof says: mail its code, remind once, or remove it."""

    def attempt() -> str:
        try:
            case = parts.records.of(force).case(reference)
        except NotFound:
            return NOTHING
        one, now = case.submission, parts.now()
        if one.status is not Status.UNCONFIRMED or one.due_at is None or one.next_at is None:
            return NOTHING
        if one.due_at <= now:
            removed(parts, case, Status.LAPSED, action="lapsed", by=SYSTEM).commit()
            return LAPSED
        if one.next_at > now:
            return NOTHING  # the index was behind
        try:
            _mailed_later(parts, case, now).commit()
        except ChangeRefused as refused:
            if not is_cap_reached(refused.change):
                raise
            _next_hour(parts, case, now).commit()
        return WAITS

    return again(attempt)


def _mailed_later(parts: Parts, case: Case, now: datetime) -> Revision:
    one = case.submission
    revision = Revision(parts, case, now=now)
    form = parts.forms.form(one.form, one.form_version)
    address = address_of(parts, case)
    (pair,) = parts.accounts.pairs([pairs.mailbox_of(address)])
    name = pairs.submission_name(one.force, one.reference)
    if one.reminded == NOT_MAILED and _was_in_a_mail(pair, name, one):
        one = replace(one, reminded=MAILED)
        next_at = _next_date(parts, one, form, pair, address, now)
        revision.becomes(replace(one, next_at=next_at))
        return revision
    pair, is_mailed = pairs.asked(pair, now, nonce=parts.new_secret(), submission=name)
    revision.adds([KeepPair(pair=pair)])
    if not is_mailed:
        later = min(pairs.pause_ends(pair, now + _A_MINUTE), one.due_at or now)
        revision.becomes(replace(one, next_at=later))
        return revision
    is_reminder = one.reminded == MAILED and now >= one.submitted_at + REMINDED_AFTER
    is_reminder = is_reminder and _is_reminded(parts, form, address)
    one = replace(one, reminded=REMINDED if is_reminder else max(one.reminded, MAILED))
    one = replace(one, next_at=_next_date(parts, one, form, pair, address, now))
    revision.becomes(one)
    revision.tells([_mail(parts, pair, one, form, address, now, again=is_reminder)])
    revision.adds(counted(parts, one, now))
    return revision


def _was_in_a_mail(pair: Pair, name: str, one: Submission) -> bool:
    """Whether another submission's mail, which lists all that its code proves, came after this one."""
    is_later = pair.last_mailed_at is not None and pair.last_mailed_at > one.submitted_at
    return is_later and name in (*pair.asked_for, *pair.proved)


def _next_date(
    parts: Parts, one: Submission, form: Form, pair: Pair, address: str, now: datetime
) -> datetime | None:
    """When it is to be mailed, or reminded of, or lapses."""
    if one.due_at is None:
        return None
    if one.reminded == NOT_MAILED:
        return min(pairs.pause_ends(pair, now), one.due_at)
    if one.reminded == MAILED and _is_reminded(parts, form, address):
        return min(one.submitted_at + REMINDED_AFTER, one.due_at)
    return one.due_at


def _is_reminded(parts: Parts, form: Form, address: str) -> bool:
    """Whether a reminder goes to this address: to a domain that the form names, or another form does where this one
    takes any. To other domains, nobody who did not ask is mailed twice."""
    forms = [form] if form.proof.domains else [one for one in parts.forms.all() if one.proof.domains]
    return any(one.proof.takes(address, parts.limits.more_domains) for one in forms)


def _mail(
    parts: Parts, pair: Pair, one: Submission, form: Form, address: str, now: datetime, *, again: bool = False
) -> Delivery:
    """The mail with code and link. It holds nothing that anybody typed: it may go to a stranger."""
    name = pairs.submission_name(one.force, one.reference)
    others = [other.split(".") for other in pair.asked_for if other != name]
    values: dict[str, Any] = {
        "reference": one.reference,
        "noun": form.noun,
        "code": parts.seals.code(pair),
        "minutes": sign_in_mails.minutes_left(pair, now),
        "sign_in_url": parts.links.page(f"/sign-in/{parts.seals.link(pair)}"),
        "status_url": parts.links.status(one.force, one.reference),
        "others": [
            {"reference": reference, "status_url": parts.links.status(force, reference)}
            for force, reference in others
        ],
        "is_reminder": again,
        "signs_in": bool(pair.person_id),
        "days": _days_left(one, now),
    }
    return deliveries.mail(
        "confirm", to=address, about=sign_in_mails.about(pair), reference="", values=values, now=now
    )


def _days_left(one: Submission, now: datetime) -> int:
    return max(1, round((one.due_at - now) / timedelta(days=1))) if one.due_at else 0


def removed(parts: Parts, case: Case, status: Status, *, action: str, by: str) -> Revision:
    """It ends unconfirmed, and all that was typed is removed: a stranger may have typed it. The timeline stays."""
    one = decisions.closed(case.submission, status)
    one = replace(one, answers={}, title=one.reference)
    revision = Revision(parts, case, now=parts.now())
    revision.becomes(one)
    details = {"answers": replace(case, submission=one, personal={}, salt="").seen}
    revision.records(action, by=by, role=by, details=details)
    revision.adds([KeepPersonal(submission=one, personal={})])
    revision.tells_nobody()
    return revision


def waits(case: Case) -> bool:
    """Whether it waits for its code. Raises Gone where it ended without."""
    one = case.submission
    if one.is_unproven and one.status is not Status.UNCONFIRMED:
        raise Gone(
            "This was not confirmed in time, or not by the person it named. What was sent has been removed."
        )
    return one.status is Status.UNCONFIRMED


def address_of(parts: Parts, case: Case) -> str:
    """The address that it was sent from."""
    one = case.submission
    return str(case.personal[parts.forms.form(one.form, one.form_version).email_field])


def mailbox_of(parts: Parts, case: Case) -> str:
    """What stands for its mailbox."""
    return pairs.mailbox_of(address_of(parts, case))


def again(attempt: Callable[[], Result]) -> Result:
    """Run `attempt`, which reads and commits; anew where somebody changed the pair or the submission in between."""
    for _ in range(signing_in.TRIES):
        try:
            return attempt()
        except ChangeRefused as refused:
            if not isinstance(refused.change, (ChangeSubmission, AddEntry, KeepPair, AddDelivery)):
                raise
    raise Unavailable(signing_in.BUSY)
