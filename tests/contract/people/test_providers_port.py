"""OpenID providers: what they promise in memory and over HTTP, and every token that is not to be believed."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.adapters import openid
from chalicelib.adapters.openid import OpenIdProviders
from chalicelib.domain.errors import NotVouchedFor, Unavailable
from chalicelib.domain.people.identities import Attempt
from chalicelib.domain.people.issuers import Issuer
from tests import fakes
from tests.builders import MONDAY
from tests.contract.signing_provider import (
    CLIENT,
    NONCE,
    SigningProvider,
    an_ec_key,
    an_rsa_key,
    signing_provider,
)

BACK = "https://ideas.example.org/sign-in/oidc"


@pytest.fixture(scope="module")
def running() -> Iterator[SigningProvider]:
    with signing_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: SigningProvider) -> SigningProvider:
    """As it was at first: its keys and answers are a test's to change."""
    fresh = SigningProvider(running.url, key=running.key)
    running.__dict__.update(fresh.__dict__)
    running.says(running.signed())
    return running


def an_issuer(url: str) -> Issuer:
    return Issuer(
        id="kents",
        name="Kent Police",
        url=url,
        client_id=CLIENT,
        client_secret="s:ü",
        domains=("kent.example",),
    )


def an_attempt(**changes: Any) -> Attempt:
    values = {"issuer": "kents", "state": "s", "nonce": NONCE, "verifier": "v" * 43, "at": MONDAY}
    return Attempt(**{**values, **changes})


def claims(provider: SigningProvider, by: OpenIdProviders | None = None, **changes: Any) -> Any:
    now = datetime.now(timezone.utc)
    by = by or OpenIdProviders()
    return by.claims(an_issuer(provider.url), an_attempt(**changes), "a code", back=BACK, now=now)


# What both promise


@pytest.fixture(params=["memory", "http"])
def either(request: pytest.FixtureRequest, provider: SigningProvider) -> tuple[Any, Callable[..., None]]:
    """The port, and what makes its provider take the code `a code`, refuse it, or not answer."""

    def over_http(does: str) -> None:
        provider.status = {"takes": 200, "refuses": 400, "fails": 503}[does]
        provider.answer = {"error": "invalid_grant"} if does == "refuses" else provider.answer

    memory = fakes.MemoryProviders()

    def in_memory(does: str) -> None:
        memory.codes = {"a code": provider.claims()} if does == "takes" else {}
        memory.failing = does == "fails"

    return (memory, in_memory) if request.param == "memory" else (OpenIdProviders(), over_http)


def test_a_provider_says_who_brings_a_code(either: Any, provider: SigningProvider) -> None:
    port, make = either
    make("takes")
    assert claims(provider, port)["sub"] == "jo"


def test_a_code_that_the_provider_does_not_take_vouches_for_nobody(
    either: Any, provider: SigningProvider
) -> None:
    port, make = either
    make("refuses")
    with pytest.raises(NotVouchedFor):
        claims(provider, port)


def test_a_provider_that_does_not_answer_is_unavailable(either: Any, provider: SigningProvider) -> None:
    port, make = either
    make("fails")
    with pytest.raises(Unavailable):
        claims(provider, port)


def test_the_address_of_a_provider_carries_the_state(either: Any, provider: SigningProvider) -> None:
    port, _ = either
    address = port.address(an_issuer(provider.url), an_attempt(), back=BACK)
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(provider.url) or port.__class__ is fakes.MemoryProviders
    assert (asked["state"], asked["redirect_uri"]) == (["s"], [BACK])


# Tokens


@dataclass(frozen=True)
class Now:
    """A time so many seconds from when the token is made: tests are collected long before they run."""

    seconds: int


def made(claims: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {name: now + one.seconds if isinstance(one, Now) else one for name, one in claims.items()}


def test_a_good_token_is_believed(provider: SigningProvider) -> None:
    assert claims(provider) == provider.claims()


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://login.elsewhere.example"},
        {"iss": None},
        {"iss": ["x"]},
        {"aud": "another"},
        {"aud": []},
        {"aud": "another", "azp": CLIENT},
        {"aud": None},
        {"aud": [CLIENT, "another"]},  # without azp, nobody says that it is for us
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"exp": Now(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"iat": Now(3600)},
        {"iat": None},
        {"nbf": Now(3600)},
        {"sub": None},
        {"sub": 7},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"at_hash": 7},
    ],
    ids=str,
)
def test_a_token_with_a_claim_that_does_not_hold_is_refused(
    provider: SigningProvider, wrong: dict[str, Any]
) -> None:
    provider.says(provider.signed(**made(wrong)), access_token="the access token")
    with pytest.raises(NotVouchedFor):
        claims(provider)


