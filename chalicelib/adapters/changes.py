"""Each change as operations of one TransactWriteItems, with the condition that must hold for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import singledispatchmethod

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import case_items, items, keys
from chalicelib.adapters.tables import (
    BalanceItem,
    ContentItem,
    DeliveryItem,
    HoldingItem,
    LineItem,
    MailboxItem,
    PersonalItem,
    ReferenceItem,
    ReservationItem,
    Row,
    SubmissionItem,
    TaskItem,
    TextItem,
    TokenItem,
)
from chalicelib.domain.fund import Held, Kind, Movement
from chalicelib.domain.submissions import TaskState
from chalicelib.services.changes import (
    AddDelivery,
    AddEntry,
    AddSubmission,
    AddTask,
    CancelDelivery,
    Change,
    ChangeSubmission,
    CloseTask,
    CountMailbox,
    KeepContent,
    KeepKey,
    KeepPersonal,
    KeepToken,
    KeepVersion,
    KnownReference,
    MoveMoney,
    MoveSubmission,
    NotThere,
    ReopenTask,
    StillHolds,
)


def place(transaction: TransactWrite, changes: Sequence[Change], *, relay_grace: timedelta) -> list[Change]:
    """Put all changes into the transaction. Returns the change behind each operation, in the order in which
    DynamoDB reports its reasons (PynamoDB sends checks first, then deletes, puts and updates)."""
    placer = _Placer(transaction, relay_grace)
    for change in changes:
        placer.add(change)
    return [*placer.checks, *placer.deletes, *placer.puts, *placer.updates]


class _Placer:
    def __init__(self, transaction: TransactWrite, relay_grace: timedelta) -> None:
        self._transaction = transaction
        self._relay_grace = relay_grace
        self.checks: list[Change] = []
        self.deletes: list[Change] = []
        self.puts: list[Change] = []
        self.updates: list[Change] = []

    @singledispatchmethod
    def add(self, change: Change) -> None:
        raise TypeError(f"unknown change: {type(change).__name__}")

    def _put(self, change: Change, item: Row) -> None:
        """Put if absent."""
        self._transaction.save(item, condition=Row.pk.does_not_exist())
        self.puts.append(change)

    def _update(self, change: Change, item: Row, actions: list[Action], condition: Condition) -> None:
        self._transaction.update(item, actions=actions, condition=condition)
        self.updates.append(change)

    def _check(self, change: Change, model: type[Row], pk: str, sk: str) -> None:
        self._transaction.condition_check(model, pk, sk, condition=Row.pk.exists())
        self.checks.append(change)

    @add.register
    def _(self, change: AddSubmission) -> None:
        one = change.submission
        pk = keys.case(one.force, one.reference)
        self._put(change, ReferenceItem(keys.reference(one.reference), keys.ONLY, force=one.force))
        self._put(change, case_items.submission_item(one))
        self._put(change, PersonalItem(pk, keys.PERSONAL, answers=dict(change.personal)))

    @add.register
    def _(self, change: ChangeSubmission) -> None:
        one = change.submission
        fresh = case_items.submission_item(one)
        names = case_items.CHANGING + case_items.AMENDED if change.amended else case_items.CHANGING
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
        self._put(change, case_items.submission_item(one))
        item = ReferenceItem(keys.reference(one.reference), keys.ONLY)
        self._update(change, item, [ReferenceItem.force.set(one.force)], ReferenceItem.force == change.was_at)

    @add.register
    def _(self, change: KeepPersonal) -> None:
        pk = keys.case(change.submission.force, change.submission.reference)
        self._transaction.save(PersonalItem(pk, keys.PERSONAL, answers=dict(change.personal)))
        self.puts.append(change)

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
            TaskItem.listed_as.set(keys.asked(change.task.person_id)),
            TaskItem.listed_at.set(change.task.due_at),
        ]
        self._update(change, case_items.task_item(change.task), actions, TaskItem.state == change.was.value)

    @add.register
    def _(self, change: CancelDelivery) -> None:
        item = DeliveryItem(keys.delivery(change.delivery_id), keys.ONLY)
        is_free = DeliveryItem.done_at.does_not_exist() & DeliveryItem.claimed_until.does_not_exist()
        self._transaction.delete(item, condition=Row.pk.exists() & is_free)
        self.deletes.append(change)

    @add.register
    def _(self, change: AddEntry) -> None:
        one = change.submission
        pk = keys.case(one.force, one.reference)
        self._put(change, case_items.entry_item(pk, change.entry))
        if change.text is not None:
            text = change.text
            item = TextItem(
                pk,
                keys.text(text.sequence),
                sequence=text.sequence,
                words=text.words,
                salt=text.salt,
                parts=dict(text.parts) or None,
            )
            self._put(change, item)

    @add.register
    def _(self, change: KeepToken) -> None:
        one = change.submission
        kept = change.token_for
        item = TokenItem(
            keys.case(one.force, one.reference),
            keys.TOKEN,
            token=change.token,
            round=kept.wait.round,
            stage=kept.wait.stage,
            asked_as=kept.wait.asked_as.value,
            version=kept.wait.version,
            revision=kept.revision,
        )
        self._transaction.save(item)  # a newer wait replaces an older one; the revision beside it orders them
        self.puts.append(change)

    @add.register
    def _(self, change: AddDelivery) -> None:
        self._put(change, items.delivery_item(change.delivery, self._relay_grace))

    @add.register
    def _(self, change: KeepKey) -> None:
        record = change.record
        # An expired key may be used anew, also before DynamoDB has removed it.
        item = items.key_item(record)
        expired = type(item).expires_at <= record.submitted_at
        self._transaction.save(item, condition=Row.pk.does_not_exist() | expired)
        self.puts.append(change)

    @add.register
    def _(self, change: KeepContent) -> None:
        record = change.record
        condition: Condition | None = None
        if not change.anyway:
            condition = Row.pk.does_not_exist() | (ContentItem.expires_at <= record.submitted_at)
            if change.in_place_of:
                condition |= ContentItem.reference == change.in_place_of
        self._transaction.save(items.content_item(record), condition=condition)
        self.puts.append(change)

    @add.register
    def _(self, change: CountMailbox) -> None:
        item = MailboxItem(keys.mailbox(change.mailbox), keys.hour(change.hour))
        actions: list[Action] = [
            MailboxItem.counted.add(1),
            Row.kind.set(MailboxItem),  # the first of the hour makes the item
            Row.ttl.set(items.seconds(change.hour + timedelta(hours=2))),
        ]
        is_free = MailboxItem.counted.does_not_exist() | (MailboxItem.counted < change.limit)
        self._update(change, item, actions, is_free)

    @add.register
    def _(self, change: StillHolds) -> None:
        self._check(change, HoldingItem, keys.holding(change.holding), change.person_id)

    @add.register
    def _(self, change: NotThere) -> None:
        pk = keys.case(change.force, change.reference)
        self._transaction.condition_check(
            SubmissionItem, pk, keys.SUBMISSION, condition=Row.pk.does_not_exist()
        )
        self.checks.append(change)

    @add.register
    def _(self, change: KnownReference) -> None:
        self._check(change, ReferenceItem, keys.reference(change.reference), keys.ONLY)

    @add.register
    def _(self, change: MoveMoney) -> None:
        move = change.movement
        self._put(change, _line(move))
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
            is_held(move.before),
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


def is_held(before: Held) -> Condition:
    """That a reservation says just this. An item of an earlier release says nothing of payments: there were none."""
    reserved, committed = ReservationItem.reserved_pence, ReservationItem.committed_pence
    held: Condition = (reserved == before.reserved) & (committed == before.committed)
    for paid, pence in (
        (ReservationItem.spent_pence, before.spent),
        (ReservationItem.returned_pence, before.returned),
    ):
        held &= (paid == pence) if pence else (paid.does_not_exist() | (paid == 0))
    if before == Held():
        held |= Row.pk.does_not_exist()
    elif before.spent:  # there were no payments in the first release
        return held
    elif not (before.reserved and before.committed):  # it may be an item of the first release
        state, amount = ("reserved", before.reserved) if before.reserved else ("committed", before.committed)
        is_first_release = reserved.does_not_exist() & (ReservationItem.state == state)
        held |= is_first_release & (ReservationItem.amount_pence == amount)
    return held


def _line(move: Movement) -> LineItem:
    return LineItem(
        keys.ledger(move.fund),
        keys.line(move.reference, move.revision),
        force=move.force,
        reference=move.reference,
        movement=move.kind.value,
        note=move.note or None,
        amount_pence=move.amount_pence,
        at=move.at,
    )
