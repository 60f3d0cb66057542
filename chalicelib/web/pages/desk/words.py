"""A submission in words for staff: its tasks and its timeline, with the names of those who acted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.approvals import asked_values
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.leaving import LEFT
from chalicelib.domain.people.people import role_words
from chalicelib.domain.records.submissions import STATUS_WORDS, Case, Status, Task, TaskState, is_vouched
from chalicelib.domain.records.timeline import CLAIMANT, SYSTEM, Entry
from chalicelib.domain.sentences import capital
from chalicelib.services.ports import Parts
from chalicelib.web.pages.desk.happenings import Happening

Names = Callable[[str], str]

_ENDED = {
    TaskState.OPEN: "Waiting",
    TaskState.OVERTAKEN: "Ran out of time",
    TaskState.REASSIGNED: "Handed to somebody else",
    TaskState.CLOSED: "Not needed any more",
}

_STATUS_WORDS = {Status.CHANGES_REQUESTED: "Waiting for changes", Status.LAPSED: "Lapsed"}

_REFUSED = {
    "OwnSubmission": "it is their own {noun}",
    "DecidedEarlierStage": "they approved an earlier stage",
    "NotAsked": "they were not asked",
    "RoleGivenUp": "they no longer hold the role",
    "AlreadyDecided": "they had decided already",
    "DecidedByAnother": "somebody else had decided",
    "ClaimChanged": "the {noun} had changed after it was shown to them",
    "Expired": "the time had run out",
    "Reassigned": "it had been handed to somebody else",
    "Overtaken": "the {noun} had moved on",
}

_SAID: Mapping[str, str] = {
    "submitted": "The {noun} came in",
    "confirmed": "{actor} confirmed the email address",
    "address-mended": "{actor} put the email address right",
    "asked": "{person}, {role}, was asked to decide",
    "passed-over": "Passed over the {role}: {reason}",
    "stuck": "The coordinators were told: {reason}",
    "reminded": "A reminder was sent to {whose}",
    "undone": "{actor} took the decision back",
    "reassigned": "{actor} had {person}, {role}, asked to decide",
    "refused": "{actor} tried to decide and was refused: {reason}",
    "amended": "{submitter} sent the changes",
    "moved": "{submitter} changed the force: it went to another one",
    "moved-here": "{submitter} changed the force: it came here from another one",
    "withdrawn": "{actor} withdrew it",
    "lapsed": "The {noun} lapsed: the changes did not come in time",
    "noted": "{actor} noted, for staff alone",
    "chased": "{actor} sent a reminder to {whose}",
    "undelivered": "A mail could not be delivered",
    "paid": "{actor} recorded that {amount} was paid, under the reference {payment}",
    "returned": "{actor} recorded that {amount} came back",
    "mended": "The service released {amount} that was still held for the {noun}",
    "link-renewed": "{submitter} had a new status link sent",
    "restarted": "The workflow was started anew",
}

_VOUCHED = "The {noun} came in from a trusted site, which vouched for its sender"
_TAKEN_OVER = "{person}, {role}, was asked to decide, since whoever was asked before has left"


def status_words(status: Status) -> str:
    """A status as staff read it: not as it is said to whoever sent the submission."""
    return _STATUS_WORDS.get(status, STATUS_WORDS[status])


def whose_turn(role: str, form: Form) -> str:
    """Who holds a role, in a sentence; the submitter has one while the submission waits for changes."""
    return form.submitter if role == CLAIMANT else f"the {role_words(role)}"


def names_of(parts: Parts, submitter: str = "") -> Names:
    """A look-up from a person's id to their name; each person is asked for once. `submitter` is a form's words for who
    sent it in, where they may have acted."""
    found: dict[str, str] = {CLAIMANT: capital(submitter), SYSTEM: "The service", "": ""}

    def name(person_id: str) -> str:
        if person_id not in found:
            known = parts.people.person(person_id) or parts.leavings.leaving(person_id)
            found[person_id] = known.name if known else person_id
        return found[person_id]

    return name


def task_rows(case: Case, form: Form, name: Names) -> list[tuple[str, str, str, Task]]:
    """Each task: who, as what, and how it ended."""
    return [(name(task.person_id), role_words(task.role), _ended(task, form), task) for task in case.tasks]


def timeline_words(case: Case, form: Form, name: Names) -> list[Happening]:
    """The timeline, entry by entry."""
    return [
        Happening(
            words=_words(entry, case, form, name),
            at=entry.at,
            comment=case.words(entry.sequence),
            changes=_changes(entry, case, form),
        )
        for entry in case.entries
    ]


def _ended(task: Task, form: Form) -> str:
    if task.state is TaskState.DECIDED:
        return f"Decided: {form.workflow.choice(task.decision).done} it"
    return _ENDED[task.state]


def _words(entry: Entry, case: Case, form: Form, name: Names) -> str:
    details = entry.details
    if entry.action == "decided":
        made = form.workflow.choice(str(details["decision"])).done
        undone = " (taken back since)" if entry not in case.decisions else ""
        return f"{name(entry.actor)}, {role_words(entry.role)}, {made} it{undone}"
    reason = str(details.get("reason", ""))
    said = _SAID.get(entry.action, entry.action)
    if (entry.action, reason) == ("reassigned", LEFT):
        said = _TAKEN_OVER
    if is_vouched(entry):
        said = _VOUCHED
    return said.format(
        noun=form.noun,
        actor=name(entry.actor),
        person=name(str(details.get("person", ""))),
        role=role_words(str(details.get("role", ""))),
        whose=whose_turn(str(details.get("role", "")), form),
        submitter=name(CLAIMANT),
        reason=_REFUSED.get(reason, reason).format(noun=form.noun),
        amount=_amount(entry),
        payment=details.get("payment", ""),
    )


def _amount(entry: Entry) -> str:
    """What an entry moved in the fund, if it moved anything."""
    moved = [int(pence) for name, pence in entry.details.items() if name.startswith("fund-")]
    return pounds(moved[0]) if moved else ""


def _changes(entry: Entry, case: Case, form: Form) -> tuple[tuple[str, str], ...]:
    text = case.texts.get(entry.sequence)
    said = text.parts if text else {}
    pages = tuple((page.title, said[page.id]) for page in form.pages if said.get(page.id))
    return (*asked_values.given_at(case, form, entry), *pages) if entry.action == "decided" else pages