@pytest.mark.parametrize(
    "odd",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"exp": Now(-20)},  # our clock may be a little ahead
        {"nbf": Now(20)},
        {"at_hash": "8kJybPby-BwHrrSnx_oS4A"},
    ],
    ids=str,
)
def test_a_token_that_is_only_unusual_is_believed(provider: SigningProvider, odd: dict[str, Any]) -> None:
    provider.says(provider.signed(**made(odd)), access_token="the access token")
    assert claims(provider)["sub"] == "jo"


def _anothers(provider: SigningProvider, **header: Any) -> str:
    """Signed with a key of the same name that is not the provider's."""
    return provider.signed(key=an_rsa_key("one"), header=header)


def _cut(provider: SigningProvider, parts: int) -> str:
    return ".".join(provider.signed().split(".")[:parts])


def _exchanged(provider: SigningProvider) -> str:
    head, _, signature = provider.signed().split(".")
    return f"{head}.{provider.signed(sub='sam').split('.')[1]}.{signature}"


FORGERIES: Mapping[str, Callable[[SigningProvider], Any]] = {
    "no signature": lambda by: by.by_hand({"alg": "none"}),
    "no signature, in another case": lambda by: by.by_hand({"alg": "NoNe", "kid": "one"}),
    "the public key as a secret": lambda by: by.by_hand({"alg": "HS256", "kid": "one"}, by.public_pem()),
    "an empty secret": lambda by: by.by_hand({"alg": "HS256", "kid": "one"}, b""),
    "another key of the same name": _anothers,
    "another key in the token itself": lambda by: _anothers(by, jwk=an_rsa_key("one").as_dict(private=False)),
    "another key at an address in the token": lambda by: _anothers(by, jku=f"{by.url}/keys"),
    "a key that nobody knows": lambda by: by.signed(header={"kid": "two"}),
    "an algorithm that we do not take": lambda by: by.signed(header={"alg": "RS512"}),
    "a header that must be understood": lambda by: by.signed_by_hand({"crit": ["odd"], "odd": 1}),
    "a signature cut off": lambda by: f"{_cut(by, 2)}.",
    "another payload": _exchanged,
    "two parts": lambda by: _cut(by, 2),
    "no text": lambda by: 7,
    "nothing": lambda by: None,
    "no token at all": lambda by: "token",
    "no letters": lambda by: "é.é.é",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_token_that_the_provider_did_not_sign_is_refused(provider: SigningProvider, name: str) -> None:
    provider.says(FORGERIES[name](provider))
    with pytest.raises(NotVouchedFor):
        claims(provider)


def test_a_header_that_need_not_be_understood_harms_nobody(provider: SigningProvider) -> None:
    """What `a header that must be understood` differs by, so that it is refused for that."""
    provider.says(provider.signed_by_hand({"odd": 1}))
    assert claims(provider)["sub"] == "jo"


def test_a_token_of_an_elliptic_key_is_believed(provider: SigningProvider) -> None:
    key = an_ec_key("three")
    provider.published.append(key.as_dict(private=False))
    provider.says(provider.signed(key=key, header={"alg": "ES256", "kid": "three"}))
    assert claims(provider)["sub"] == "jo"


def test_a_key_for_encrypting_signs_nothing(provider: SigningProvider) -> None:
    provider.published = [{**provider.published[0], "use": "enc"}]
    with pytest.raises(NotVouchedFor):
        claims(provider)


def test_keys_that_we_cannot_read_do_not_hide_the_others(provider: SigningProvider) -> None:
    odd: list[dict[str, Any]] = [{"kty": "AKP", "kid": "new"}, {"kty": "RSA", "kid": "broken"}]
    provider.published = [*odd, *provider.published]
    assert claims(provider)["sub"] == "jo"


def test_the_secret_is_never_a_key_to_sign_with(provider: SigningProvider) -> None:
    provider.published = [{"kty": "oct", "kid": "one", "k": "c2VjcmV0", "alg": "HS256"}]
    provider.says(provider.by_hand({"alg": "HS256", "kid": "one"}, b"secret"))
    with pytest.raises(NotVouchedFor):
        claims(provider)


@pytest.mark.parametrize("given", [None, "yesterday"])
def test_a_proof_that_must_be_recent_needs_its_time(provider: SigningProvider, given: Any) -> None:
    provider.says(provider.signed(auth_time=given))
    with pytest.raises(NotVouchedFor):
        claims(provider, is_recent=True)


# What is kept, and asked again


def test_what_a_provider_publishes_is_asked_for_once_an_hour(
    provider: SigningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, clock = OpenIdProviders(), time.monotonic()
    for _ in range(3):
        claims(provider, port)
    assert sorted(set(provider.asked)) == ["/.well-known/openid-configuration", "/keys", "/token"]
    assert len(provider.asked) == 5
    monkeypatch.setattr(openid.time, "monotonic", lambda: clock + openid.KEPT_SECONDS + 60)
    claims(provider, port)
    assert len(provider.asked) == 8


def test_new_keys_are_found_at_once(provider: SigningProvider) -> None:
    port = OpenIdProviders()
    claims(provider, port)
    for kid in ("two", "one"):  # under a new name, and under one that we kept
        key = an_rsa_key(kid)
        provider.published = [key.as_dict(private=False)]
        provider.says(provider.signed(key=key, header={"kid": kid}))
        provider.asked.clear()
        assert claims(provider, port)["sub"] == "jo"
        assert provider.asked.count("/keys") == 1


def test_a_key_that_nobody_knows_is_looked_for_once(provider: SigningProvider) -> None:
    port = OpenIdProviders()
    claims(provider, port)
    provider.says(provider.signed(header={"kid": "two"}))
    provider.asked.clear()
    for client, times in ((port, 1), (OpenIdProviders(), 1)):
        provider.asked.clear()
        with pytest.raises(NotVouchedFor):
            claims(provider, client)
        assert provider.asked.count("/keys") == times


# How we ask


def test_the_secret_goes_in_the_header_and_the_verifier_with_the_code(provider: SigningProvider) -> None:
    claims(provider)
    assert provider.fields == {
        "grant_type": "authorization_code",
        "code": "a code",
        "redirect_uri": BACK,
        "code_verifier": "v" * 43,
    }
    assert b64decode(provider.authorization.removeprefix("Basic ")) == b"share:s%3A%C3%BC"


def test_the_secret_goes_in_the_form_where_the_provider_takes_it_only_there(
    provider: SigningProvider,
) -> None:
    provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    claims(provider)
    assert provider.authorization == ""
    assert {"client_id": CLIENT, "client_secret": "s:ü"}.items() <= provider.fields.items()


@pytest.mark.parametrize("is_recent", [False, True])
def test_a_recent_proof_is_asked_for_where_it_is_needed(provider: SigningProvider, is_recent: bool) -> None:
    provider.metadata["authorization_endpoint"] += "?tenant=kent"
    attempt = an_attempt(is_recent=is_recent)
    address = OpenIdProviders().address(an_issuer(provider.url), attempt, back=BACK)
    asked = parse_qs(urlsplit(address).query)
    assert asked["tenant"] == ["kent"]
    assert asked.get("max_age") == (["900"] if is_recent else None)


def test_whether_a_provider_names_itself_is_its_own_to_say(provider: SigningProvider) -> None:
    assert not OpenIdProviders().names_itself(an_issuer(provider.url))
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert OpenIdProviders().names_itself(an_issuer(provider.url))


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://login.elsewhere.example"},
        {"token_endpoint": "http+unix://x"},
        {"token_endpoint": None},
        {"jwks_uri": ["x"]},
    ],
    ids=str,
)
def test_a_provider_that_publishes_nonsense_is_unavailable(
    provider: SigningProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata |= metadata
    with pytest.raises(Unavailable):
        claims(provider)


def test_of_a_provider_over_https_nothing_is_asked_over_http(
    provider: SigningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, issuer = OpenIdProviders(), an_issuer("https://login.kent.example")
    published = {**provider.metadata, "issuer": issuer.url}
    monkeypatch.setattr(port, "_ask", lambda *_, **__: (200, published))
    with pytest.raises(Unavailable):
        port.address(issuer, an_attempt(), back=BACK)


@pytest.mark.parametrize(
    ("status", "answer"), [(200, b"<html>"), (200, b"[]"), (200, b"x" * 300_000), (302, {}), (500, {})]
)
def test_an_answer_that_is_no_answer_lets_nobody_in(
    provider: SigningProvider, status: int, answer: Any
) -> None:
    provider.status, provider.answer = status, answer
    with pytest.raises((Unavailable, NotVouchedFor)):
        claims(provider)
    assert "/elsewhere" not in provider.asked


def test_a_provider_that_takes_too_long_is_unavailable(
    provider: SigningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "TIMEOUT_SECONDS", 0.05)
    provider.delay = 0.5
    with pytest.raises(Unavailable):
        claims(provider)


def test_the_log_tells_why_and_nothing_personal(
    provider: SigningProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.says(provider.signed(aud="another", sub="jo smith"))
    with pytest.raises(NotVouchedFor):
        claims(provider)
    provider.status, provider.answer = 400, {"error": "jo smith", "error_description": "jo smith"}
    with pytest.raises(NotVouchedFor):
        claims(provider)
    assert "InvalidClaimError" in caplog.text
    assert "400 no reason given" in caplog.text
    assert "jo smith" not in caplog.text
