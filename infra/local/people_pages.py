"""`/local`: where to go in this run, and becoming somebody: signing in as them with one click and no email.

Nothing that is deployed can do this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from chalicelib import wiring
from chalicelib.domain.people.people import NATIONAL, ROLE_NAMES, Person, role_words
from chalicelib.domain.sentences import capital
from chalicelib.services.people import signing_in
from chalicelib.services.ports import Parts
from chalicelib.web.http import cookies
from chalicelib.web.pages.people import sign_in
from infra.local import guidance, pages, registered
from infra.local.answers import Answer, made, problem
from infra.local.mailbox import Mailbox, addresses

_ORDER = {role: place for place, role in enumerate(ROLE_NAMES)}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Somebody as the page shows them. `holds` is what neither their name nor the heading says of them; `mails` is
    how many emails they have."""

    id: str
    name: str
    address: str
    holds: str
    mails: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """Everybody national, or everybody who holds a role for a force."""

    title: str
    rows: list[Row]
    is_open: bool


class PeoplePages:
    """`secret` must come back with every form."""

    def __init__(self, mailbox: Mailbox, seeds: Path | None, demo_token: Path | None, secret: str) -> None:
        self._mailbox = mailbox
        self._people = registered.people(seeds)
        self._demo_token = demo_token
        self._secret = secret

    def show(self, query: dict[str, str], headers: Message) -> Answer:
        """The page; with `q` only those who match every word of it."""
        parts, wanted = wiring.parts(), query.get("q", "").strip()
        counts = Counter(address for mail in self._mailbox.entries() for address in addresses(mail))
        groups = list(_groups(parts, self._people, wanted, counts))
        return pages.page(
            "start.html",
            forms=parts.forms.all(),
            groups=groups,
            wanted=wanted,
            has_people=bool(self._people),
            mails=len(self._mailbox.entries()),
            me=_whoever(parts, headers),
            token=self._secret,
            demo_token=self._token_file(),
        )

    def _token_file(self) -> str:
        file = self._demo_token
        return guidance.short(file) if file is not None and file.exists() else ""

    def become(self, person_id: str, headers: Message) -> Answer:
        """Sign this browser in as somebody registered, and lead it to where they land."""
        parts = wiring.parts()
        listed = any(one.id == person_id for one in self._people)
        person = parts.people.person(person_id) if listed else None
        if person is None:
            return problem(404, "Nobody is registered with this id.", accept=headers.get("Accept", ""))
        secret = signing_in.open_session(parts, person.id)
        _end_session(parts, headers)
        cookie = cookies.session_cookie(secret, secure=_is_secure(parts))
        return _to(sign_in.first_page(parts, person), cookie)

    def sign_out(self, headers: Message) -> Answer:
        """End the session of this browser."""
        parts = wiring.parts()
        _end_session(parts, headers)
        return _to("/local", cookies.clear_session_cookie(secure=_is_secure(parts)))


def _groups(parts: Parts, people: Iterable[Person], wanted: str, counts: Counter[str]) -> Iterator[Group]:
    """National people first, then a group for each role, by force. Somebody of two roles is in both."""
    found: dict[str, list[tuple[str, Row]]] = {}
    words = wanted.casefold().split()
    for person in people:
        for held in person.roles:
            role = capital(role_words(held.role))
            is_national = held.at == NATIONAL
            place = NATIONAL if is_national else parts.forms.force_name(held.at)
            said = f"{person.name} {person.address} {place} {role}".casefold()
            if all(word in said for word in words):
                row = _row(person, role if is_national else place, counts)
                found.setdefault("" if is_national else held.role, []).append((place, row))
    for role in sorted(found, key=_place_of):
        # The roles of national people keep the order of the file, which is that of the stages.
        rows = [row for _, row in (sorted(found[role], key=_place_and_name) if role else found[role])]
        yield Group(
            title=capital(role_words(role)) if role else "National",
            rows=rows,
            is_open=bool(words) or not role,
        )


def _place_of(role: str) -> int:
    return _ORDER.get(role, len(_ORDER)) if role else -1


def _place_and_name(one: tuple[str, Row]) -> tuple[str, str]:
    return one[0], one[1].name


def _row(person: Person, holds: str, counts: Counter[str]) -> Row:
    return Row(
        id=person.id,
        name=person.name,
        address=person.address,
        holds="" if holds.casefold() in person.name.casefold() else holds,
        mails=counts[person.address.casefold()],
    )


def _whoever(parts: Parts, headers: Message) -> Person | None:
    """Who is signed in in this browser."""
    session = signing_in.session(parts, secret) if (secret := _secret(parts, headers)) else None
    return parts.people.person(session.person_id) if session else None


def _end_session(parts: Parts, headers: Message) -> None:
    if secret := _secret(parts, headers):
        signing_in.sign_out(parts, secret)


def _secret(parts: Parts, headers: Message) -> str:
    pairs = (pair.strip().partition("=") for pair in headers.get("Cookie", "").split(";"))
    given = {name: value for name, _, value in pairs}
    return cookies.read_session_cookie(given, secure=_is_secure(parts))


def _is_secure(parts: Parts) -> bool:
    return parts.links.page("").startswith("https:")


def _to(path: str, cookie: str) -> Answer:
    return made(303, "text/plain; charset=utf-8", b"", headers={"Location": path, "Set-Cookie": cookie})
