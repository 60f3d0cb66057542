"""A request, read strictly: media type, size and encoding first, then the body; and who is asking."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalice.app import Request as ChaliceRequest

from chalicelib.domain.errors import Forbidden, NotSignedIn, TooLarge, UnsupportedMediaType
from chalicelib.domain.intake.strict_form import read_form
from chalicelib.domain.intake.strict_json import MAX_BYTES, read_json
from chalicelib.domain.people import browsers
from chalicelib.domain.people.accounts import Session, claimant_of, is_claimant
from chalicelib.domain.people.pairs import mailbox_of, submission_name
from chalicelib.services.people import signing_in
from chalicelib.web.http import cookies
from chalicelib.web.http.media_types import is_text_of

if TYPE_CHECKING:
    from chalicelib.domain.people.people import Person
    from chalicelib.domain.people.tokens import Token
    from chalicelib.services.ports import Parts

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"


session_end: ContextVar[timedelta | None] = ContextVar("session_end", default=None)
"""How long the session of the request under way lasts unless it is used again, for the page to warn in time. None
before it was read, or where there is none."""

holder_name: ContextVar[str] = ContextVar("holder_name", default="")
"""The name of whoever is signed in, for the page's header; empty where `session_end` is None."""


def is_for_programs(path: str) -> bool:
    """Whether what is below this address is always JSON, whatever the caller accepts."""
    return path.strip("/").partition("/")[0] in ("api", "health")


