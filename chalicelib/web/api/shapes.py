"""What the JSON API shows of each thing. Times are ISO 8601 in UTC, money is integer pence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.domain.errors import Difference
    from chalicelib.domain.forms.answers import Answer
    from chalicelib.domain.forms.form import Form
    from chalicelib.domain.money.fund import Balance, Fund
    from chalicelib.domain.people.forces import Force
    from chalicelib.domain.records.submissions import Case, Task
    from chalicelib.domain.records.timeline import Entry
    from chalicelib.services.approvals.deciding import Outcome
    from chalicelib.services.approvals.task_view import EarlierDecision, TaskView
    from chalicelib.services.desk.listing import Page
    from chalicelib.services.ideas.publishing import IdeasPage
    from chalicelib.services.intake.submitting import Receipt
    from chalicelib.services.ports import Links, Listed, Published
    from chalicelib.services.records.status_view import StatusView, Timeline


def form_line(form: Form, links: Links) -> dict[str, Any]:
    """A form in the list of forms."""
    return {
        "id": form.id,
        "version": form.version,
        "title": form.title,
        "summary": form.summary,
        "url": links.page(f"/api/v1/forms/{form.id}"),
        "page": links.page(f"/forms/{form.id}"),
    }


def form_whole(form: Form, links: Links) -> dict[str, Any]:
    """A form with its JSON Schema."""
    return {**form_line(form, links), "schema": dict(form.schema)}


def receipt(one: Receipt) -> dict[str, Any]:
    """What a submission is answered with."""
    return {
        "reference": one.reference,
        "form": one.form,
        "version": one.form_version,
        "status": one.status.value,
        "submitted_at": moment(one.submitted_at),
        "status_url": one.status_url,
        **({"confirm_url": one.confirm_url} if one.confirm_url else {}),
    }


def status(one: StatusView) -> dict[str, Any]:
    """The submitter's view."""
    return {
        "reference": one.reference,
        "form": one.form,
        "status": one.status.value,
        "stage": one.stage or None,
        "waiting_for": one.waiting_for or None,
        "due": moment(one.due),
        "submitted_at": moment(one.submitted_at),
        "history": [
            {"at": moment(line.at), "what": line.words, "comment": line.comment or None}
            for line in one.history
        ],
    }


def submissions(one: Page) -> dict[str, Any]:
    """A page of a list."""
    return {"submissions": [_line(line, one.now) for line in one.lines], "next": one.next or None}


def ideas(one: IdeasPage, links: Links) -> dict[str, Any]:
    """A page of the published ideas."""
    return {"ideas": [_idea(idea, links) for idea in one.ideas], "next": one.next or None}


def idea_features(found: Iterable[Published], forces: Iterable[Force], links: Links) -> dict[str, Any]:
    """Published ideas as a GeoJSON FeatureCollection (RFC 7946)."""
    places = {force.code: list(force.headquarters) for force in forces}
    features = [
        {
            "type": "Feature",
            "id": idea.reference,
            "geometry": {"type": "Point", "coordinates": places[idea.force]},
            "properties": _idea(idea, links),
        }
        for idea in found
        if idea.force in places
    ]
    return {"type": "FeatureCollection", "features": features}


def _idea(one: Published, links: Links) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "title": one.title,
        "category": one.category,
        "force": one.force,
        "status": one.status.value,
        "submitted_at": moment(one.submitted_at),
        "url": links.page(f"/ideas/{one.reference}"),
    }


