"""Each change as operations of one TransactWriteItems, with the condition that must hold for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import singledispatchmethod
from typing import Any

from pynamodb.connection import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import case_items, entry_items, items, keys, parcels
from chalicelib.adapters.dynamodb.submission_items import rewritten, submission_item
from chalicelib.adapters.dynamodb.tables import (
    BalanceItem,
    ContentItem,
    DeliveryItem,
    MailboxItem,
    PairItem,
    PersonalItem,
    ReferenceItem,
    ReservationItem,
    Row,
    SessionItem,
    SourceItem,
    SubmissionItem,
    TaskItem,
)
from chalicelib.domain.delivery.deliveries import read_address
from chalicelib.domain.money.fund import Kind, Movement
from chalicelib.domain.records.submissions import TaskState
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.changes import (
    AddDelivery,
    AddEntry,
    AddPersonChange,
    AddSession,
    AddSubmission,
    AddTask,
    CancelDelivery,
    Change,
    ChangeSubmission,
    CloseTask,
    CountMailbox,
    CountSource,
    KeepContent,
    KeepKey,
    KeepPair,
    KeepPersonal,
    KeepToken,
    KeepVersion,
    KnownReference,
    LinkIdentity,
    MoveMoney,
    MoveSubmission,
    NotThere,
    ProveSession,
    ReopenTask,
    StillHolds,
    UseState,
)

Operation = tuple[Change, dict[str, Any]]
"""A change, and what is asked of DynamoDB for it."""

_IF_ABSENT = {"ConditionExpression": "attribute_not_exists (pk)"}


def _if_absent_or_expired(now: datetime) -> dict[str, Any]:
    """An expired item may be put anew, also before DynamoDB has removed it."""
    return {
        "ConditionExpression": "attribute_not_exists (pk) OR expires_at <= :now",
        "ExpressionAttributeValues": {":now": items.moment(now)},
    }


class Placed:
    """All changes as operations of one TransactWriteItems. They may be sent again as they are. `sealed` gives an entry
    its MAC."""

    def __init__(
        self, changes: Sequence[Change], *, relay_grace: timedelta, sealed: Callable[[AddEntry], Entry]
    ) -> None:
        self._relay_grace = relay_grace
        self._sealed = sealed
        self._checks: list[Operation] = []
        self._deletes: list[Operation] = []
        self._puts: list[Operation] = []
        self._updates: list[Operation] = []
        self._gathered: dict[str, list[AddDelivery]] = {}
        self._cancelled: dict[str, list[CancelDelivery]] = {}
        prepared = parcels.prepared(changes)
        self._as_given = dict(zip(map(id, prepared), changes))
        for change in prepared:
            self.add(change)
        self._place_parcels()

    def _place_parcels(self) -> None:
        """One item for the deliveries that belong together: DynamoDB takes no item twice in a transaction."""
        for added in self._gathered.values():
            parts = [change.delivery for change in added]
            self._put(added[0], parcels.parcel_item(parts, self._relay_grace))
        for parcel, cancelled in self._cancelled.items():
            ids = [read_address(change.delivery_id)[1] for change in cancelled]
            self._updates.append((cancelled[0], parcels.cancelling(parcel, ids)))

    def send(self, connection: Connection) -> None:
        """Raises PynamoDB's TransactWriteError; its reasons are in the order of `changes`."""
        connection.transact_write_items(
            condition_check_items=[given for _, given in self._checks],
            delete_items=[given for _, given in self._deletes],
            put_items=[given for _, given in self._puts],
            update_items=[given for _, given in self._updates],
        )

    @property
    def changes(self) -> list[Change]:
        """The change behind each operation: PynamoDB sends checks first, then deletes, puts and updates."""
        placed = (*self._checks, *self._deletes, *self._puts, *self._updates)
        return [self._as_given[id(change)] for change, _ in placed]

    @singledispatchmethod
    def add(self, change: Change) -> None:
        """One more change."""
        raise TypeError(f"unknown change: {type(change).__name__}")

    def _put(self, change: Change, item: Row, condition: Mapping[str, Any] = _IF_ABSENT) -> None:
        """Put if absent, or on another condition that is written down already. What most changes are: to let PynamoDB
        make each condition, and take each key apart and put it together again, is a tenth of a submission's work."""
        self._puts.append((change, {"TableName": Row.Meta.table_name, "Item": item.serialize(), **condition}))

    def _put_if(self, change: Change, item: Row, condition: Condition | None = None) -> None:
        self._puts.append((change, item.get_save_kwargs_from_instance(condition=condition)))

    def _update(self, change: Change, item: Row, actions: list[Action], condition: Condition) -> None:
        self._updates.append((change, item.get_update_kwargs_from_instance(actions, condition)))

    def _check(self, change: Change, pk: str, sk: str, condition: Condition) -> None:
        self._checks.append((change, Row.get_operation_kwargs_from_class(pk, sk, condition)))

    @add.register
    def _(self, change: AddSubmission) -> None:
        one = change.submission
        pk = keys.case(one.force, one.reference)
        self._put(change, ReferenceItem(keys.reference(one.reference), keys.ONLY, force=one.force))
        self._put(change, submission_item(one))
        personal, salt = dict(change.personal), change.salt or None
        self._put(change, PersonalItem(pk, keys.PERSONAL, answers=personal, salt=salt))

    @add.register
    def _(self, change: ChangeSubmission) -> None:
        one = change.submission
        fresh = submission_item(one)
        names = rewritten(amended=change.amended, confirmed=change.confirmed)
        actions: list[Action] = [
            getattr(SubmissionItem, name).set(getattr(fresh, name))
            for name in names
            if getattr(fresh, name) is not None
        ]
        actions += [getattr(SubmissionItem, name).remove() for name in names if getattr(fresh, name) is None]
        self._update(change, fresh, actions, SubmissionItem.revision == one.revision - 1)

    @add.register
    def _(self, change: MoveSubmission) -> None:
        one = change.submission
        self._put(change, submission_item(one))
        item = ReferenceItem(keys.reference(one.reference), keys.ONLY)
        self._update(change, item, [ReferenceItem.force.set(one.force)], ReferenceItem.force == change.was_at)

    @add.register
    def _(self, change: KeepPersonal) -> None:
        pk = keys.case(change.submission.force, change.submission.reference)
        personal, salt = dict(change.personal), change.salt or None
        self._put_if(change, PersonalItem(pk, keys.PERSONAL, answers=personal, salt=salt))

    @add.register
    def _(self, change: KeepVersion) -> None:
        for item in case_items.version_items(change.submission, change.version):
            self._put(change, item)

    @add.register
    def _(self, change: AddTask) -> None:
        self._put(change, case_items.task_item(change.task))

    @add.register
    def _(self, change: CloseTask) -> None:
        task = change.task
        actions: list[Action] = [
            TaskItem.state.set(task.state.value),
            TaskItem.ended_by.set(task.ended_by),
            TaskItem.due_kind.remove(),
            TaskItem.due_at.remove(),
            TaskItem.listed_as.remove(),
            TaskItem.listed_at.remove(),
        ]
        if task.decided_at is not None:
            actions += [
                TaskItem.decision.set(task.decision),
                TaskItem.decided_at.set(task.decided_at),
                TaskItem.seen.set(task.seen),
            ]
        self._update(change, case_items.task_item(task), actions, TaskItem.state == TaskState.OPEN.value)

    @add.register
    def _(self, change: ReopenTask) -> None:
        actions: list[Action] = [
            TaskItem.state.set(TaskState.OPEN.value),
            TaskItem.ended_by.set(0),
            TaskItem.decision.remove(),
            TaskItem.decided_at.remove(),
            TaskItem.seen.remove(),
            TaskItem.due_kind.set(keys.asked_in(change.task.force, change.task.person_id)),
            TaskItem.due_at.set(change.task.due_at),
            TaskItem.listed_as.set(keys.asked(change.task.person_id)),
            TaskItem.listed_at.set(change.task.due_at),
        ]
        self._update(change, case_items.task_item(change.task), actions, TaskItem.state == change.was.value)

    @add.register
    def _(self, change: CancelDelivery) -> None:
        parcel, delivery_id = read_address(change.delivery_id)
        if parcel:
            self._cancelled.setdefault(parcel, []).append(change)
            return
        item = DeliveryItem(keys.delivery(delivery_id), keys.ONLY)
        is_free = DeliveryItem.done_at.does_not_exist() & DeliveryItem.claimed_until.does_not_exist()
        self._deletes.append((change, item.get_delete_kwargs_from_instance(Row.pk.exists() & is_free)))

    @add.register
    def _(self, change: AddEntry) -> None:
        one = change.submission
        pk = keys.case(one.force, one.reference)
        self._put(change, entry_items.entry_item(pk, self._sealed(change)))
        if change.text is not None:
            self._put(change, entry_items.text_item(pk, change.text))

    @add.register
    def _(self, change: KeepToken) -> None:
        item = case_items.token_item(change.submission, change.token, change.token_for)
        self._put_if(change, item)  # a newer wait replaces an older one; the revision beside it orders them

    @add.register
    def _(self, change: AddDelivery) -> None:
        if change.delivery.parcel:
            self._gathered.setdefault(change.delivery.parcel, []).append(change)
            return
        self._put(change, items.delivery_item(change.delivery, self._relay_grace))

    @add.register
    def _(self, change: KeepKey) -> None:
        record = change.record
        self._put(change, items.key_item(record), _if_absent_or_expired(record.submitted_at))

    @add.register
    def _(self, change: KeepContent) -> None:
        record = change.record
        item = items.content_item(record)
        if change.anyway:
            self._put_if(change, item)
        elif change.in_place_of:
            expired = ContentItem.expires_at <= record.submitted_at
            given_up = ContentItem.reference == change.in_place_of
            self._put_if(change, item, Row.pk.does_not_exist() | expired | given_up)
        else:
            self._put(change, item, _if_absent_or_expired(record.submitted_at))

    @add.register
    def _(self, change: CountMailbox) -> None:
        item = MailboxItem(keys.mailbox(change.mailbox), keys.hour(change.hour))
        self._count(change, item, change.hour, change.limit)

    @add.register
    def _(self, change: CountSource) -> None:
        item = SourceItem(keys.source(change.source), keys.hour(change.hour))
        self._count(change, item, change.hour, change.limit)

    def _count(self, change: Change, item: MailboxItem | SourceItem, hour: datetime, limit: int) -> None:
        """One more in an hour, of which the first makes the item."""
        kind = type(item)
        actions: list[Action] = [
            kind.counted.add(1),
            Row.kind.set(kind),
            Row.ttl.set(items.seconds(hour + timedelta(hours=2))),
        ]
        self._update(change, item, actions, kind.counted.does_not_exist() | (kind.counted < limit))

    @add.register
    def _(self, change: KeepPair) -> None:
        from chalicelib.adapters.dynamodb import sign_in_items  # only signing in has a use for it

        item = sign_in_items.pair_item(change.pair)
        names = sign_in_items.CHANGING
        actions: list[Action] = [
            getattr(PairItem, name).set(getattr(item, name))
            for name in names
            if getattr(item, name) is not None
        ]
        actions += [getattr(PairItem, name).remove() for name in names if getattr(item, name) is None]
        actions.append(Row.kind.set(PairItem))  # the first change makes the item
        seen = change.pair.version - 1
        self._update(change, item, actions, PairItem.version == seen if seen else Row.pk.does_not_exist())

    @add.register
    def _(self, change: AddSession) -> None:
        from chalicelib.adapters.dynamodb import sign_in_items

        self._put(change, sign_in_items.session_item(change.session))

    @add.register
    def _(self, change: ProveSession) -> None:
        item = SessionItem(keys.person(change.session.person_id), keys.session(change.session.digest))
        actions: list[Action] = [SessionItem.proved_at.set(change.at), SessionItem.used_at.set(change.at)]
        self._update(change, item, actions, Row.pk.exists())

    @add.register
    def _(self, change: UseState) -> None:
        from chalicelib.adapters.dynamodb import identity_items

        self._put(change, identity_items.state_item(change.digest, change.expires_at))

    @add.register
    def _(self, change: LinkIdentity) -> None:
        from chalicelib.adapters.dynamodb import identity_items

        for item in identity_items.link_items(change.link):
            self._put(change, item)

    @add.register
    def _(self, change: AddPersonChange) -> None:
        from chalicelib.adapters.dynamodb import people_tables

        self._put(change, people_tables.person_change_item(change.change))

    @add.register
    def _(self, change: StillHolds) -> None:
        self._check(change, keys.holding(change.holding), change.person_id, Row.pk.exists())

    @add.register
    def _(self, change: NotThere) -> None:
        pk = keys.case(change.force, change.reference)
        self._check(change, pk, keys.SUBMISSION, Row.pk.does_not_exist())

    @add.register
    def _(self, change: KnownReference) -> None:
        self._check(change, keys.reference(change.reference), keys.ONLY, Row.pk.exists())

    @add.register
    def _(self, change: MoveMoney) -> None:
        move = change.movement
        self._put(change, items.line_item(move))
        self._hold(change, move)
        for sk in (keys.FUND_BALANCE, keys.share(move.force)):
            self._move_balance(change, move, sk)

    def _hold(self, change: MoveMoney, move: Movement) -> None:
        """What is held for the claim, on condition that it is what the movement takes it to be."""
        self._update(
            change,
            ReservationItem(keys.ledger(move.fund), keys.reservation(move.reference)),
            [
                Row.kind.set(ReservationItem),  # the first movement makes the item
                ReservationItem.reserved_pence.set(move.after.reserved),
                ReservationItem.committed_pence.set(move.after.committed),
                ReservationItem.spent_pence.set(move.after.spent),
                ReservationItem.returned_pence.set(move.after.returned),
            ],
            items.is_held(move.before),
        )

    def _move_balance(self, change: MoveMoney, move: Movement, sk: str) -> None:
        """The same for the fund and for the force's share: what is taken must be there."""
        source, target = {
            Kind.RESERVE: (BalanceItem.available, BalanceItem.reserved),
            Kind.COMMIT: (BalanceItem.reserved, BalanceItem.committed),
            Kind.RELEASE: (BalanceItem.reserved, BalanceItem.available),
            Kind.UNCOMMIT: (BalanceItem.committed, BalanceItem.reserved),
            Kind.CANCEL: (BalanceItem.committed, BalanceItem.available),
            Kind.PAY: (BalanceItem.committed, BalanceItem.spent),
            Kind.RETURN: (BalanceItem.spent, BalanceItem.returned),
        }[move.kind]
        actions: list[Action] = [source.add(-move.amount_pence), target.add(move.amount_pence)]
        if (
            move.kind is Kind.RETURN
        ):  # what was spent stays spent; how much of it is back, the reservation knows
            actions = [
                target.add(move.amount_pence),
                BalanceItem.available.add(move.amount_pence),
            ]
        self._update(change, BalanceItem(keys.fund(move.fund), sk), actions, source >= move.amount_pence)
