"""The funds in DynamoDB. Money is moved by Records.commit, in the transaction that moves the claim."""

from __future__ import annotations

from pynamodb.exceptions import PutError

from chalicelib.adapters import items, keys
from chalicelib.adapters.failures import in_our_words, is_condition
from chalicelib.adapters.tables import BalanceItem, Row
from chalicelib.domain.errors import NotFound
from chalicelib.domain.fund import Fund


class DynamoFunds:
    """The funds and their balances."""

    def fund(self, fund_id: str) -> Fund:
        """One consistent query: the balance and the shares of the forces."""
        with in_our_words():
            rows = [
                row
                for row in Row.query(keys.fund(fund_id), consistent_read=True)
                if isinstance(row, BalanceItem)
            ]
        shares = {row.sk: items.balance_from(row) for row in rows}
        main = next((row for row in rows if row.sk == keys.FUND_BALANCE), None)
        if main is None:
            raise NotFound("There is no such fund.")
        balance = shares.pop(keys.FUND_BALANCE)
        forces = {sk.partition("#")[2]: share for sk, share in shares.items()}
        return Fund(id=fund_id, name=main.name or fund_id, balance=balance, forces=forces)

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