class Request:
    """What a view gets. Reading the body, the session or the person happens when a view asks for it."""

    def __init__(self, raw: ChaliceRequest, parts: Parts) -> None:
        session_end.set(None)
        holder_name.set("")
        self._raw = raw
        self._holder: Person | None = None
        self.parts = parts

    @property
    def method(self) -> str:
        """GET or POST."""
        return str(self._raw.method)

    @property
    def path(self) -> str:
        """The path as we know it, without the stage that API Gateway may put before it."""
        pattern = str(self._raw.context.get("resourcePath", "/"))
        for name, value in (self._raw.uri_params or {}).items():
            pattern = pattern.replace("{" + name + "}", value)
        return pattern

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, whatever the case of their names."""
        return self._raw.headers

    def header_values(self, name: str) -> list[str]:
        """All values of a header, each time that it came. `headers` has the last one alone."""
        given = self._raw.to_original_event().get("multiValueHeaders") or {}
        found = [value for one, values in given.items() if one.lower() == name.lower() for value in values]
        alone = self.headers.get(name)
        return found or ([] if alone is None else [alone])

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's fields; the last one of a name counts."""
        return dict(self._raw.query_params or {})

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that came."""
        pairs = (pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    def mailboxes(self, kind: str) -> list[browsers.Carried]:
        """The mailboxes that this browser carries in a cookie: cookies.ASKED or cookies.PROVED. The newest first."""
        sealed = self.cookies.get(kind, "")
        content = self.parts.seals.read_cookie(kind, sealed) if sealed else []
        return browsers.read(content, self.parts.now(), life=cookies.LIVES[kind])

    def carry(self, kind: str, carried: Sequence[browsers.Carried]) -> str:
        """The `Set-Cookie` value with which this browser carries these from now on."""
        sealed = self.parts.seals.cookie(kind, browsers.written(carried)) if carried else ""
        return cookies.mailboxes_cookie(kind, sealed, secure=self.is_secure)

    @cached_property
    def sent(self) -> list[browsers.Sent]:
        """What this browser sent within the last days, the newest first."""
        sealed = self.cookies.get(cookies.SENT, "")
        content = self.parts.seals.read_cookie(cookies.SENT, sealed) if sealed else []
        return browsers.read_sent(content, self.parts.now())

    def has_sent(self, token: str) -> bool:
        """Whether this browser sent the submission whose status link holds this token."""
        name = submission_name(*self.parts.links.read_status_token(token))
        return any(one.name == name for one in self.sent)

    def remember_sent(self, mailbox: str, name: str, *, after: str) -> tuple[str, str]:
        """The `Set-Cookie` values with which this browser knows again what it sent, and has asked for its mailbox."""
        now = self.parts.now()
        sent = browsers.sending(self.sent, browsers.Sent(mailbox=mailbox, name=name, at=now))
        asked = browsers.Carried(mailbox=mailbox, at=now, after=after)
        sealed = self.parts.seals.cookie(cookies.SENT, browsers.written_sent(sent))
        return (
            cookies.mailboxes_cookie(cookies.SENT, sealed, secure=self.is_secure),
            self.carry(cookies.ASKED, browsers.carrying(self.mailboxes(cookies.ASKED), asked)),
        )

    def remember_proved(self, mailbox: str, *, is_own: bool = False) -> str:
        """The `Set-Cookie` value with which this browser has proved a mailbox. `is_own`: nobody else uses it, as was
        said now or before."""
        before = self.mailboxes(cookies.PROVED)
        is_own = is_own or any(one.is_own for one in before if one.mailbox == mailbox)
        proved = browsers.Carried(mailbox=mailbox, at=self.parts.now(), is_own=is_own)
        return self.carry(cookies.PROVED, browsers.carrying(before, proved))

    @property
    def proved(self) -> list[str]:
        """The mailboxes that whoever sends something now need not prove: that of the person who is signed in, and
        those that this browser has proved."""
        if self.has_token:
            return []
        now = self.parts.now()
        found = [one.mailbox for one in self.mailboxes(cookies.PROVED) if one.proves(now)]
        has_session = bool(cookies.read_session_cookie(self.cookies, secure=self.is_secure))
        if has_session and self.session is not None and self._holder is not None:
            found.append(mailbox_of(self._holder.address))
        return found

    @property
    def vouches(self) -> bool:
        """Whether whoever asks vouches for the people it sends for: a program with a token to send submissions."""
        from chalicelib.domain.people.tokens import Scope

        if not self.has_token:
            return False
        token, person = self.token_and_person
        return token.allows(Scope.SUBMIT, person)

    @property
    def is_probe(self) -> bool:
        """Whether a monitor asks that knows our key. Without a key there is no such monitor."""
        key, shown = self.parts.probe_key, self.headers.get("x-probe", "")
        return bool(key) and hmac.compare_digest(key.encode(), shown.encode("utf-8", "replace"))

    @property
    def source(self) -> str:
        """The network that the request comes from, as API Gateway saw it: of IPv6 the first half, which one
        household or office has for itself. Empty where it is not known."""
        import ipaddress  # few requests ask

        given = str((self._raw.context.get("identity") or {}).get("sourceIp") or "")
        try:
            address = ipaddress.ip_address(given)
        except ValueError:
            return ""
        if address.version == 4:
            return given
        return str(ipaddress.ip_network((address, 64), strict=False))

    @property
    def browser(self) -> str:
        """What the request comes from, in words for the person who uses it."""
        return browsers.words(self.headers.get("user-agent", ""))

    @property
    def wants_json(self) -> bool:
        """Whether the caller is a program: one with a token, or at the JSON API or the health check."""
        return self.has_token or is_for_programs(self.path)

    def json(self) -> Any:
        """The body's JSON. Raises UnsupportedMediaType, TooLarge or Unreadable."""
        self._check_type(JSON_TYPE)
        return read_json(self._body())

    def fields(self) -> dict[str, str]:
        """The fields of an HTML form, each of another name. Raises as `json` does."""
        self._check_type(FORM_TYPE)
        return read_form(self._body())

    @cached_property
    def session(self) -> Session | None:
        """The session of the browser, if somebody registered is signed in."""
        secret = cookies.read_session_cookie(self.cookies, secure=self.is_secure)
        session, self._holder = signing_in.signed_in(self.parts, secret)
        # Whoever typed a submitter's code is nobody registered, whichever cookie the browser keeps it in.
        if session is None or is_claimant(session.person_id):
            return None
        session_end.set(session.ends_at - self.parts.now())
        holder_name.set(self._holder.name if self._holder else "")
        return session

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody is known to be signed in, without asking the table for it."""
        return self.__dict__.get("session") is not None

    @property
    def csrf(self) -> str:
        """What a form on our page must bring back. Raises NotSignedIn: with a bearer token there is no page."""
        if self.session is None:
            raise NotSignedIn("Sign in first.")
        return self.session.csrf

    def claimant_session(self, token: str) -> Session:
        """The session of the submitter whose status link holds this token. Raises NotFound for a link that we did
        not sign, NotSignedIn where their code was not typed in this browser."""
        force, reference = self.parts.links.read_status_token(token)
        secret = cookies.read_claimant_cookie(self.cookies)
        session = signing_in.session(self.parts, secret)
        if session is None or session.person_id != claimant_of(force, reference):
            raise NotSignedIn("Type the code that we mail to the address that you gave us first.")
        return session

    @cached_property
    def person(self) -> Person:
        """Who is asking. Raises NotSignedIn where nobody is."""
        if self.has_token:
            return self.token_and_person[1]
        person_id = self.person_id  # reads the session, and the holder with it where one call can
        person = self._holder or self.parts.people.person(person_id)
        if person is None:
            raise NotSignedIn("You are no longer registered.")
        return person

    @property
    def has_token(self) -> bool:
        """Whether the caller sent a bearer token, good or not. A session beside it counts for nothing."""
        return bool(self._bearer)

    @cached_property
    def token_and_person(self) -> tuple[Token, Person]:
        """The bearer token and whose it is. Raises NotSignedIn where it is not good."""
        from chalicelib.services.people import tokens

        return tokens.token_of(self.parts, self._bearer)

    @property
    def person_id(self) -> str:
        """The id of whoever is asking, without looking the person up where a session says it."""
        if self.has_token:
            return self.person.id
        if self.session is None:
            raise NotSignedIn("Sign in first.")
        return self.session.person_id

    @property
    def person_read(self) -> Person | None:
        """Whoever is asking, where they have been read already."""
        return self.__dict__.get("person") or (None if self.has_token else self._holder)

    @property
    def known_id(self) -> str:
        """The id of whoever is asking, where it has been read already. Empty for submitters and strangers."""
        held = self.__dict__.get("token_and_person")
        if held is not None:
            return str(held[1].id)
        session = self.__dict__.get("session")
        return session.person_id if session else ""

    @cached_property
    def request_id(self) -> str:
        """The id that API Gateway gave the request, or one of our own where it gave none."""
        from uuid import uuid4

        return str(self._raw.context.get("requestId") or uuid4())

    @property
    def is_secure(self) -> bool:
        """Whether the service is reached over https."""
        return self.parts.links.page("").startswith("https:")

    def check_same_site(self) -> None:
        """Raise Forbidden for a post that another site's page made (Fetch Metadata, else `Origin`).

        A bearer token is never sent by itself, so it needs no such check.
        """
        if self.has_token:
            return
        site = self.headers.get("sec-fetch-site")
        origin = self.headers.get("origin")
        if site is not None:
            foreign = site not in ("same-origin", "none")
        elif origin is not None:
            ours = urlsplit(self.parts.links.page(""))
            foreign = origin != f"{ours.scheme}://{ours.netloc}"
        else:
            foreign = False
        if foreign:
            raise Forbidden(
                "This was sent from a page of another site. Open our own page, and send it from there."
            )

    @property
    def _bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def _check_type(self, expected: str) -> None:
        if not is_text_of(", ".join(self.header_values("content-type")), expected):
            raise UnsupportedMediaType(f"Send {expected}, in UTF-8.")
        if any(one.lower() != "identity" for one in self.header_values("content-encoding")):
            raise UnsupportedMediaType("Send the body as it is, without compression.")

    def _body(self) -> bytes:
        body = self._raw.raw_body
        if isinstance(body, str):
            body = body.encode()
        if len(body) > MAX_BYTES:
            raise TooLarge(f"The request is larger than {MAX_BYTES // 1024} KB.")
        return body
