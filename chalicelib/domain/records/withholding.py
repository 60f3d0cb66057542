"""Who is shown what a submitter asked us to withhold. Pages, mails, differences and the API all ask here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.people import Person


def withheld_from(
    person: Person | None, form: Form, force: str, *versions: Mapping[str, Any]
) -> frozenset[str]:
    """Names of the fields that this person is not shown, for a submission of this force: those that any of the
    `versions` of its answers withholds and that none of the person's roles may see.

    It goes by all that the person holds, never by the role in which they came. Nobody (`None`) holds nothing.
    """
    return frozenset(
        name
        for name in form.withheld(*versions)
        if person is None or not any(asked.holding(force) in person.roles for asked in form.seen_by(name))
    )


def kept_from_approver(
    person: Person | None, form: Form, force: str, *versions: Mapping[str, Any]
) -> frozenset[str]:
    """Names of the fields that this person is not shown when they decide: those that they do not need for it, and
    those that are withheld from them."""
    return form.kept_from_approvers | withheld_from(person, form, force, *versions)
