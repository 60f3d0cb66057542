"""What seals timelines and roots, in files and by KMS; which timelines grew, in memory and on DynamoDB; and what
becomes of a change where KMS does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from moto import mock_aws

from chalicelib.adapters.aws import clients, macs, root_keys
from chalicelib.adapters.aws.macs import KeyedMacs
from chalicelib.adapters.aws.root_keys import RootKeys, is_signed_by
from chalicelib.adapters.dynamodb.records import DynamoRecords
from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.changes import AddEntry
from chalicelib.services.ports import Parts
from chalicelib.services.records import trail
from infra.local import cloud
from infra.local.data import opened
from tests.builders import MAC_KEY, MONDAY, REFERENCE, Story, added, an_entry, changed
from tests.contract.broken_line import error

DIGEST = bytes(range(32))


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """KMS by moto, and the settings of its keys; DynamoDB stays where it is."""
    clients.client.cache_clear()
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield cloud.create_timeline_keys()
    clients.client.cache_clear()


@pytest.fixture(params=["file", "kms"])
def mac_keys(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Two keys, as MAC_KEYS names them."""
    if request.param == "kms":
        first = request.getfixturevalue("amazon")["MAC_KEYS"]
        return [first, cloud.create_timeline_keys()["MAC_KEYS"]]
    (tmp_path / "another-key").write_text("ab" * 32)
    return [MAC_KEY, f"file:{tmp_path / 'another-key'}"]


def macs_of(*keys: str) -> KeyedMacs:
    return KeyedMacs([macs.key_of(key) for key in keys])


def an_addition() -> AddEntry:
    one, _ = added()
    return an_entry(one)


def is_right(made: KeyedMacs, entry: Entry, *, force: str = "kent", reference: str = REFERENCE) -> bool:
    return made.is_right(entry, force=force, reference=reference)


def test_a_mac_is_of_one_entry_in_its_place_of_one_timeline(mac_keys: list[str]) -> None:
    made = macs_of(mac_keys[0])
    entry = made.sealed(an_addition())
    assert is_right(made, entry)
    assert made.sealed(an_addition()) == entry, "to make it twice is harmless"
    assert not is_right(made, entry, force="essex")
    assert not is_right(made, entry, reference="CLM-0000-0001")
    other = "0" * 63 + "1"
    for changes in ({"hash": other}, {"previous": other}, {"sequence": 7}, {"mac": other}, {"mac": "no hex"}):
        assert not is_right(made, replace(entry, **changes)), changes  # type: ignore[arg-type]


def test_a_new_key_seals_and_the_old_one_still_verifies(mac_keys: list[str]) -> None:
    entry = macs_of(mac_keys[0]).sealed(an_addition())
    changed_keys = macs_of(mac_keys[1], mac_keys[0])
    assert is_right(changed_keys, entry)
    newer = changed_keys.sealed(an_addition())
    assert newer.mac_key != entry.mac_key
    assert is_right(changed_keys, newer)


def test_a_key_that_is_not_named_is_none_of_ours(mac_keys: list[str]) -> None:
    entry = macs_of(mac_keys[1]).sealed(an_addition())
    assert not is_right(macs_of(mac_keys[0]), entry)
    assert not is_right(macs_of(mac_keys[0]), replace(entry, mac_key="", mac=""))


