"""Ideas for everybody: those that were published, without names, as far as what was decided can no longer be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.domain.errors import NotFound, Unreadable
from chalicelib.domain.forms.answers import Answer, in_words, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.verdicts import verdicts
from chalicelib.domain.ideas import publication
from chalicelib.domain.intake.references import read_reference
from chalicelib.domain.people.people import role_words
from chalicelib.domain.records.submissions import STATUS_WORDS, Case, Status
from chalicelib.domain.values import value
from chalicelib.services.desk import paging
from chalicelib.services.ports import Counted, Parts, Published
from chalicelib.services.records.status_view import HistoryLine

MOST_COUNTED = 100_000
"""How many ideas are counted, the newest: what that costs is bounded (docs/data-model.md)."""

MOST_ON_MAP = 10_000
"""How many ideas the map for programs has, the newest."""

FEW = 500
"""So many ideas are counted anew for everybody who asks. Where there are more, figures are kept."""

GOOD_FOR = timedelta(minutes=5)
"""How long kept figures are told before they are counted anew."""

_COUNTING = timedelta(seconds=30)
"""How long somebody who counts is left to it: others are told the figures from before."""

_A_CALL = 1_000
"""Ideas that a call looks at where all are wanted."""

_FILTER_LEAVES = 24
"""One idea of so many, at a guess: few pages take a second call."""

_OUR_CURSORS = "ideas"


@value
class IdeasPage:
    """A page of the list. `next` is the cursor of the one after it, empty at the end."""

    ideas: tuple[Published, ...]
    next: str


@value
class IdeaView:
    """An idea as everybody may read it. `answers` are those that may be public, without the title."""

    reference: str
    title: str
    force: str
    status: Status
    status_words: str
    submitted_at: datetime
    answers: tuple[Answer, ...]
    history: tuple[HistoryLine, ...]


def page_of_ideas(
    parts: Parts, *, force: str = "", category: str = "", limit: int, cursor: str = ""
) -> IdeasPage:
    """Published ideas, newest first, of one force or category where they are named. Raises Unreadable for a force
    or a category that there is not, and for a cursor that is not ours."""
    _check("force", force, parts.forms.forces())
    _check("category", category, list(categories(parts)))
    after = paging.read_cursor(parts.links, _OUR_CURSORS, cursor)
    look_at = (limit + 1) * (_FILTER_LEAVES if force or category else 1)
    read = parts.records.published(parts.now(), after=after, force=force, category=category, look_at=look_at)
    found = tuple(islice(read, limit + 1))
    shown = found[:limit]
    is_last = len(found) <= limit
    following = "" if is_last else paging.cursor(parts.links, _OUR_CURSORS, shown[-1].place)
    return IdeasPage(ideas=shown, next=following)


def all_ideas(parts: Parts) -> list[Published]:
    """The newest of all published ideas, as many as the map for programs has."""
    return list(islice(parts.records.published(parts.now(), look_at=_A_CALL), MOST_ON_MAP))


def count_ideas(parts: Parts) -> Counted:
    """How many ideas each force has published. Where there are many, as it was counted within the last minutes."""
    now = parts.now()
    kept = parts.records.counted()
    if kept is not None and now < kept.good_until:
        return kept
    if kept is not None:
        ours = replace(kept, good_until=now + _COUNTING)
        if not parts.records.keep_counted(ours, instead_of=kept):
            return kept  # somebody else counts
        kept = ours
    counted = _count(parts, now)
    if counted.total >= FEW:
        parts.records.keep_counted(counted, instead_of=kept)
    return counted


def _count(parts: Parts, now: datetime) -> Counted:
    by_force, is_cut = parts.records.count_published(now, most=MOST_COUNTED)
    return Counted(by_force=by_force, at=now, good_until=now + GOOD_FOR, is_cut=is_cut)


def idea(parts: Parts, reference: str) -> IdeaView:
    """One published idea. One that is not public is NotFound, as if it did not exist. Raises MistypedReference."""
    asked = read_reference(reference)
    missing = NotFound("There is no published idea with this reference.")
    try:
        case = parts.records.of(parts.records.force_of(asked)).case(asked).as_told(parts.now())
    except NotFound:
        raise missing from None
    one = case.submission
    if not publication.is_public(one):
        raise missing
    form = parts.forms.form(one.form, one.form_version)
    public = {name: one.answers[name] for name in form.public if name in one.answers}
    return IdeaView(
        reference=one.reference,
        title=one.title,
        force=one.force,
        status=one.status,
        status_words=STATUS_WORDS[one.status],
        submitted_at=one.submitted_at,
        answers=tuple(answer for answer in walk(form, public) if answer.name != form.title_field),
        history=_history(case, form),
    )


def categories(parts: Parts) -> dict[str, str]:
    """What is published is about: each value that the list is filtered by and its words, in the order of the forms."""
    asked = (form.question(form.public_filter) for form in parts.forms.all() if form.is_published)
    questions = [question for question in asked if question]
    return {option.value: in_words(one, option.value) for one in questions for option in one.options}


def _history(case: Case, form: Form) -> tuple[HistoryLine, ...]:
    """What everybody may know of its way: that it was shared, and what each stage came to."""
    shared = HistoryLine(at=case.submission.submitted_at, words=f"The {form.noun} was shared.", comment="")
    return shared, *(
        HistoryLine(
            at=one.at,
            words=f"The {role_words(one.role)} {one.choice.done} it.",
            comment="\n\n".join(one.reasons),
        )
        for one in verdicts(case, form)
    )


def _check(name: str, value: str, known: list[str]) -> None:
    if value and value not in known:
        raise Unreadable(f"There is no such {name}.")
