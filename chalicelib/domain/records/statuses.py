"""Where a submission may stand, as the list of statuses says it."""

from __future__ import annotations

from typing import ClassVar

from chalicelib.domain.lists import entries


class Status(str):
    """Where a submission stands: a code of the list of statuses (`schemas/lists/statuses.json`).

    Each status is one object, so `is` compares them. Those that the service itself gives are named here; choices
    give the others. Raises ValueError for a code that is not in the list.
    """

    UNCONFIRMED: ClassVar[Status]
    SUBMITTED: ClassVar[Status]
    IN_REVIEW: ClassVar[Status]
    CHANGES_REQUESTED: ClassVar[Status]
    PAID: ClassVar[Status]
    WITHDRAWN: ClassVar[Status]
    LAPSED: ClassVar[Status]

    __slots__ = ()

    def __new__(cls, code: str) -> Status:
        """The status of this code."""
        if code not in _STATUSES:
            raise ValueError(f"there is no status {code!r}")
        return _STATUSES[code]

    @property
    def value(self) -> str:
        """Its code."""
        return str(self)

    @property
    def commits_money(self) -> bool:
        """Whether a fund owes what was asked for, until it is paid."""
        return self in _COMMITTING


_STATUSES: dict[str, Status] = {
    entry["code"]: str.__new__(Status, entry["code"]) for entry in entries("statuses")
}
_COMMITTING = frozenset(entry["code"] for entry in entries("statuses") if entry.get("commits_money"))
STATUSES = tuple(_STATUSES.values())
"""All statuses, in the order of the list."""

STATUS_WORDS: dict[Status, str] = {Status(entry["code"]): entry["name"] for entry in entries("statuses")}

Status.UNCONFIRMED = Status("unconfirmed")
Status.SUBMITTED = Status("submitted")
Status.IN_REVIEW = Status("in-review")
Status.CHANGES_REQUESTED = Status("changes-requested")
Status.PAID = Status("paid")
Status.WITHDRAWN = Status("withdrawn")
Status.LAPSED = Status("lapsed")
