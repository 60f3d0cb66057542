"""Digests by mail: each week for the chief constables, each fortnight for the national leaders, once each.

A period's figures are stored when they are first counted. A run that is repeated finds them, the exports and the
mails, and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.ideas import publication
from chalicelib.domain.money.fund import Balance, Fund
from chalicelib.domain.people.people import NATIONAL, Holding, Person
from chalicelib.domain.reports import digests, exports
from chalicelib.domain.reports.digests import Figures, listed
from chalicelib.domain.reports.exports import ALL, Period
from chalicelib.domain.sentences import capital
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts
from chalicelib.services.reports import exporting

_MOST_FIGURES = 64 * 1024
_log = logging.getLogger(__name__)


@value
class Digested:
    """How many mails are queued (whether by this run or an earlier one), and how many digests could not be made."""

    queued: int
    failed: int


def digest(parts: Parts, *, so_far: bool = False) -> Digested:
    """See that the digests of the last week and the last fortnight are queued; with `so_far`, those of this week
    up to now. Where nothing has ever been sent in there is none."""
    now = parts.now()
    week = digests.so_far(now) if so_far else digests.last_week(now)
    fortnight = week if so_far else digests.last_fortnight(now)
    queued = failed = 0
    for scope in (*parts.forms.forces(), ALL):
        period = fortnight if scope == ALL else week
        try:
            queued += _digest_one(parts, scope, period)
        except Exception as error:  # one that cannot be made must not keep the others from theirs
            failed += 1
            _log.warning("could not make the digest of %s: %s", scope, type(error).__name__)
    return Digested(queued=queued, failed=failed)


def _digest_one(parts: Parts, scope: str, period: Period) -> int:
    readers = _readers(parts, scope)
    if not readers:
        return 0
    found = [(form, _figures(parts, form, scope, period)) for form in parts.forms.all()]
    if not any(figures.submitted for _, figures in found):
        return 0
    found = [(form, _kept(parts, form, scope, period, figures)) for form, figures in found]
    for form, _ in found:
        exporting.export(parts, form.id, scope, period)
    values = _values(parts, scope, period, found)
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


def _figures(parts: Parts, form: Form, scope: str, period: Period) -> Figures:
    """What was sent in up to the end of the period, as it stood when it was counted."""
    stored = _stored(parts, form, scope, period)
    if stored is not None:
        return stored
    now, found = parts.now(), Figures()
    for force in exporting.forces_in(parts, scope):
        submitted = parts.archive.submitted(force, form.id, until=period.end)
        told = (one.as_told(now) for one in submitted)
        found += digests.figures(told, form, now=now, for_leaders=scope == ALL)
    return found


def _key(form: Form, scope: str, period: Period) -> str:
    return f"digests/{form.id}/{scope}/{period.key}.json"


def _kept(parts: Parts, form: Form, scope: str, period: Period, counted: Figures) -> Figures:
    """The period's figures as they were first counted."""
    key = _key(form, scope, period)
    if parts.files.put_if_absent(key, counted.to_json(), media_type="application/json"):
        return counted
    return _stored(parts, form, scope, period) or counted


def _stored(parts: Parts, form: Form, scope: str, period: Period) -> Figures | None:
    try:
        return Figures.from_json(parts.files.get(_key(form, scope, period), most=_MOST_FIGURES))
    except NotFound:
        return None


def _values(parts: Parts, scope: str, period: Period, found: list[tuple[Form, Figures]]) -> dict[str, object]:
    """What the mail says. Counts, sums, references, roles and dates; of what people wrote, titles that anybody may
    read."""
    told = [_told_of(parts, form, scope, period, figures) for form, figures in found]
    return {
        "what": listed([f"{form.noun}s" for form, _ in found]),
        "where": "all forces" if scope == ALL else parts.forms.force_name(scope),
        "for_leaders": scope == ALL,
        "period": period.words,
        "is_first": all(one["is_first"] for one in told),
        "forms": told,
        "chart": [[capital(f"{form.noun}s"), digests.chart_rows(form, figures)] for form, figures in found],
        "all_exports_url": parts.links.page("/exports"),
    }


def _told_of(parts: Parts, form: Form, scope: str, period: Period, figures: Figures) -> dict[str, Any]:
    """What the mail says of one form."""
    last = _stored(parts, form, scope, digests.before(period))
    names = {one: parts.forms.force_name(one) for one in parts.forms.forces()} if scope == ALL else {}
    fund = parts.funds.fund(form.workflow.fund) if form.workflow.fund else None
    is_published = form.is_published
    return {
        "noun": form.noun,
        "is_published": is_published,
        "is_first": last is None,
        "submitted": figures.submitted,
        "figures": digests.figure_rows(form, figures, last),
        "fund": fund.name if fund else "",
        "money": digests.money_rows(figures, last, _balance(fund, scope)) if fund else [],
        "waiting": [] if is_published else digests.waiting_rows(figures.longest, names),
        "published": list(_published(parts, figures, names)) if is_published else [],
        "waiting_count": figures.to_answer,
        "readers_count": figures.for_readers,
        "overdue_count": figures.public_overdue if is_published else figures.overdue,
        "hidden_count": figures.hidden if is_published else 0,
        "hidden_overdue_count": figures.hidden_overdue if is_published else 0,
        "exports_url": parts.links.page(f"/exports/{form.id}/{scope}/{period.key}"),
    }


def _published(parts: Parts, figures: Figures, names: dict[str, str]) -> Iterator[dict[str, str]]:
    """Those that are named, by title. Each is looked at again: the figures may be some days old, and what has been
    taken back or answered since is left out."""
    for waits in figures.longest:
        try:
            one = parts.records.of(waits.force).case(waits.reference).submission.as_told(parts.now())
        except NotFound:
            continue
        if publication.is_public(one) and one.is_open:
            words = digests.waiting_words(waits, names)
            url = parts.links.page(f"/ideas/{one.reference}")
            yield {"title": one.title.strip(), "words": words, "page_url": url}


def _balance(fund: Fund, scope: str) -> Balance:
    return fund.balance if scope == ALL else fund.forces.get(scope, Balance(total=0))
