"""Signing in with a provider, and linking, against a DynamoDB that breaks off before a commit, after it, or once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.errors import Gone, InvalidAnswers, Unavailable
from chalicelib.domain.people.identities import Attempt, Identity, Link, Linking, identity_of
from chalicelib.domain.people.person_changes import What
from chalicelib.services.changes import LinkIdentity
from chalicelib.services.people import openid
from chalicelib.services.people.signing_in import SignedIn
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_person
from tests.contract.broken_line import Line, after, before
from tests.fakes import KENTS, MemoryProviders


@pytest.fixture
def line(dynamo_parts: Parts, no_pauses: None) -> Iterator[Line]:
    line = Line()
    yield line
    line.end()


@dataclass
class Door:
    """Ann, whom Kent Police's provider knows as `jo`, and her browser."""

    parts: Parts
    attempts: list[Attempt] = field(default_factory=list)

    def leave(self) -> Attempt:
        _, attempt = openid.leave(self.parts, "kents")
        return attempt

    def come_back(self, attempt: Attempt) -> SignedIn | Identity:
        return openid.come_back(self.parts, attempt, {"state": attempt.state, "code": "jo's"})

    def linking(self) -> tuple[Linking, str, str]:
        """Back from the provider for the first time, with a mailed code: what it links, the mailbox, the code."""
        identity = self.come_back(self.leave())
        assert isinstance(identity, Identity)
        linking = Linking(identity=identity, at=self.parts.now())
        mailbox = openid.ask_code(self.parts, linking, "ann@example.police.uk", source="")
        (pair,) = self.parts.accounts.pairs([mailbox])
        return linking, mailbox, self.parts.seals.code(pair)

    def sessions(self) -> int:
        return len(self.parts.accounts.sessions("ann", now=self.parts.now()))

    def trail(self) -> list[What]:
        return [one.what for one in self.parts.leavings.changes("ann")]


@pytest.fixture
def door(dynamo_parts: Parts) -> Door:
    providers = MemoryProviders(codes={"jo's": {"sub": "jo"}})
    parts = replace(dynamo_parts, providers=providers)
    ann = replace(a_person("ann"), address="ann@example.police.uk")
    parts.people.register([ann])  # type: ignore[attr-defined]
    return Door(parts)


def link_ann(door: Door) -> None:
    identity = identity_of(KENTS, {"sub": "jo"}, MONDAY, is_recent=False)
    link = Link(digest=identity.digest, issuer="kents", person_id="ann", linked_at=MONDAY)
    door.parts.records.commit([LinkIdentity(link=link)])


def test_a_sign_in_that_is_cut_off_before_it_is_stored_can_be_tried_again(line: Line, door: Door) -> None:
    link_ann(door)
    attempt, table = door.leave(), line.table()
    line.cut(before)
    with pytest.raises(Unavailable):
        door.come_back(attempt)
    assert line.table() == table
    line.mend()
    assert isinstance(door.come_back(attempt), SignedIn)
    assert door.sessions() == 1


def test_a_sign_in_whose_answer_is_lost_for_good_is_not_done_twice(line: Line, door: Door) -> None:
    link_ann(door)
    attempt = door.leave()
    line.cut(after)
    with pytest.raises(Unavailable):
        door.come_back(attempt)
    line.mend()
    with pytest.raises(Gone):
        door.come_back(attempt)
    assert door.sessions() == 1, "one that nobody has the secret of"
    assert isinstance(door.come_back(door.leave()), SignedIn)


@pytest.mark.parametrize("how", [before, after])
def test_a_sign_in_that_is_asked_for_again_by_the_sdk_is_done_once(
    line: Line, door: Door, how: object
) -> None:
    link_ann(door)
    line.cut(how, times=1)  # type: ignore[arg-type]
    assert isinstance(door.come_back(door.leave()), SignedIn)
    assert door.sessions() == 1


def test_a_linking_that_is_cut_off_before_it_is_stored_leaves_the_code_as_it_was(
    line: Line, door: Door
) -> None:
    linking, mailbox, code = door.linking()
    table = line.table()
    line.cut(before)
    with pytest.raises(Unavailable):
        openid.link(door.parts, linking, mailbox, code)
    assert line.table() == table
    line.mend()
    openid.link(door.parts, linking, mailbox, code)
    assert (door.sessions(), len(openid.links(door.parts, "ann"))) == (1, 1)
    assert door.trail() == [What.LINKED]


def test_a_linking_whose_answer_is_lost_for_good_is_whole(line: Line, door: Door) -> None:
    linking, mailbox, code = door.linking()
    line.cut(after)
    with pytest.raises(Unavailable):
        openid.link(door.parts, linking, mailbox, code)
    line.mend()
    with pytest.raises(InvalidAnswers):
        openid.link(door.parts, linking, mailbox, code)
    assert door.parts.identities.holder(linking.identity.digest) == "ann"
    assert door.trail() == [What.LINKED]
    assert isinstance(door.come_back(door.leave()), SignedIn)


@pytest.mark.parametrize("how", [before, after])
def test_a_removal_that_is_cut_off_is_whole_or_not_at_all_and_can_be_repeated(
    line: Line, door: Door, how: object
) -> None:
    link_ann(door)
    (link,) = openid.links(door.parts, "ann")
    name = openid.name_of(link)
    line.cut(how)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        openid.unlink(door.parts, "ann", name)
    line.mend()
    left = openid.links(door.parts, "ann")
    assert (door.parts.identities.holder(link.digest) is None) == (left == []) == (how is after)
    openid.unlink(door.parts, "ann", name)
    assert openid.links(door.parts, "ann") == []
    assert door.trail() == [What.UNLINKED]
    assert isinstance(door.come_back(door.leave()), Identity)
