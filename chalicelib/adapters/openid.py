"""OpenID providers over HTTP: the code flow with PKCE, and the tokens they sign.

Authlib and what it needs are imported when the first token is read; nothing else of ours loads them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from chalicelib.domain.errors import NotVouchedFor, Unavailable
from chalicelib.domain.people.accounts import FRESH
from chalicelib.domain.people.identities import LEEWAY, Attempt
from chalicelib.domain.people.issuers import Issuer

if TYPE_CHECKING:
    from joserfc.jwt import Token
    from urllib3 import PoolManager

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures by a key of the provider's own. `none` is no signature, and with HS256 whoever knows a key can sign."""

SCOPE = "openid profile"
"""No `email`: an address that a provider names proves nothing here."""

TIMEOUT_SECONDS = 3
KEPT_SECONDS = 3600
"""How long what a provider publishes is believed without asking again."""

_MOST_BYTES = 256 * 1024
_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)
_log = logging.getLogger(__name__)


class OpenIdProviders:
    """All providers. What they publish is kept for an hour, by each process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}
        self._made: PoolManager | None = None

    def address(self, issuer: Issuer, attempt: Attempt, *, back: str) -> str:
        """The provider's authorization endpoint, with all that is asked of it."""
        asked = {
            "response_type": "code",
            "client_id": issuer.client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        if attempt.is_recent:
            asked["max_age"] = str(int(FRESH.total_seconds()))
        endpoint = self._endpoint(issuer, "authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def claims(
        self, issuer: Issuer, attempt: Attempt, code: str, *, back: str, now: datetime
    ) -> Mapping[str, Any]:
        """The code for a token, and the token for what it says."""
        from joserfc.errors import JoseError

        answer = self._tokens(issuer, attempt, code, back)
        try:
            token = self._verified(issuer, str(answer["id_token"]))
            return _checked(issuer, attempt, token, answer.get("access_token"), now)
        except (KeyError, ValueError, TypeError, AttributeError, JoseError) as error:
            # What a token holds may be personal: the log gets the kind of fault.
            _log.warning("a token of the provider %s is refused: %s", issuer.id, type(error).__name__)
            raise NotVouchedFor(f"What {issuer.name} says of you cannot be trusted.") from None

    def names_itself(self, issuer: Issuer) -> bool:
        """As its metadata says."""
        return self._metadata(issuer).get("authorization_response_iss_parameter_supported") is True

    def _tokens(self, issuer: Issuer, attempt: Attempt, code: str, back: str) -> Mapping[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": attempt.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._takes_basic(issuer):
            headers["Authorization"] = _basic(issuer)
        else:
            fields |= {"client_id": issuer.client_id, "client_secret": issuer.client_secret}
        status, answer = self._ask(
            issuer, "POST", self._endpoint(issuer, "token_endpoint"), urlencode(fields), headers
        )
        if status != 200:
            said = str(answer.get("error", ""))
            reason = said if _ERROR.fullmatch(said) else "no reason given"
            _log.warning("the provider %s refused a code: %s %s", issuer.id, status, reason)
            raise NotVouchedFor(f"{issuer.name} did not accept this sign-in.")
        return answer

    def _takes_basic(self, issuer: Issuer) -> bool:
        """Whether the client's secret may go in the header, which is the rule where nothing is said."""
        methods = self._metadata(issuer).get("token_endpoint_auth_methods_supported")
        return not isinstance(methods, list) or "client_secret_basic" in methods

    def _verified(self, issuer: Issuer, text: str) -> Token:
        """The token, if one of the provider's keys signed it. Its keys are asked for again, once, where the ones
        that we kept did not: it may have new ones."""
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        address = self._endpoint(issuer, "jwks_uri")
        was_kept = self._is_kept(address)
        try:
            return jwt.decode(text, _keys(self._published(issuer, address)), ALGORITHMS, registry)
        except (BadSignatureError, InvalidKeyIdError):
            if not was_kept:
                raise
        del self._kept[address]
        return jwt.decode(text, _keys(self._published(issuer, address)), ALGORITHMS, registry)

    def _endpoint(self, issuer: Issuer, name: str) -> str:
        address = self._metadata(issuer).get(name)
        # Over http only where the provider itself is: on this machine, in tests and trials.
        if not isinstance(address, str) or urlsplit(address).scheme not in (
            "https",
            urlsplit(issuer.url).scheme,
        ):
            raise _unusable(issuer, f"no safe {name}")
        return address

    def _metadata(self, issuer: Issuer) -> Mapping[str, Any]:
        found = self._published(issuer, f"{issuer.url.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer.url:
            raise _unusable(issuer, "it has another name than OIDC_ISSUERS gives it")
        return found

    def _published(self, issuer: Issuer, address: str) -> Mapping[str, Any]:
        if not self._is_kept(address):
            status, answer = self._ask(issuer, "GET", address)
            if status != 200:
                raise _unusable(issuer, f"status {status}")
            self._kept[address] = (time.monotonic(), answer)
        kept: Mapping[str, Any] = self._kept[address][1]
        return kept

    def _is_kept(self, address: str) -> bool:
        return address in self._kept and time.monotonic() < self._kept[address][0] + KEPT_SECONDS

    def _ask(
        self,
        issuer: Issuer,
        method: str,
        address: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and JSON object. Follows no redirect, and asks once: a code works once."""
        from urllib3.exceptions import HTTPError

        try:
            response = self._pool().request(
                method,
                address,
                body=body,
                headers={"Accept": "application/json", **(headers or {})},
                redirect=False,
                preload_content=False,
            )
            content = response.read(_MOST_BYTES + 1)
            response.release_conn()
        except HTTPError as error:
            raise _unusable(issuer, type(error).__name__) from None
        if response.status >= 500 or len(content) > _MOST_BYTES:
            raise _unusable(issuer, f"status {response.status}, {len(content)} bytes")
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _unusable(issuer, "no JSON object")
        return response.status, answer

    def _pool(self) -> PoolManager:
        if self._made is None:
            import certifi
            from urllib3 import PoolManager, Timeout

            timeout = Timeout(connect=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS)
            self._made = PoolManager(timeout=timeout, retries=False, ca_certs=certifi.where())
        return self._made


def _checked(
    issuer: Issuer, attempt: Attempt, token: Token, access_token: Any, now: datetime
) -> Mapping[str, Any]:
    """The claims, if this token is for us, for this attempt, and for now."""
    from authlib.oidc.core import CodeIDToken

    claims = CodeIDToken(
        token.claims,
        token.header,
        options={
            "iss": {"essential": True, "value": issuer.url},
            "aud": {"essential": True, "value": issuer.client_id},
        },
        params={
            "nonce": attempt.nonce,
            "client_id": issuer.client_id,
            "access_token": access_token,
            "max_age": int(FRESH.total_seconds()) if attempt.is_recent else None,
        },
    )
    claims.validate(now=int(now.timestamp()), leeway=int(LEEWAY.total_seconds()))
    return dict(claims)


def _keys(published: Mapping[str, Any]) -> Any:
    """The provider's public keys. One that we cannot read, or that is for encrypting, is passed over."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry, KeySet

    found = []
    for entry in published["keys"]:
        if entry.get("kty") in ("RSA", "EC") and entry.get("use", "sig") == "sig":
            try:
                found.append(JWKRegistry.import_key(entry))
            except (ValueError, JoseError):
                continue
    return KeySet(found)


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _basic(issuer: Issuer) -> str:
    """RFC 6749, section 2.3.1: both are encoded as a form's fields are, and then as ever."""
    named = f"{quote(issuer.client_id, safe='')}:{quote(issuer.client_secret, safe='')}"
    return f"Basic {b64encode(named.encode()).decode()}"


def _unusable(issuer: Issuer, why: str) -> Unavailable:
    _log.warning("the provider %s cannot be used: %s", issuer.id, why)
    return Unavailable(f"{issuer.name} does not answer as it should. Try again in a minute.")
