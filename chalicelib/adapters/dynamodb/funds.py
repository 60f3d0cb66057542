"""The funds in DynamoDB. Money is moved by Records.commit, in the transaction that moves the claim."""

from __future__ import annotations

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.tables import BalanceItem, LineItem, ReservationItem, Row
from chalicelib.domain.errors import NotFound
from chalicelib.domain.money.fund import Balance, Fund, Held, Kept, Ledger


class DynamoFunds:
    """The funds and their balances."""

    def fund(self, fund_id: str, *, force: str = "") -> Fund:
        """One consistent query: the balance and the shares of the forces. For one force one BatchGetItem of the two:
        an approver waits for it, and need not wait for 43 forces'."""
        pk = keys.fund(fund_id)
        with in_our_words():
            if force:
                two = [(pk, keys.FUND_BALANCE), (pk, keys.share(force))]
                found = list(Row.batch_get(two, consistent_read=True))
            else:
                found = list(Row.query(pk, consistent_read=True))
        rows = [row for row in found if isinstance(row, BalanceItem)]
        shares = {row.sk: items.balance_from(row) for row in rows}
        main = next((row for row in rows if row.sk == keys.FUND_BALANCE), None)
        if main is None:
            raise NotFound("There is no such fund.")
        balance = shares.pop(keys.FUND_BALANCE)
        forces = {keys.value(sk): share for sk, share in shares.items()}
        return Fund(id=fund_id, name=main.name or fund_id, balance=balance, forces=forces)

    def ledger(self, fund_id: str) -> Ledger:
        """One consistent query of the whole ledger: a call for each megabyte, which is some 4,000 lines."""
        lines, kept = [], {}
        with in_our_words():
            for row in Row.query(keys.ledger(fund_id), consistent_read=True):
                if isinstance(row, LineItem):
                    lines.append(items.line_from(row))
                elif isinstance(row, ReservationItem):
                    kept[keys.value(row.sk)] = items.held_from(row)
        return Ledger(lines=tuple(lines), kept=kept)

    def kept(self, fund_id: str) -> list[Kept]:
        """One consistent query."""
        with in_our_words():
            rows = [
                row
                for row in Row.query(keys.fund(fund_id), consistent_read=True)
                if isinstance(row, BalanceItem)
            ]
        return [
            Kept(
                force=keys.value(row.sk),
                balance=items.balance_from(row),
                available=row.available,
            )
            for row in rows
        ]

    def recompute(self, fund_id: str, seen: Kept, balance: Balance) -> bool:
        """One update, on condition that every figure is the one seen."""
        sk = keys.share(seen.force) if seen.force else keys.FUND_BALANCE
        was, figures = seen.balance, BalanceItem
        condition = (
            (figures.total == was.total)
            & (figures.available == seen.available)
            & (figures.reserved == was.reserved)
            & (figures.committed == was.committed)
            & (figures.spent == was.spent)
            & (figures.returned == was.returned)
        )
        actions: list[Action] = [
            figures.available.set(balance.available),
            figures.reserved.set(balance.reserved),
            figures.committed.set(balance.committed),
            figures.spent.set(balance.spent),
            figures.returned.set(balance.returned),
        ]
        return _update(BalanceItem(keys.fund(fund_id), sk), actions, condition)

    def recompute_held(self, fund_id: str, reference: str, seen: Held, held: Held) -> bool:
        """One update, on condition that it says what was seen."""
        actions: list[Action] = [
            Row.kind.set(ReservationItem),
            ReservationItem.reserved_pence.set(held.reserved),
            ReservationItem.committed_pence.set(held.committed),
            ReservationItem.spent_pence.set(held.spent),
            ReservationItem.returned_pence.set(held.returned),
        ]
        item = ReservationItem(keys.ledger(fund_id), keys.reservation(reference))
        return _update(item, actions, items.is_held(seen))

    def open_fund(self, fund_id: str, *, name: str, total_pence: int, caps: dict[str, int]) -> None:
        """Make a fund and the forces' shares where they are missing. What is there keeps its balance."""
        self._open(fund_id, keys.FUND_BALANCE, total_pence, name)
        for force, cap_pence in caps.items():
            self._open(fund_id, keys.share(force), cap_pence, None)

    def _open(self, fund_id: str, sk: str, total: int, name: str | None) -> None:
        item = BalanceItem(
            keys.fund(fund_id),
            sk,
            name=name,
            total=total,
            available=total,
            reserved=0,
            committed=0,
            spent=0,
            returned=0,
        )
        with in_our_words():
            try:
                item.save(condition=Row.pk.does_not_exist())
            except PutError as error:
                if not is_condition(error):
                    raise


def _update(item: Row, actions: list[Action], condition: Condition) -> bool:
    with in_our_words():
        try:
            item.update(actions=actions, condition=condition)
        except UpdateError as error:
            if not is_condition(error):
                raise
            return False
    return True
