"""Domain and services on the fakes. The network is off: what reaches for it fails at once."""

from __future__ import annotations

import socket

import pytest

from tests.unit import escalation_scenes, scenes


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a unit test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


story = scenes.story
ideas = escalation_scenes.ideas
