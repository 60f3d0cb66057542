"""Signing in with a provider: who an identity is, and what the settings may say of providers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Forbidden, Gone, NotAskedHere, NotFound, NotVouchedFor, Unavailable
from chalicelib.domain.people.identities import (
    Attempt,
    Identity,
    Linking,
    attempt_written,
    identity_of,
    linking_written,
    read_attempt,
    read_linking,
)
from chalicelib.domain.people.issuers import Issuer, SignIn, WrongIssuers, read_issuers
from chalicelib.services.people import openid, signing_in
from chalicelib.settings import MissingSetting, Settings
from tests import fakes
from tests.builders import MONDAY
from tests.fakes import KENTS

ENTRA = replace(KENTS, subject=("tid", "oid"))


def who(issuer: Issuer = KENTS, *, is_recent: bool = False, **claims: Any) -> Identity:
    return identity_of(issuer, claims, MONDAY, is_recent=is_recent)


# Who an identity is


def test_an_identity_is_issuer_and_subject_whatever_address_and_name_come_with_it() -> None:
    one = who(sub="jo", email="jo@example.police.uk", preferred_username="jo")
    assert one.digest == who(sub="jo", email="lead@example.police.uk", name="Lead").digest
    assert one.digest != who(sub="Jo").digest
    assert one.digest != who(replace(KENTS, url="https://login.essex.example"), sub="jo").digest


def test_at_entra_an_identity_is_tenant_and_object() -> None:
    one = who(ENTRA, tid="kent", oid="1", sub="pairwise")
    assert one.digest == who(ENTRA, tid="kent", oid="1", sub="another pairwise").digest
    assert one.digest != who(ENTRA, tid="elsewhere", oid="1").digest
    assert one.digest != who(ENTRA, tid="kent", oid="2").digest
    assert who(ENTRA, tid="a", oid="b,c").digest != who(ENTRA, tid="a,b", oid="c").digest


@pytest.mark.parametrize("oid", [None, "", 7, ["1"], "x" * 256])
def test_without_a_subject_there_is_no_identity(oid: Any) -> None:
    with pytest.raises(NotVouchedFor):
        who(ENTRA, tid="kent", oid=oid)


@pytest.mark.parametrize(
    ("seconds", "is_refused"), [(0, False), (-900, False), (-961, True), (50, False), (61, True)]
)
def test_a_recent_proof_is_of_the_last_quarter_of_an_hour(seconds: int, is_refused: bool) -> None:
    auth_time = int(MONDAY.timestamp()) + seconds
    if is_refused:
        with pytest.raises(NotVouchedFor):
            who(sub="jo", auth_time=auth_time, is_recent=True)
        return
    found = who(sub="jo", auth_time=auth_time, is_recent=True).proved_at
    assert found == min(MONDAY, MONDAY + timedelta(seconds=seconds)), "never after now"


@pytest.mark.parametrize("auth_time", [None, "now", True, float("nan"), float("inf"), 10**30])
def test_a_time_that_is_none_is_no_recent_proof(auth_time: Any) -> None:
    assert who(sub="jo", auth_time=auth_time).proved_at is None
    with pytest.raises(NotVouchedFor):
        who(sub="jo", auth_time=auth_time, is_recent=True)


def test_the_name_that_is_shown_is_short_and_on_one_line() -> None:
    assert who(sub="jo", preferred_username="jo\n  smith").shown == "jo smith"
    assert who(sub="jo", preferred_username=7, name="Jo").shown == "Jo"
    assert who(sub="jo").shown == ""
    assert len(who(sub="jo", name="x" * 1000).shown) == 100


# What a browser carries


def test_a_browser_carries_an_attempt_for_a_quarter_of_an_hour_and_a_linking_for_half_an_hour() -> None:
    attempt = Attempt(
        issuer="kents", state="s", nonce="n", verifier="v", at=MONDAY, after="/away", is_recent=True
    )
    linking = Linking(identity=replace(who(sub="jo"), shown="jo"), at=MONDAY, after="/away")
    assert read_attempt(attempt_written(attempt), MONDAY + timedelta(seconds=899)) == attempt
    assert read_attempt(attempt_written(attempt), MONDAY + timedelta(seconds=900)) is None
    assert read_linking(linking_written(linking), MONDAY + timedelta(seconds=1799)) == linking
    assert read_linking(linking_written(linking), MONDAY + timedelta(seconds=1800)) is None


def test_one_cookie_is_not_taken_for_another() -> None:
    assert read_attempt([], MONDAY) is None
    assert read_linking([["a" * 32, 1, "/"]], MONDAY) is None


# Errors that nothing comes of


def test_nothing_is_stored_on_the_way_there_or_when_the_provider_is_down() -> None:
    parts = fakes.parts()
    before = parts.records.store.snapshot()  # type: ignore[attr-defined]
    _, attempt = openid.leave(parts, "kents")
    back = {"state": attempt.state, "code": "unknown"}
    with pytest.raises(NotVouchedFor):
        openid.come_back(parts, attempt, back)
    parts.providers.failing = True  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        openid.come_back(parts, attempt, back)
    with pytest.raises(Unavailable):
        openid.leave(parts, "kents")
    with pytest.raises(NotFound):
        openid.leave(parts, "essex")
    with pytest.raises(Gone):
        openid.come_back(parts, None, back)
    assert parts.records.store.snapshot() == before  # type: ignore[attr-defined]


def test_the_provider_is_asked_nothing_before_the_state_holds() -> None:
    parts = fakes.parts()
    _, attempt = openid.leave(parts, "kents")
    for state in ("", "another", attempt.state + "x"):
        with pytest.raises(Gone):
            openid.come_back(parts, attempt, {"state": state, "code": "c"})
    assert parts.providers.asked == []  # type: ignore[attr-defined]


def test_where_codes_sign_nobody_in_neither_code_nor_link_does() -> None:
    parts = fakes.parts(sign_in=SignIn(codes=False, issuers=(KENTS,)))
    with pytest.raises(Forbidden):
        signing_in.enter_code(parts, "a" * 32, "123456")
    for press in (signing_in.link_in, signing_in.press_link):
        with pytest.raises(NotAskedHere):
            press(parts, "token", ["a" * 32])


# Settings

ENTRY = {
    "id": "kent",
    "name": "Kent Police",
    "issuer": "https://login.example/tenant/v2.0",
    "client_id": "share",
    "domains": ["kent.police.uk"],
}
ENV = {
    "BASE_URL": "https://ideas.example.org",
    "TABLE_NAME": "t",
    "SIGNING_KEYS": "a:" + "k" * 40,
    "STATE_MACHINE_ARN_PREFIX": "arn:",
    "MAIL_FROM": "a@example.org",
    "MAIL_REPLY_TO": "b@example.org",
    "EXPORTS_BUCKET": "b",
    "MAC_KEYS": "kms:k",
    "ROOT_KEYS": "kms:r",
    "ROOTS_BUCKET": "r",
}


def read(*entries: Any, secrets: str = "kent:s") -> tuple[Issuer, ...]:
    return read_issuers(json.dumps(entries), secrets)


def test_providers_are_read_with_their_secrets() -> None:
    essex = {**ENTRY, "id": "essex", "issuer": "https://essex.example", "domains": ["essex.police.uk"]}
    found = read({**ENTRY, "subject": ["tid", "oid"]}, essex, secrets="kent:s:1, essex:s2")
    assert [(one.id, one.client_secret, one.subject) for one in found] == [
        ("kent", "s:1", ("tid", "oid")),
        ("essex", "s2", ("sub",)),
    ]
    ways = SignIn(issuers=found)
    assert ways.issuer_of(" Jo@KENT.police.uk ") == found[0]
    assert ways.issuer_of("jo@x.kent.police.uk") is ways.issuer_of("jo") is None
    assert "s:1" not in repr(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Kent Police"}, "id is"),
        ({"id": "other"}, "no secret for 'other'"),
        ({"name": ""}, "'name'"),
        ({"issuer": "http://login.example"}, "https"),
        ({"issuer": "https://login.example?x=1"}, "https"),
        ({"issuer": 7}, "https"),
        ({"domains": "kent.police.uk"}, "domains is a list"),
        ({"domains": ["Kent.police.uk"]}, "lower case"),
        ({"domains": []}, "'domains'"),
        ({"subject": ["email"]}, "subject is one or more of sub, tid, oid"),
        ({"subject": []}, "subject is a list"),
        ({"subject": ["tid"]}, "whole organisation"),
        ({"client_secret": "s3cret"}, "unknown: ['client_secret']"),
    ],
    ids=str,
)
def test_a_provider_that_is_wrong_is_named_with_what_is_wrong(change: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongIssuers) as wrong:
        read({**ENTRY, **change})
    assert said in str(wrong.value)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    "same", [{"id": "kent"}, {"issuer": ENTRY["issuer"]}, {"domains": ["kent.police.uk"]}], ids=str
)
def test_no_two_providers_share_an_id_an_address_or_a_domain(same: dict[str, Any]) -> None:
    other = {**ENTRY, "id": "two", "issuer": "https://two.example", "domains": ["two.example"], **same}
    with pytest.raises(WrongIssuers, match="two providers have the same"):
        read(ENTRY, other, secrets="kent:s,two:s")


@pytest.mark.parametrize("text", ["{", "{}", "[]", "[7]"])
def test_what_is_no_list_of_providers_is_said(text: str) -> None:
    with pytest.raises(WrongIssuers):
        read_issuers(text, "")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"SIGN_IN": "password"}, "SIGN_IN (code, oidc or both)"),
        ({"SIGN_IN": "oidc"}, "OIDC_ISSUERS (SIGN_IN is oidc)"),
        ({"SIGN_IN": "both"}, "OIDC_ISSUERS (SIGN_IN is both)"),
        ({"OIDC_ISSUERS": json.dumps([ENTRY])}, "no secret for 'kent'"),
    ],
    ids=str,
)
def test_settings_that_leave_nobody_a_way_in_are_refused_at_the_start(env: dict[str, str], said: str) -> None:
    with pytest.raises(MissingSetting) as missing:
        Settings.from_env({**ENV, **env})
    assert said in str(missing.value)


def test_without_settings_there_are_codes_and_no_provider() -> None:
    settings = Settings.from_env(ENV)
    assert (settings.sign_in, settings.oidc_issuers) == ("code", ())
    providers = {"OIDC_ISSUERS": json.dumps([ENTRY]), "OIDC_SECRETS": "kent:s"}
    settings = Settings.from_env({**ENV, **providers, "SIGN_IN": "both"})
    assert (settings.sign_in, settings.oidc_issuers[0].name) == ("both", "Kent Police")
