"""Finding a submission where it is now, since changed answers may have moved it to another force; whoever reads it,
with all that they hold; and who coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.people import COORDINATOR, Holding, Person
from chalicelib.domain.records.submissions import Case
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


def reader(parts: Parts, form: Form, case: Case, person_id: str) -> Person | None:
    """The person with every role that they hold, for `domain/records/withholding.py`. None where no version of the
    answers withholds anything, since nobody needs to be read then; and for somebody who is not registered any more."""
    versions = (case.answers, *(version.all_answers for version in case.versions))
    return parts.people.person(person_id) if form.withheld(*versions) else None


def coordinators(parts: Parts, places: Iterable[str]) -> list[Person]:
    """Who coordinates at these places, each once with all of these places."""
    found: dict[str, Person] = {}
    for at in places:
        for person in parts.people.holders(Holding(role=COORDINATOR, at=at)):
            before = found.get(person.id)
            found[person.id] = replace(person, roles=before.roles + person.roles) if before else person
    return list(found.values())
