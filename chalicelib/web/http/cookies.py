"""The cookies: sessions of staff and of submitters, the mailboxes that this browser asked about or proved, and what it
sent. All are strictly necessary; there is no other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from chalicelib.domain.people.accounts import CLAIMANT_LIFE, SESSION_LIFE
from chalicelib.domain.people.browsers import ASK_LIFE, ATTEMPT_LIFE, LINKING_LIFE, PROOF_LIFE, SENT_LIFE

ASKED = "asked"
PROVED = "proved"
SENT = "sent"
LIVES: Mapping[str, timedelta] = {ASKED: ASK_LIFE, PROVED: PROOF_LIFE, SENT: SENT_LIFE}
"""The cookies that hold mailboxes, and how long."""

ATTEMPT = "attempt"
LINKING = "linking"
PROVIDER_LIVES: Mapping[str, timedelta] = {ATTEMPT: ATTEMPT_LIFE, LINKING: LINKING_LIFE}
"""The cookies of signing in with an OpenID provider: on the way there, and until the identity is linked."""

_CLAIMANT_PATH = "/status"


def session_cookie(secret: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that keeps somebody signed in."""
    return _cookie(_session_name(secure), secret, path="/", life=SESSION_LIFE, secure=secure)


def clear_session_cookie(*, secure: bool) -> str:
    """The `Set-Cookie` value that removes the session from the browser."""
    return _cookie(_session_name(secure), "", path="/", life=timedelta(0), secure=secure)


def read_session_cookie(cookies: Mapping[str, str], *, secure: bool) -> str:
    """The session's secret, or an empty string."""
    return cookies.get(_session_name(secure), "")


def claimant_cookie(secret: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that lets a submitter act on their submission."""
    return _cookie("claimant", secret, path=_CLAIMANT_PATH, life=CLAIMANT_LIFE, secure=secure)


def clear_claimant_cookie(*, secure: bool) -> str:
    """The `Set-Cookie` value that removes it from the browser."""
    return _cookie("claimant", "", path=_CLAIMANT_PATH, life=timedelta(0), secure=secure)


def read_claimant_cookie(cookies: Mapping[str, str]) -> str:
    """The secret of a submitter's session, or an empty string."""
    return cookies.get("claimant", "")


def mailboxes_cookie(kind: str, sealed: str, *, secure: bool) -> str:
    """The `Set-Cookie` value of ASKED, PROVED or SENT; removes it where there is nothing to keep."""
    life = LIVES[kind] if sealed else timedelta(0)
    return _cookie(kind, sealed, path="/", life=life, secure=secure)


def provider_cookie(kind: str, sealed: str, *, secure: bool) -> str:
    """The `Set-Cookie` value of ATTEMPT or LINKING; removes it where there is nothing to keep."""
    life = PROVIDER_LIVES[kind] if sealed else timedelta(0)
    return _cookie(_host_name(kind, secure), sealed, path="/", life=life, secure=secure)


def read_provider_cookie(cookies: Mapping[str, str], kind: str, *, secure: bool) -> str:
    """What ATTEMPT or LINKING holds, or an empty string."""
    return cookies.get(_host_name(kind, secure), "")


def _session_name(secure: bool) -> str:
    return _host_name("session", secure)


def _host_name(name: str, secure: bool) -> str:
    # Browsers take a `__Host-` cookie only over https, from this very host, for the whole of it.
    return f"__Host-{name}" if secure else name


def _cookie(name: str, value: str, *, path: str, life: timedelta, secure: bool) -> str:
    # Lax, not Strict: the link in a mail must find the approver signed in.
    attributes = f"Path={path}; Max-Age={int(life.total_seconds())}; HttpOnly; SameSite=Lax"
    return f"{name}={value}; {attributes}" + ("; Secure" if secure else "")
