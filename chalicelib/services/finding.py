"""Finding a submission where it is now: a change of its answers may have moved it to another force."""

from __future__ import annotations

from chalicelib.domain.submissions import Case
from chalicelib.services.ports import Parts

_MOST_MOVES = 20


def case_of(parts: Parts, force: str, reference: str) -> Case:
    """The case that a submitter's link leads to, wherever it was moved since. Raises NotFound."""
    case = parts.records.of(force).case(reference)
    for _ in range(_MOST_MOVES):
        if not case.submission.moved_to:
            break
        case = parts.records.of(case.submission.moved_to).case(reference)
    return case
