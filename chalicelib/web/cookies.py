"""The cookies: a session and a sign-in under way, for staff and for submitters. All are strictly necessary; there
is no other."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.accounts import CLAIMANT_LIFE, CODE_LIFE, SESSION_LIFE

_SIGN_IN = "sign-in"
_SIGN_IN_PATH = "/sign-in"
_CLAIMANT_PATH = "/status"


def session_cookie(secret: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that keeps somebody signed in."""
    seconds = int(SESSION_LIFE.total_seconds())
    return _cookie(_session_name(secure), secret, path="/", seconds=seconds, secure=secure)


def clear_session_cookie(*, secure: bool) -> str:
    """The `Set-Cookie` value that removes the session from the browser."""
    return _cookie(_session_name(secure), "", path="/", seconds=0, secure=secure)


def read_session_cookie(cookies: Mapping[str, str], *, secure: bool) -> str:
    """The session's secret, or an empty string."""
    return cookies.get(_session_name(secure), "")


def claimant_cookie(secret: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that lets a submitter act on their submission."""
    seconds = int(CLAIMANT_LIFE.total_seconds())
    return _cookie("claimant", secret, path=_CLAIMANT_PATH, seconds=seconds, secure=secure)


def read_claimant_cookie(cookies: Mapping[str, str]) -> str:
    """The secret of a submitter's session, or an empty string."""
    return cookies.get("claimant", "")


def claimant_code_cookie(sign_in_id: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that binds a submitter's code to the browser that asked for it."""
    seconds = int(CODE_LIFE.total_seconds())
    return _cookie("claimant-code", sign_in_id, path=_CLAIMANT_PATH, seconds=seconds, secure=secure)


def clear_claimant_code_cookie(*, secure: bool) -> str:
    """The `Set-Cookie` value that ends the binding."""
    return _cookie("claimant-code", "", path=_CLAIMANT_PATH, seconds=0, secure=secure)


def read_claimant_code_cookie(cookies: Mapping[str, str]) -> str:
    """The id of the submitter's sign-in under way, or an empty string."""
    return cookies.get("claimant-code", "")


def sign_in_cookie(sign_in_id: str, *, secure: bool) -> str:
    """The `Set-Cookie` value that binds a mailed code to the browser that asked for it."""
    seconds = int(CODE_LIFE.total_seconds())
    return _cookie(_SIGN_IN, sign_in_id, path=_SIGN_IN_PATH, seconds=seconds, secure=secure)


def clear_sign_in_cookie(*, secure: bool) -> str:
    """The `Set-Cookie` value that ends the binding."""
    return _cookie(_SIGN_IN, "", path=_SIGN_IN_PATH, seconds=0, secure=secure)


def read_sign_in_cookie(cookies: Mapping[str, str]) -> str:
    """The id of the sign-in under way, or an empty string."""
    return cookies.get(_SIGN_IN, "")


def _session_name(secure: bool) -> str:
    # Browsers take a `__Host-` cookie only over https, from this very host, for the whole of it.
    return "__Host-session" if secure else "session"


def _cookie(name: str, value: str, *, path: str, seconds: int, secure: bool) -> str:
    # Lax, not Strict: the link in a mail must find the approver signed in.
    attributes = f"Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return f"{name}={value}; {attributes}" + ("; Secure" if secure else "")
