"""Mail that bounced, was marked as spam or could not be sent: coordinators are told, so that nobody is left waiting.

Who is told depends on who the mail was for (`domain/delivery/mails.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timezone

from chalicelib.domain.delivery import deliveries, mails
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.delivery.mails import MAILS, Bounce, Mail, Reader
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.accounts import digest
from chalicelib.domain.people.people import COORDINATOR, NATIONAL, Person, role_words
from chalicelib.domain.records.submissions import Case, Task
from chalicelib.domain.values import value
from chalicelib.services.approvals.asking import Asking, coordinators
from chalicelib.services.ports import Parts
from chalicelib.services.revision import Revision, again_if_overtaken

SET_ASIDE = "set-aside"
"""The mail could not be sent for hours, and is not tried any more."""

_HAPPENED = {"bounce": "bounced", "complaint": "was marked as spam", SET_ASIDE: "could not be sent"}
_log = logging.getLogger(__name__)


@value
class _Failed:
    """A mail that did not arrive. `what` is `bounce`, `complaint` or SET_ASIDE."""

    id: str
    mail: Mail
    what: str

    @property
    def template(self) -> str:
        return mails.template_of(self.id)

    @property
    def happened(self) -> str:
        return _HAPPENED.get(self.what, "did not arrive")


def came_back(parts: Parts, address: str, *, what: str) -> bool:
    """Tell coordinators that the mail at this address in the outbox bounced (`bounce`), was marked as spam
    (`complaint`) or could not be sent (SET_ASIDE). Safe to repeat. False where the mail is not ours, or its reader is
    not known any more."""
    _, notification_id = deliveries.read_address(address)
    mail = MAILS.get(mails.template_of(notification_id))
    reference = parts.outbox.reference_of(address)
    if mail is None or (not reference and parts.outbox.force_of(address) is None):
        _log.warning("an email that we did not send did not arrive: %s", what)
        return False
    failed = _Failed(id=notification_id, mail=mail, what=what)
    if not reference:
        return _tell_of_reader(parts, failed)
    try:
        force = parts.records.force_of(reference)
    except NotFound:
        return False
    again_if_overtaken(lambda: _note(parts, force, reference, failed))
    return True


def _note(parts: Parts, force: str, reference: str, failed: _Failed) -> None:
    """Tell, and record it in the timeline. What is told outside the transaction comes first: if the second step fails,
    the repeat finds the same mails in the outbox."""
    case = parts.records.of(force).case(reference)
    if _is_noted(case, failed, parts.now()):
        return
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    revision = Revision(parts, case, now=parts.now())
    details = {"mail": failed.id, "what": failed.what}
    revision.records("undelivered", stage=one.stage, details=details)
    _tell(parts, revision, form, failed)
    revision.commit()


def _is_noted(case: Case, failed: _Failed, now: datetime) -> bool:
    """Of codes, one a day is enough: anybody with the status link can have them sent."""
    noted = [entry for entry in case.entries if entry.action == "undelivered"]
    if any(entry.details.get("mail") == failed.id for entry in noted):
        return True
    return failed.mail.anybody_asks and any(
        mails.template_of(str(entry.details.get("mail"))) == failed.template and _day(entry.at) == _day(now)
        for entry in noted
    )


def _tell(parts: Parts, revision: Revision, form: Form, failed: _Failed) -> None:
    case, one = revision.case, revision.submission
    meaning = failed.mail.reader.if_bounced
    if meaning is Bounce.UNREACHED:
        letters = revision.letters(form)
        reason = f"our email to them {failed.happened}"
        told = coordinators(parts, (one.force, NATIONAL))
        revision.tells(letters.undelivered(person, reason) for person in told)
        _warn_if_nobody(told, failed)
        return
    if meaning is Bounce.UNASKED:
        _tell_of_asked(parts, revision, form, failed)
        return
    person_id = mails.person_of(failed.id)
    if failed.mail.reader is Reader.DECIDER:
        task = _task_of(case.tasks, failed)
        person_id = task.person_id if task else ""
    person = parts.people.person(person_id) if person_id else None
    if person is not None:
        _tell_of(parts, person, failed, places=(one.force, NATIONAL), reference=one.reference)


def _tell_of_asked(parts: Parts, revision: Revision, form: Form, failed: _Failed) -> None:
    """Nobody needs to know where the person need not decide any more."""
    case = revision.case
    if _task_of(case.open_tasks, failed) is None:
        return
    reason = f"our email to the person who was asked {failed.happened}, so they may not know about it"
    asking = Asking(parts=parts, case=case, form=form, now=revision.now)
    _warn_if_nobody(asking.tell_coordinators(revision, reason), failed)


def _task_of(tasks: Iterable[Task], failed: _Failed) -> Task | None:
    """The task that the mail is about: its id begins with the task's."""
    about = failed.id.removeprefix(f"mail.{failed.template}.")
    return next((task for task in tasks if f"{about}.".startswith(f"{task.id}.")), None)


