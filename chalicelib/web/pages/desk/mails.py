"""Which mails a submission has led to, as its timeline tells: what was sent to whom, and no address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from chalicelib.domain.delivery.mails import name_of, template_of
from chalicelib.domain.forms.form import Form
from chalicelib.domain.records.submissions import Case
from chalicelib.domain.records.timeline import CLAIMANT, Entry
from chalicelib.domain.sentences import capital
from chalicelib.services.delivery.undelivered import SET_ASIDE
from chalicelib.web.pages.desk.words import whose_turn

Row = tuple[str, str, datetime]

_TO_THE_SUBMITTER = {
    "submitted": "Receipt",
    "amended": "The changes came in",
    "moved-here": "The changes came in",
    "withdrawn": "Withdrawn",
    "lapsed": "Lapsed",
    "paid": "Paid",
    "link-renewed": "New link",
}

_FAILURES = {SET_ASIDE: "Could not be sent", "complaint": "Marked as spam"}


def mail_rows(case: Case, form: Form, name: Callable[[str], str]) -> list[Row]:
    """What, to whom, and when: in the order in which they were caused."""
    return [row for entry in case.entries for row in _rows(entry, case, form, name)]


def _rows(entry: Entry, case: Case, form: Form, name: Callable[[str], str]) -> Iterator[Row]:
    details = entry.details
    if entry.action in _TO_THE_SUBMITTER:
        yield _TO_THE_SUBMITTER[entry.action], name(CLAIMANT), entry.at
    elif entry.action == "stuck":
        yield "Nobody is deciding it", "The coordinators", entry.at
    elif entry.action in ("asked", "reassigned"):
        yield "Asked to decide", name(str(details.get("person", ""))), entry.at
    elif entry.action in ("reminded", "chased"):
        yield "Reminder", capital(whose_turn(str(details.get("role", "")), form)), entry.at
    elif entry.action == "decided":
        yield "What was recorded in their name", name(entry.actor), entry.at
        # One that was taken back never went out. Of several people's, the timeline does not say whose settled it.
        if entry in case.decisions and _settles(entry, form):
            yield (
                f"The outcome: {form.workflow.choice(str(details['decision'])).done}",
                name(CLAIMANT),
                entry.at,
            )
    elif entry.action == "undelivered":
        happened = _FAILURES.get(str(details.get("what")), "Bounced")
        yield f"{happened}: {name_of(template_of(str(details.get('mail'))))}", "Nobody", entry.at


def _settles(entry: Entry, form: Form) -> bool:
    choice = form.workflow.choice(str(entry.details["decision"]))
    return choice.outcome.is_enough_alone or not form.workflow.stage(entry.stage).asks_several
