"""OpenID providers that staff can sign in with, as the settings name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.errors import NotFound
from chalicelib.domain.values import value

SUBJECT_CLAIMS = ("sub", "tid", "oid")
"""Claims that may tell one person from another. Addresses and names are given to somebody else one day."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_HERE = ("127.0.0.1", "localhost")
_NEEDED = ("id", "name", "issuer", "client_id", "domains")


@value
class Issuer:
    """An OpenID provider. `id` is our own short name for it and `name` what people call it. `url` is the issuer
    exactly as its tokens name it. `domains` are the mail domains of the people it signs in, in lower case.
    `subject` are the claims that together stand for one person, for ever."""

    id: str
    name: str
    url: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: tuple[str, ...]
    subject: tuple[str, ...] = ("sub",)

    def covers(self, address: str) -> bool:
        """Whether this provider signs in the owner of this address."""
        return address.strip().rpartition("@")[2].lower() in self.domains


@value
class SignIn:
    """How staff sign in. `codes`: with a mailed code. `issuers`: the providers they can sign in with."""

    codes: bool = True
    issuers: tuple[Issuer, ...] = ()

    def issuer(self, issuer_id: str) -> Issuer:
        """The provider of this id. Raises NotFound."""
        for one in self.issuers:
            if one.id == issuer_id:
                return one
        raise NotFound("You cannot sign in this way.")

    def issuer_of(self, address: str) -> Issuer | None:
        """The provider that signs in the owner of this address."""
        return next((one for one in self.issuers if one.covers(address)), None)


class WrongIssuers(ValueError):
    """The settings do not describe providers. Says what is wrong, and shows no secret."""


def read_issuers(text: str, secrets: str) -> tuple[Issuer, ...]:
    """The providers of OIDC_ISSUERS, with the secrets of OIDC_SECRETS (`id:secret`, comma-separated). Raises
    WrongIssuers."""
    try:
        entries = json.loads(text)
    except ValueError:
        raise WrongIssuers("OIDC_ISSUERS (a JSON list)") from None
    if not isinstance(entries, list) or not entries:
        raise WrongIssuers("OIDC_ISSUERS (a JSON list with at least one provider)")
    secret_of = _secrets(secrets)
    issuers = tuple(_issuer(entry, secret_of) for entry in entries)
    _check_distinct("id", [one.id for one in issuers])
    _check_distinct("issuer", [one.url for one in issuers])
    _check_distinct("domain", [domain for one in issuers for domain in one.domains])
    return issuers


def _secrets(text: str) -> dict[str, str]:
    pairs = (part.strip().partition(":") for part in text.split(",") if part.strip())
    return {issuer_id: secret for issuer_id, _, secret in pairs if secret}


def _issuer(entry: Any, secret_of: Mapping[str, str]) -> Issuer:
    if not isinstance(entry, dict):
        raise WrongIssuers("OIDC_ISSUERS (each provider is a JSON object)")
    missing = [name for name in _NEEDED if not entry.get(name)]
    unknown = sorted(entry.keys() - {*_NEEDED, "subject"})
    if missing or unknown:
        raise WrongIssuers(f"OIDC_ISSUERS (missing or empty: {missing}; unknown: {unknown})")
    issuer_id = str(entry["id"])
    where = f"OIDC_ISSUERS, provider {issuer_id!r}"
    domains = _texts(entry["domains"], f"{where}: domains")
    subject = _texts(entry.get("subject", ["sub"]), f"{where}: subject")
    _check(
        bool(_ID.fullmatch(issuer_id)), f"{where}: id is lower-case letters, numbers and hyphens, 40 at most"
    )
    _check(_is_safe(entry["issuer"]), f"{where}: issuer is an https address without a query")
    _check(all(_DOMAIN.fullmatch(one) for one in domains), f"{where}: domains are in lower case")
    _check(
        set(subject) <= set(SUBJECT_CLAIMS), f"{where}: subject is one or more of {', '.join(SUBJECT_CLAIMS)}"
    )
    _check(subject != ("tid",), f"{where}: subject tid alone is a whole organisation")
    _check(issuer_id in secret_of, f"OIDC_SECRETS has no secret for {issuer_id!r}")
    return Issuer(
        id=issuer_id,
        name=str(entry["name"]),
        url=entry["issuer"],
        client_id=str(entry["client_id"]),
        client_secret=secret_of[issuer_id],
        domains=domains,
        subject=subject,
    )


def _texts(given: Any, what: str) -> tuple[str, ...]:
    _check(
        isinstance(given, list) and bool(given) and all(isinstance(one, str) for one in given),
        f"{what} is a list",
    )
    return tuple(given)


def _is_safe(url: Any) -> bool:
    """Over https, or to this machine, where tests and trials run."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
    return is_safe and bool(parts.hostname) and not parts.query and not parts.fragment


def _check_distinct(what: str, given: list[str]) -> None:
    _check(len(given) == len(set(given)), f"OIDC_ISSUERS (two providers have the same {what})")


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise WrongIssuers(message)
