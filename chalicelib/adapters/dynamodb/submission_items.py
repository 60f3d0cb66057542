"""A submission's item: each field as it is, unless it is named here; and what the indexes need.

A new field of `Submission` takes an attribute of its name in `SubmissionItem`, and nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import SubmissionItem
from chalicelib.adapters.dynamodb.undo_items import people_from, undo_from, undo_json
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.ideas import publication
from chalicelib.domain.money.fund import Held
from chalicelib.domain.records.submissions import Status, Submission
from chalicelib.domain.records.timeline import Chain
from chalicelib.services.changes import AMENDED, CONFIRMED, FIXED

Write = Callable[[Submission], Any]


class _Stored(NamedTuple):
    """How a field is stored: what each of its attributes holds, and how the field is read from the item."""

    attributes: Mapping[str, Write]
    read: Callable[[SubmissionItem], Any]


class _Index(NamedTuple):
    """An attribute that only an index needs. It is rewritten with the field that it `follows`."""

    follows: str
    write: Write


def _as_it_is(name: str) -> _Stored:
    return _Stored({name: lambda one: getattr(one, name)}, lambda item: getattr(item, name))


def _unless_empty(name: str) -> _Stored:
    """Empty text is no attribute."""
    return _Stored({name: lambda one: getattr(one, name) or None}, lambda item: getattr(item, name) or "")


_OTHERWISE: Mapping[str, _Stored] = {
    "status": _Stored({"status": lambda one: one.status.value}, lambda item: Status(item.status)),
    "asked_as": _Stored(
        {"asked_as": lambda one: one.asked_as.value}, lambda item: AskedAs(item.asked_as or "")
    ),
    "round": _Stored({"round": lambda one: one.round}, lambda item: item.round or 1),
    "sitting": _Stored({"sitting": lambda one: one.sitting}, lambda item: item.sitting or 1),
    "claimant_id": _unless_empty("claimant_id"),
    "waiting_for": _unless_empty("waiting_for"),
    "moved_to": _unless_empty("moved_to"),
    "category": _unless_empty("category"),
    # Earlier releases stored only that it is public.
    "published_at": _Stored(
        {"published_at": lambda one: one.published_at},
        lambda item: item.published_at or (item.listed_at if item.public_as else None),
    ),
    "title": _Stored(
        {"title": lambda one: one.title},
        # The first release stored none.
        lambda item: item.title or _first_title(item),
    ),
    "answers": _Stored({"answers": lambda one: dict(one.answers)}, lambda item: item.answers),
    "due_at": _Stored(
        {"deadline": lambda one: one.due_at if one.is_dated else None},
        lambda item: item.deadline or item.due_at,
    ),
    # While something is to happen, the index `due` lists it by its next date.
    "next_at": _Stored(
        {"due_at": lambda one: (one.next_at or one.due_at) if one.is_dated else None},
        lambda item: item.due_at,
    ),
    "reserved_pence": _Stored(
        {"reserved_pence": lambda one: one.reserved_pence}, lambda item: _held(item).reserved
    ),
    "committed_pence": _Stored(
        {"committed_pence": lambda one: one.committed_pence}, lambda item: _held(item).committed
    ),
    "undo": _Stored(
        {"undo": lambda one: undo_json(one.undo) if one.undo else None},
        lambda item: undo_from(item.undo, is_public=bool(item.public_as)) if item.undo else None,
    ),
    "is_unproven": _Stored(
        {"unproven": lambda one: 1 if one.is_unproven else None}, lambda item: bool(item.unproven)
    ),
    "link": _Stored({"link": lambda one: one.link if one.linked_at else None}, lambda item: item.link or 1),
    "approved_by": _Stored(
        {"approved_by": lambda one: {stage: list(people) for stage, people in one.approved_by.items()}},
        lambda item: people_from(item.approved_by),
    ),
    "chain": _Stored(
        {"chain_length": lambda one: one.chain.length, "chain_head": lambda one: one.chain.head},
        lambda item: Chain(length=item.chain_length, head=item.chain_head),
    ),
}

_FIELDS: Mapping[str, _Stored] = {
    field.name: _OTHERWISE.get(field.name) or _as_it_is(field.name) for field in fields(Submission)
}

_FOR_INDEXES: Mapping[str, _Index] = {
    "due_kind": _Index("next_at", lambda one: _due_kind(one) if one.is_dated else None),
    # No list but that of what is due has one whose submitter has not proven their mailbox.
    "listed_as": _Index(
        "is_unproven", lambda one: None if one.is_unproven else keys.listed(one.force, one.form)
    ),
    "listed_at": _Index("submitted_at", lambda one: one.submitted_at),
    "everywhere_as": _Index("moved_to", lambda one: None if one.moved_to or one.is_unproven else one.form),
    "public_as": _Index("status", lambda one: keys.PUBLIC if publication.is_public(one) else None),
}

_ATTRIBUTES: Sequence[tuple[str, str, Write]] = (
    *(
        (attribute, field, write)
        for field, stored in _FIELDS.items()
        for attribute, write in stored.attributes.items()
    ),
    *((attribute, index.follows, index.write) for attribute, index in _FOR_INDEXES.items()),
)
"""Every attribute, the field that it is rewritten with, and what it holds."""


def submission_item(one: Submission) -> SubmissionItem:
    """The item of a submission."""
    values = {attribute: write(one) for attribute, _, write in _ATTRIBUTES}
    return SubmissionItem(keys.case(one.force, one.reference), keys.SUBMISSION, **values)


def submission_from(item: SubmissionItem) -> Submission:
    """The submission of an item, of this release or an earlier one."""
    return Submission(**{name: stored.read(item) for name, stored in _FIELDS.items()})


def rewritten(*, amended: bool, confirmed: bool) -> list[str]:
    """The attributes that a change of a submission rewrites. Everything else stands as it is."""
    kept = {*FIXED, *(() if amended else AMENDED), *(() if confirmed else CONFIRMED)}
    return [attribute for attribute, field, _ in _ATTRIBUTES if field not in kept]


def _first_title(item: SubmissionItem) -> str:
    """The title of what the first release stored without one: the answer that is called a title."""
    titles = (text for name, text in item.answers.items() if name.endswith("_title"))
    return str(next(titles, item.reference))


def _due_kind(one: Submission) -> str:
    return keys.DUE_SUBMISSION if one.is_open else keys.DUE_UNCONFIRMED


def _held(item: SubmissionItem) -> Held:
    """What the fund holds for it. Items of the first release do not say: there, the first approval reserved all."""
    if item.reserved_pence is not None and item.committed_pence is not None:
        return Held(reserved=item.reserved_pence, committed=item.committed_pence)
    is_reserved = bool(item.waiting_for) and bool(item.approved_by)
    return Held(
        reserved=item.amount_pence if is_reserved else 0,
        committed=item.amount_pence if Status(item.status).commits_money else 0,
    )