def _tell_of_reader(parts: Parts, failed: _Failed) -> bool:
    """The mail is about no submission: a digest, a sign-in code, or one of these notices."""
    person_id = mails.person_of(failed.id)
    person = parts.people.person(person_id) if person_id else None
    if person is None:
        _log.warning("an email to somebody who is not registered did not arrive: %s", failed.what)
        return False
    if failed.mail.warns_of_mail and failed.what == SET_ASIDE:
        return True  # /desk/checks lists it
    _tell_of(parts, person, failed, places=_places(parts, person, failed))
    return True


def _places(parts: Parts, person: Person, failed: _Failed) -> tuple[str, ...]:
    """Whose coordinators are told: of the person's force where they sign in for one force; else the national ones."""
    if failed.mail.reader is Reader.COORDINATOR:
        forces = sorted({held.at for held in person.roles if held.role == COORDINATOR} - {NATIONAL})
        return (*forces, NATIONAL)
    forces = sorted({held.at for held in person.roles})
    if failed.mail.reader is Reader.STAFF and len(forces) == 1 and _others(parts, person, forces):
        return (forces[0],)
    return (NATIONAL,)


def _others(parts: Parts, person: Person, places: Iterable[str]) -> list[Person]:
    return [one for one in coordinators(parts, places) if one.id != person.id]


def _tell_of(
    parts: Parts, person: Person, failed: _Failed, *, places: Iterable[str], reference: str = ""
) -> None:
    """Tell the coordinators of these places, but not the person, that mail to this person does not arrive: each once
    a day for each person, however many mails fail."""
    others = _others(parts, person, places)
    _warn_if_nobody(others, failed)
    for one in others:
        parts.outbox.add(_notice(parts, person, failed, to=one, reference=reference))


def _notice(parts: Parts, person: Person, failed: _Failed, *, to: Person, reference: str) -> Delivery:
    now = parts.now()
    return deliveries.mail(
        "staff-undelivered",
        to=to.address,
        about=f"{_day(now)}.{digest(person.id)[:16]}.{to.id}",
        reference="",
        values={
            "name": person.name,
            "roles": [_role(parts, held.role, held.at) for held in person.roles],
            "email": failed.mail.name,
            "happened": failed.happened,
            "reference": reference,
            "desk_url": parts.links.page(f"/desk/submissions/{reference}") if reference else "",
        },
        now=now,
    )


def _role(parts: Parts, role: str, at: str) -> str:
    place = "national" if at == NATIONAL else parts.forms.force_name(at)
    return f"{role_words(role)}, {place}"


def _warn_if_nobody(told: Iterable[object], failed: _Failed) -> None:
    if not list(told):
        _log.warning("no coordinator could be told that %s did not arrive: %s", failed.id, failed.what)


def _day(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d")
