"""Digests by mail: each week for the chief constables, each fortnight for the national leaders, once each.

A period's figures are stored when they are first counted. A run that is repeated finds them, the export and the
mails, and changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.domain import deliveries, digests, exports
from chalicelib.domain.digests import Figures
from chalicelib.domain.errors import NotFound
from chalicelib.domain.exports import ALL, Period
from chalicelib.domain.forms import Form
from chalicelib.domain.fund import Balance, Fund
from chalicelib.domain.people import NATIONAL, Holding, Person
from chalicelib.services import exporting
from chalicelib.services.ports import Parts

FORM = "funding-claim"
_MOST_FIGURES = 64 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Digested:
    """How many mails are queued (whether by this run or an earlier one), and how many digests could not be made."""

    queued: int
    failed: int


def digest(parts: Parts, *, so_far: bool = False) -> Digested:
    """See that the digests of the last week and the last fortnight are queued; with `so_far`, those of this week
    up to now. Where nothing has ever been sent in there is none."""
    now, form = parts.now(), parts.forms.form(FORM)
    week = digests.so_far(now) if so_far else digests.last_week(now)
    fortnight = week if so_far else digests.last_fortnight(now)
    queued = failed = 0
    for scope in (*parts.forms.forces(), ALL):
        period = fortnight if scope == ALL else week
        try:
            queued += _digest_one(parts, form, scope, period)
        except Exception as error:  # one that cannot be made must not keep the others from theirs
            failed += 1
            _log.warning("could not make the digest of %s: %s", scope, type(error).__name__)
    return Digested(queued=queued, failed=failed)


def _digest_one(parts: Parts, form: Form, scope: str, period: Period) -> int:
    readers = _readers(parts, scope)
    if not readers:
        return 0
    figures = _stored(parts, scope, period) or _count(parts, form, scope, period)
    if not figures.submitted:
        return 0
    figures = _kept(parts, scope, period, figures)
    exporting.export(parts, form.id, scope, period)
    values = _values(parts, form, scope, period, figures)
    for reader in readers:
        mail = deliveries.mail(
            "digest",
            to=reader.address,
            about=f"{scope}.{period.key}.{reader.id}",
            reference="",
            values=values,
            now=parts.now(),
        )
        parts.outbox.add(mail)
    return len(readers)


def _readers(parts: Parts, scope: str) -> list[Person]:
    """Who gets it, each once."""
    roles = exports.LEADERS if scope == ALL else (exports.CHIEF,)
    at = NATIONAL if scope == ALL else scope
    found = [person for role in roles for person in parts.people.holders(Holding(role=role, at=at))]
    return list({person.id: person for person in found}.values())


def _count(parts: Parts, form: Form, scope: str, period: Period) -> Figures:
    """What was sent in up to the end of the period, as it stands now."""
    now = parts.now()
    found = Figures()
    for force in exporting.forces_in(parts, scope):
        submitted = parts.archive.submitted(force, form.id, until=period.end)
        found += digests.figures((exporting.as_told(one, parts) for one in submitted), now=now)
    return found


def _key(scope: str, period: Period) -> str:
    return f"digests/{FORM}/{scope}/{period.key}.json"


def _kept(parts: Parts, scope: str, period: Period, counted: Figures) -> Figures:
    """The period's figures as they were first counted."""
    if parts.files.put_if_absent(_key(scope, period), counted.to_json(), media_type="application/json"):
        return counted
    return _stored(parts, scope, period) or counted


def _stored(parts: Parts, scope: str, period: Period) -> Figures | None:
    try:
        return Figures.from_json(parts.files.get(_key(scope, period), most=_MOST_FIGURES))
    except NotFound:
        return None


def _values(parts: Parts, form: Form, scope: str, period: Period, figures: Figures) -> dict[str, object]:
    """What the mail says. Counts, sums, references, roles and dates; nothing that anybody wrote."""
    last = _stored(parts, scope, digests.before(period))
    fund = parts.funds.fund(form.workflow.fund)
    names = {one: parts.forms.force_name(one) for one in parts.forms.forces()} if scope == ALL else {}
    return {
        "where": "all forces" if scope == ALL else parts.forms.force_name(scope),
        "noun": form.noun,
        "period": period.words,
        "figures": digests.figure_rows(figures, last, form.noun),
        "money": digests.money_rows(figures, last, _balance(fund, scope)),
        "fund": fund.name,
        "is_first": last is None,
        "waiting": digests.waiting_rows(figures.longest, names),
        "waiting_count": figures.waiting,
        "overdue_count": figures.overdue,
        "chart": digests.chart_rows(figures),
        "exports_url": parts.links.page(f"/exports/{form.id}/{scope}/{period.key}"),
    }


def _balance(fund: Fund, scope: str) -> Balance:
    return fund.balance if scope == ALL else fund.forces.get(scope, Balance(total=0))