def case(one: Case, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A submission for staff, with the answers that the reader may see."""
    submission = one.submission
    return {
        "reference": submission.reference,
        "form": submission.form,
        "version": submission.form_version,
        "force": submission.force,
        "status": submission.status.value,
        "stage": submission.stage if submission.is_open else None,
        "waiting_for": submission.waiting_for or None,
        "due": moment(submission.due_at),
        "submitted_at": moment(submission.submitted_at),
        "changed_at": moment(submission.changed_at),
        "vouched_for": one.is_vouched_for,
        "amount_pence": submission.amount_pence,
        "answers": dict(answers),
        "tasks": [task_line(task) for task in one.tasks],
    }


def task_line(task: Task) -> dict[str, Any]:
    """A task, for staff."""
    return {
        "id": task.id,
        "stage": task.stage,
        "asked_as": task.asked_as.value,
        "person": task.person_id,
        "role": task.role,
        "asked_at": moment(task.asked_at),
        "due": moment(task.due_at),
        "state": task.state.value,
        "decision": task.decision or None,
        "decided_at": moment(task.decided_at),
    }


def timeline(one: Timeline) -> dict[str, Any]:
    """A timeline, with what is wrong with it, if anything."""
    return {
        "reference": one.reference,
        "verified": not one.faults,
        "faults": list(one.faults),
        "entries": [_entry(entry, one.words.get(entry.sequence)) for entry in one.entries],
    }


def task(one: TaskView) -> dict[str, Any]:
    """What the asked person is to decide."""
    return {
        **task_line(one.task),
        "reference": one.submission.reference,
        "form": one.form.id,
        "version": one.form.version,
        "force": one.submission.force,
        "answers": [_answer(answer) for answer in one.answers],
        "amount_pence": one.total_pence,
        "fund": _task_fund(one),
        "force_claims": [_listed(claim) for claim in one.force_claims],
        "earlier": [_earlier(earlier) for earlier in one.earlier],
        "rounds": one.rounds,
        "differences": [difference(changed) for changed in one.differences],
        "others": [{"role": other.role, "decided": other.done or None} for other in one.others],
        "needed": one.needed,
        "choices": [choice.value for choice in one.choices] if one.may_decide else [],
        "values_asked": {
            choice.value: choice.schema for choice in one.choices if choice.asks and one.may_decide
        },
        "changes_pages": [{"id": page.id, "title": page.title} for page in one.form.pages],
        "seen": one.seen,
        "undo_until": moment(one.undo_until),
    }


def _task_fund(one: TaskView) -> dict[str, Any] | None:
    if one.fund is None or one.force_share is None:
        return None
    return {
        "name": one.fund_name,
        "available": one.fund.available,
        "force_available": one.force_share.available,
    }


def outcome(one: Outcome) -> dict[str, Any]:
    """What a decision came to."""
    return {
        "reference": one.reference,
        "decision": one.decision,
        "status": one.status.value,
        "next": one.next_step,
        "undo_until": moment(one.undo_until),
    }


def fund(one: Fund) -> dict[str, Any]:
    """A fund, in pence."""
    return {
        "fund": one.id,
        "name": one.name,
        **_balance(one.balance),
        "forces": {
            force: {**_balance(share), "cap": share.total} for force, share in sorted(one.forces.items())
        },
    }


def difference(one: Difference) -> dict[str, Any]:
    """An answer that changed, in words."""
    return {"question": one.heading, "before": one.before, "after": one.after}


def moment(at: datetime | None) -> str | None:
    """`2027-01-14T17:00:00Z`."""
    return at.replace(microsecond=0, tzinfo=None).isoformat() + "Z" if at else None


def _balance(one: Balance) -> dict[str, int]:
    return {
        "total": one.total,
        "reserved": one.reserved,
        "committed": one.committed,
        "spent": one.spent,
        "returned": one.returned,
        "available": one.available,
    }


def _answer(one: Answer) -> dict[str, Any]:
    if one.rows:
        return {"question": one.heading, "rows": [dict(zip(one.row_headings, row)) for row in one.rows]}
    return {"question": one.heading, "answer": one.value}


def _line(one: Listed, now: datetime) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "form": one.form,
        "title": one.title,
        "force": one.force,
        "status": one.status.value,
        "stage": one.stage if one.is_open else None,
        "waiting_for": one.waiting_for or None,
        "due": moment(one.due_at),
        "submitted_at": moment(one.submitted_at),
        "amount_pence": one.amount_pence,
        "overdue": one.is_overdue(now),
    }


def _listed(one: Listed) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "title": one.title,
        "status": one.status.value,
        "amount_pence": one.amount_pence,
        "submitted_at": moment(one.submitted_at),
    }


def _earlier(one: EarlierDecision) -> dict[str, Any]:
    return {
        "stage": one.stage_title,
        "role": one.role,
        "decision": one.decision,
        "comment": one.comment or None,
        "changes": [{"page": title, "change": words or None} for title, words in one.changes],
        "values": [{"question": heading, "answer": words} for heading, words in one.values],
        "at": moment(one.at),
    }


def _entry(one: Entry, words: str | None) -> dict[str, Any]:
    return {
        "sequence": one.sequence,
        "at": one.at.isoformat(),
        "actor": one.actor,
        "role": one.role,
        "action": one.action,
        "stage": one.stage or None,
        "details": dict(one.details),
        "comment": words,
        "text_digest": one.text_digest or None,
        "previous": one.previous,
        "hash": one.hash,
    }