def test_entries_are_stored_with_their_macs(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    parts.records.commit(changed(one)[1])
    case = parts.records.of("kent").case(REFERENCE)
    assert trail.wrong_macs(parts, case, case.entries) == []
    assert all(entry.mac and entry.state for entry in case.entries)
    assert case.entries[1].before == case.entries[0].state
    assert case.submission.chain.state == case.submission.state == case.entries[1].state


def test_the_salt_of_the_personal_answers_is_kept_with_them(parts: Parts) -> None:
    story = Story(parts=parts)
    parts.people.register([])  # type: ignore[attr-defined]
    receipt = story.submit()
    case = story.case(receipt.reference)
    assert case.salt
    assert case.seen == case.entries[0].details["answers"]


# Which timelines grew


def test_timelines_that_grew_are_found_by_when_they_did(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    moment = timedelta(microseconds=1)
    assert set(parts.timelines.moved(MONDAY, MONDAY)) == {("kent", REFERENCE)}
    assert set(parts.timelines.moved(MONDAY - timedelta(days=3), MONDAY + moment)) == {("kent", REFERENCE)}
    assert set(parts.timelines.moved(MONDAY + moment, MONDAY + timedelta(days=2))) == set()
    parts.records.commit(changed(one)[1])
    assert set(parts.timelines.moved(MONDAY + moment, MONDAY + timedelta(days=2))) == {("kent", REFERENCE)}


def test_how_far_timelines_are_verified_is_kept(parts: Parts) -> None:
    assert parts.checks.verified() is None
    first = Verified(began=MONDAY)
    later = Verified(
        began=MONDAY,
        place=("kent", REFERENCE),
        so_far=3,
        last_began=MONDAY - timedelta(days=7),
        last_ended=MONDAY,
        in_all=1_200,
    )
    for verified in (first, later, first):
        parts.checks.keep_verified(verified)
        assert parts.checks.verified() == verified
    assert parts.checks.last(limit=5) == []


# Roots


@pytest.fixture(params=["file", "kms"])
def signing(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[RootKeys, bytes]:
    """What signs, and its public half in PEM."""
    if request.param == "kms":
        named = request.getfixturevalue("amazon")["ROOT_KEYS"]
        der = boto3.client("kms").get_public_key(KeyId=named.removeprefix("kms:"))["PublicKey"]
        return RootKeys([root_keys.key_of(named)]), _pem(der)
    with opened(tmp_path / "data") as folder:
        named = folder.timeline_keys()["ROOT_KEYS"]
    return RootKeys([root_keys.key_of(named)]), (tmp_path / "data" / "root-key.pub.pem").read_bytes()


def _pem(der: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    return load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_signature_is_verified_by_the_service_and_by_anybody_with_the_public_half(
    signing: tuple[RootKeys, bytes],
) -> None:
    keys, public = signing
    key, signature = keys.sign(DIGEST)
    assert keys.is_right(DIGEST, key=key, signature=signature)
    assert is_signed_by(load_pem_public_key(public), DIGEST, signature)
    assert not is_signed_by(load_pem_public_key(public), DIGEST[::-1], signature)
    assert not keys.is_right(DIGEST[::-1], key=key, signature=signature)
    assert not keys.is_right(DIGEST, key="another", signature=signature)
    assert not keys.is_right(DIGEST, key=key, signature=b"\x30\x00" + signature[2:])


def test_the_keys_of_the_data_folder_stay_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        first = folder.timeline_keys()
        assert folder.timeline_keys() == first
    assert "SEALED_SINCE" not in first
    for name in ("mac-key", "root-key.pem"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_data_folder_that_is_older_than_its_keys_says_since_when_there_are_macs(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        folder.database.touch()
        since = folder.timeline_keys()["SEALED_SINCE"]
        assert folder.timeline_keys()["SEALED_SINCE"] == since


# KMS that does not answer


class Line:
    """What becomes of the next calls of KMS, so many of them."""

    def __init__(self) -> None:
        self._cut: Callable[[Any], AWSResponse] | None = None
        self._left = 0
        clients.client("kms").meta.events.register_first("before-send.kms", self._send)

    def cut(self, how: Callable[[Any], AWSResponse], *, times: int = 1000) -> None:
        self._cut, self._left = how, times

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._left:
            return None
        self._left -= 1
        assert self._cut is not None
        return self._cut(request)


def never_arrives(request: Any) -> AWSResponse:
    raise ConnectTimeoutError(endpoint_url=request.url, error="injected")


def loses_the_answer(request: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=request.url, error="injected")


def says(code: str, status: int = 400) -> Callable[[Any], AWSResponse]:
    return lambda request: error(code, status)(request)


FAULTS = {
    "before": never_arrives,
    "after": loses_the_answer,
    "throttled": says("ThrottlingException"),
    "disabled": says("DisabledException"),
    "denied": says("AccessDeniedException"),
    "internal": says("KMSInternalException", 500),
}


@pytest.fixture
def sealed_by_kms(dynamo_parts: Parts, amazon: dict[str, str], no_pauses: None) -> Parts:
    made = macs_of(amazon["MAC_KEYS"])
    records = DynamoRecords(relay_grace=timedelta(seconds=60), macs=made)
    return replace(dynamo_parts, records=records, macs=made)


@pytest.mark.parametrize("how", FAULTS)
def test_nothing_is_written_where_the_key_does_not_answer_and_a_repeat_is_harmless(
    sealed_by_kms: Parts, how: str
) -> None:
    line = Line()
    _, changes = added()
    line.cut(FAULTS[how])
    with pytest.raises(Unavailable):
        sealed_by_kms.records.commit(changes)
    with pytest.raises(NotFound):
        sealed_by_kms.records.of("kent").case(REFERENCE)
    line.cut(FAULTS[how], times=0)
    sealed_by_kms.records.commit(changes)
    case = sealed_by_kms.records.of("kent").case(REFERENCE)
    assert trail.wrong_macs(sealed_by_kms, case, case.entries) == []


@pytest.mark.parametrize("how", ["before", "after", "throttled", "internal"])
def test_a_key_that_answers_at_the_second_try_is_enough(sealed_by_kms: Parts, how: str) -> None:
    Line().cut(FAULTS[how], times=1)
    sealed_by_kms.records.commit(added()[1])
    assert sealed_by_kms.records.of("kent").case(REFERENCE).entries[0].mac


@pytest.mark.parametrize("how", FAULTS)
def test_what_cannot_be_verified_now_is_not_called_forged(sealed_by_kms: Parts, how: str) -> None:
    sealed_by_kms.records.commit(added()[1])
    case = sealed_by_kms.records.of("kent").case(REFERENCE)
    Line().cut(FAULTS[how])
    with pytest.raises(Unavailable):
        trail.wrong_macs(sealed_by_kms, case, case.entries)
