"""Domain and services on the fakes. The network is off: what reaches for it fails at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from chalicelib.domain.timeline import faults
from tests import fakes
from tests.builders import Story, the_people


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a unit test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def story() -> Iterator[Story]:
    """Claims through the services, in memory. Whatever a test did, these promises hold at its end."""
    parts = fakes.parts()
    parts.people.register(the_people())  # type: ignore[attr-defined]
    parts.funds.open_fund(  # type: ignore[attr-defined]
        "ptf",
        name="the Police Transformation Fund",
        total_pence=2_000_000,
        caps={"kent": 1_000_000, "essex": 1_000_000},
    )
    yield Story(parts)
    store: fakes.Store = parts.records.store  # type: ignore[attr-defined]
    check_promises(store)


def check_promises(store: fakes.Store) -> None:
    """Every timeline verifies, nothing waits without an owner and a date, every penny is somewhere."""
    for one in store.of_kind("submission"):
        case = fakes.MemoryForceRecords(store, one.force).case(one.reference)
        assert faults(case.entries, one.chain, case.texts) == []
        assert one.is_open == bool(one.waiting_for) == bool(one.due_at)
        assert sum(task.state.value == "open" for task in case.tasks) <= 1
        if not one.is_open:
            assert case.open_task is None
    fund = fakes.MemoryFunds(store).fund("ptf")
    for name in ("reserved", "committed"):
        assert getattr(fund.balance, name) == sum(getattr(share, name) for share in fund.forces.values())
    assert min([fund.balance.available, *(share.available for share in fund.forces.values())]) >= 0
    held = {key[2]: item for key, item in store.items.items() if key[0] == "reservation"}
    assert fund.balance.reserved == sum(amount for amount, state in held.values() if state == "reserved")
    assert fund.balance.committed == sum(amount for amount, state in held.values() if state == "committed")
    for one in store.of_kind("submission"):
        expected = {"approved": "committed", "rejected": "released"}.get(one.status.value, "reserved")
        if one.reference in held:
            assert held[one.reference] == (one.amount_pence, expected)
        else:
            assert one.status.value != "approved"
