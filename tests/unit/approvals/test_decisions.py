"""Decisions: what may be answered, when an answer stands, and what it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.files.form_files import calendar
from chalicelib.domain.approvals import decisions
from chalicelib.domain.approvals.decisions import Decided, read_answer, what_stands
from chalicelib.domain.approvals.outcomes import OUTCOMES
from chalicelib.domain.errors import ClaimChanged, InvalidAnswers
from chalicelib.domain.forms.stages import AskedAs, Choice, Stage
from chalicelib.domain.money.fund import Kind
from chalicelib.domain.records.submissions import Case, Status, TaskState
from tests.builders import MONDAY, a_case, a_form, a_task
from tests.unit.scenes import board, form_with

FORM = a_form()
CALENDAR = calendar()
LEAD = FORM.workflow.stage("force-lead")
PAGES = ["the-day", "costs", "you"]
OUT = MONDAY + timedelta(hours=1, minutes=10)


def read(decision: Any, comment: Any = None, changes: Any = None) -> tuple[str, str, dict[str, str]]:
    one = read_answer(FORM, LEAD.offered, decision=decision, comment=comment, changes=changes, now=MONDAY)
    return one.choice.value, one.comment, dict(one.changes)


def problems(decision: Any, comment: Any = None, changes: Any = None) -> list[str]:
    with pytest.raises(InvalidAnswers) as caught:
        read(decision, comment, changes)
    assert all(one.message for one in caught.value.problems)
    return [f"{one.pointer} {one.code}" for one in caught.value.problems]


def decide(case: Case, decision: str = "approve", stage: str = "force-lead", **changes: Any) -> Decided:
    """The only open task is decided."""
    task = next((task for task in case.open_tasks), a_task(stage=stage))
    case = case if task in case.tasks else replace(case, tasks=(task,))
    workflow = changes.pop("form", FORM).workflow
    form = replace(FORM, workflow=workflow)
    comment = "" if decision == "approve" else "Because"
    answered = read_answer(
        form, workflow.stage(task.stage).offered, decision=decision, comment=comment, now=MONDAY
    )
    return decisions.decide(
        case,
        task,
        answered,
        form=form,
        calendar=CALENDAR,
        now=MONDAY + timedelta(hours=1),
        goes_out=OUT,
        **{"seen": case.seen, **changes},
    )


def test_the_choices_are_what_the_forms_file_says() -> None:
    for stage in FORM.workflow.stages:
        assert [(one.value, one.outcome.word, one.status, one.needs_reason) for one in stage.choices] == [
            ("approve", "advance", "approved", False),
            ("reject", "close", "rejected", True),
            ("request-changes", "return", "", False),
        ]


def test_a_choice_that_only_another_stage_has_is_none_here() -> None:
    adopt = Choice(
        value="adopt", label="Adopt", done="adopted", outcome=OUTCOMES["advance"], status="approved"
    )
    form = form_with("programme", choices=(*LEAD.choices, adopt))
    answered = read_answer(
        form, form.workflow.stage("programme").offered, decision="adopt", comment="", now=MONDAY
    )
    assert answered.choice == adopt
    with pytest.raises(InvalidAnswers) as caught:
        read_answer(form, form.workflow.stage("force-lead").offered, decision="adopt", comment="", now=MONDAY)
    (problem,) = caught.value.problems
    assert problem.message == "Choose your decision: approve, reject or request-changes"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("approve",), ("approve", "", {})),
        (("approve", ""), ("approve", "", {})),
        (("approve", "  Fine\r\nby me "), ("approve", "Fine\nby me", {})),
        (("approve", "", {}), ("approve", "", {})),
        (("approve", "", {"costs": "  "}), ("approve", "", {})),
        (("reject", "No"), ("reject", "No", {})),
        (("reject", "x" * 2000), ("reject", "x" * 2000, {})),
        (("approve", "Siân 👩\u200d🚒"), ("approve", "Siân 👩\u200d🚒", {})),
        (
            ("request-changes", "Too dear"),
            ("request-changes", "Too dear", {"the-day": "", "costs": "", "you": ""}),
        ),
        (
            ("request-changes", "", {"costs": " Too\r\ndear "}),
            ("request-changes", "", {"costs": "Too\ndear"}),
        ),
        (
            ("request-changes", "Please", {"you": "Who?", "costs": "", "the-day": "When?"}),
            ("request-changes", "Please", {"the-day": "When?", "you": "Who?"}),
        ),
    ],
)
def test_an_answer_is_read_and_tidied(given: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert read(*given) == expected
    assert list(read(*given)[2]) == [page for page in PAGES if page in expected[2]], "in the form's order"


@pytest.mark.parametrize("decision", [None, "", "Approve", "approve ", True, ["approve"], "adopt", 0, {}])
def test_what_is_no_choice_is_refused(decision: Any) -> None:
    assert problems(decision, "x") == ["/decision enum"]


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (("reject", ""), ["/comment required"]),
        (("reject",), ["/comment required"]),
        (("reject", " \n "), ["/comment required"]),
        (("approve", "x" * 2001), ["/comment maxLength"]),
        (("approve", 5), ["/comment type"]),
        (("approve", ["x"]), ["/comment type"]),
        (("approve", "a\tb"), ["/comment control-characters"]),
        (("", "x" * 2001), ["/decision enum", "/comment maxLength"]),
        (("request-changes",), ["/changes/the-day required"]),
        (("request-changes", " ", {"costs": " \n"}), ["/changes/the-day required"]),
        (("request-changes", "x", ["costs"]), ["/changes type"]),
        (("request-changes", "x", "costs"), ["/changes type"]),
        (("request-changes", "x", {"money": "Less"}), ["/changes additionalProperties"]),
        (("request-changes", "x", {"costs": 5}), ["/changes/costs type"]),
        (("request-changes", "x", {"costs": "y" * 2001}), ["/changes/costs maxLength"]),
        (("request-changes", "x", {"you": "a\x07"}), ["/changes/you control-characters"]),
        (("approve", "x", {"costs": "Less"}), ["/decision contradiction"]),
        (("reject", "x", {"costs": "Less"}), ["/decision contradiction"]),
    ],
)
def test_an_answer_that_cannot_be_taken_says_why(given: tuple[Any, ...], codes: list[str]) -> None:
    assert problems(*given) == codes


def test_every_problem_is_said_at_once() -> None:
    changes = {"money": "?", "costs": 5, "you": "a\tb", "the-day": "y" * 2001}
    assert problems("adopt", "x" * 2001, changes) == [
        "/decision enum",
        "/comment maxLength",
        "/changes additionalProperties",
        "/changes/the-day maxLength",
        "/changes/costs type",
        "/changes/you control-characters",
    ]
    assert problems("reject", "", {"costs": "Less"}) == ["/comment required", "/decision contradiction"]


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u2028"], ids=ascii
)
def test_no_words_hold_anything_that_cannot_be_shown(character: str) -> None:
    assert problems("approve", f"Approve{character}d") == ["/comment control-characters"]
    assert problems("request-changes", "", {"you": f"Approve{character}d"}) == [
        "/changes/you control-characters"
    ]


STAGE = board().workflow.stage("programme")


@pytest.mark.parametrize(
    ("quorum", "votes", "waiting", "stands"),
    [
        (1, [], 1, ""),
        (1, ["approve"], 0, "approve"),
        (1, ["reject"], 2, "reject"),
        (2, ["approve"], 2, ""),
        (2, ["approve", "approve"], 1, "approve"),
        (2, ["approve", "reject"], 1, ""),
        (2, ["reject", "reject"], 1, "reject"),
        (2, ["approve", "reject"], 0, "reject"),
        (3, ["approve", "approve"], 1, ""),
        (3, ["approve", "reject"], 1, "reject"),
        (3, ["reject", "approve"], 1, "reject"),
        (None, ["approve", "approve"], 1, ""),
        (None, ["approve", "approve", "approve"], 0, "approve"),
        (None, ["reject"], 2, ""),
        (None, ["approve", "reject"], 1, "reject"),
        (2, [], 1, "reject"),
    ],
)
def test_a_choice_stands_as_soon_as_enough_have_chosen_alike_or_none_can(
    quorum: int | None, votes: list[str], waiting: int, stands: str
) -> None:
    assert what_stands(replace(STAGE, quorum=quorum), votes, waiting) == stands


@given(
    st.one_of(st.none(), st.integers(1, 4)),
    st.lists(st.sampled_from(["approve", "reject"]), max_size=4),
    st.integers(0, 3),
)
def test_nothing_stands_before_its_time_and_nothing_is_waited_for_in_vain(
    quorum: int | None, votes: list[str], waiting: int
) -> None:
    """Against every way in which those who have not answered yet could answer."""
    stage = replace(STAGE, quorum=quorum, without_quorum="neither")
    needed = len(votes) + waiting if quorum is None else quorum
    reached = [one for one in ("approve", "reject") if votes.count(one) >= max(needed, 1)]
    stands = what_stands(stage, votes, waiting)
    if reached:
        assert stands in reached
        return
    ways = [votes + list(more) for more in product(["approve", "reject"], repeat=waiting)]
    possible = any(way.count(one) >= max(needed, 1) for way in ways for one in ("approve", "reject"))
    assert stands == ("" if possible else "neither") or (needed, stands) == (0, "")


@pytest.mark.parametrize("seen", ["", "0" * 64, a_case().seen[:-1], a_case().seen.upper()])
def test_a_decision_needs_what_was_shown(seen: str) -> None:
    with pytest.raises(ClaimChanged):
        decide(a_case(), seen=seen)


def test_what_is_shown_changes_with_every_answer() -> None:
    case = a_case()
    one = case.submission
    others = [
        replace(
            case, submission=replace(one, answers={**one.answers, "purpose": "Another purpose entirely"})
        ),
        replace(case, submission=replace(one, reference="CLM-0000-0001")),
        replace(case, submission=replace(one, form_version=2)),
        replace(case, personal={**case.personal, "claimant_name": "Another"}),
    ]
    assert len({one.seen for one in [case, *others]}) == 5
    assert replace(case, submission=replace(one, revision=9, stage="programme")).seen == case.seen


def test_approving_the_first_stage_reserves_and_goes_on() -> None:
    done = decide(a_case())
    one = done.submission
    assert (one.status, one.stage, one.asked_as) == (Status.IN_REVIEW, "programme", AskedAs.APPROVER)
    assert (one.waiting_for, one.revision, one.reminded) == ("programme-manager", 2, 0)
    assert one.approved_by == {"force-lead": ("lead-kent",)}
    assert (done.task.state, done.task.decision) == (TaskState.DECIDED, "approve")
    assert done.task.seen == a_case().seen
    assert done.movement is not None
    assert (done.movement.kind, done.movement.amount_pence) == (Kind.RESERVE, 600_000)
    assert (done.movement.force, done.movement.fund, done.movement.revision) == ("kent", "ptf", 2)


def test_others_time_begins_when_they_are_told() -> None:
    late = OUT.replace(hour=23)  # decided before midnight, told after
    answered = read_answer(FORM, LEAD.offered, decision="approve", comment="", now=MONDAY)
    for goes_out, day in ((late, MONDAY), (late + timedelta(hours=2), MONDAY + timedelta(days=1))):
        done = decisions.decide(
            replace(a_case(), tasks=(a_task(),)),
            a_task(),
            answered,
            seen=a_case().seen,
            form=FORM,
            calendar=CALENDAR,
            now=late,
            goes_out=goes_out,
        )
        one = done.submission
        assert one.due_at == CALENDAR.deadline(day, 5)
        assert one.next_at == CALENDAR.reminder(one.due_at, 1)
        assert (one.changed_at, done.task.decided_at) == (late, late)


@pytest.mark.parametrize(
    ("stage", "amount", "status", "kind"),
    [
        ("force-lead", 600_000, Status.IN_REVIEW, Kind.RESERVE),
        ("programme", 600_000, Status.IN_REVIEW, None),
        ("finance", 600_000, Status("approved"), Kind.COMMIT),
        ("programme", 499_999, Status("approved"), Kind.COMMIT),
        ("programme", 500_000, Status.IN_REVIEW, None),
    ],
)
def test_the_last_approval_commits(stage: str, amount: int, status: Status, kind: Kind | None) -> None:
    reserved = 0 if stage == "force-lead" else amount
    done = decide(a_case(stage=stage, amount_pence=amount, reserved_pence=reserved), stage=stage)
    one = done.submission
    assert one.status is status
    assert (done.movement.kind if done.movement else None) is kind
    assert one.is_open == bool(one.waiting_for) == bool(one.due_at) == bool(one.next_at)
    expected = (0, amount) if status is Status("approved") else (amount, 0)
    assert (one.reserved_pence, one.committed_pence) == expected


@pytest.mark.parametrize(
    ("stage", "approved", "kind"),
    [
        ("force-lead", {}, None),
        ("programme", {"force-lead": ("ann",)}, Kind.RELEASE),
        ("finance", {"force-lead": ("ann",), "programme": ("bob",)}, Kind.RELEASE),
    ],
)
def test_a_rejection_releases_what_was_reserved(
    stage: str, approved: dict[str, tuple[str, ...]], kind: Kind | None
) -> None:
    reserved = 600_000 if approved else 0
    case = a_case(stage=stage, approved_by=approved, reserved_pence=reserved)
    done = decide(case, "reject", stage=stage)
    one = done.submission
    assert one.status is Status("rejected")
    assert (done.movement.kind if done.movement else None) is kind
    assert (one.waiting_for, one.due_at, one.next_at, one.reserved_pence) == ("", None, None, 0)
    assert one.approved_by == approved


@pytest.mark.parametrize("stage", ["force-lead", "programme", "finance"])
def test_asking_for_changes_waits_for_the_claimant_and_keeps_what_is_reserved(stage: str) -> None:
    reserved = 0 if stage == "force-lead" else 600_000
    done = decide(a_case(stage=stage, reserved_pence=reserved), "request-changes", stage=stage)
    one = done.submission
    assert (one.status, one.stage, one.asked_as) == (Status.CHANGES_REQUESTED, stage, AskedAs.CLAIMANT)
    assert (one.waiting_for, one.due_at) == ("claimant", CALENDAR.deadline(OUT, 20))
    assert one.next_at == CALENDAR.reminder(CALENDAR.deadline(OUT, 20), 10)
    assert (one.reserved_pence, done.movement, one.approved_by) == (reserved, None, {})


def a_sitting(**votes: str) -> Case:
    """A board in session: who has voted what; an empty vote is still to come."""
    tasks = tuple(
        a_task(
            number,
            person_id=person,
            stage="programme",
            role="programme-manager",
            state=TaskState.DECIDED if vote else TaskState.OPEN,
            decision=vote,
        )
        for number, (person, vote) in enumerate(votes.items(), 1)
    )
    return replace(a_case(stage="programme", reserved_pence=600_000), tasks=tasks)


def test_only_those_who_chose_what_stands_are_its_approvers() -> None:
    done = decide(a_sitting(ann="approve", bob="reject", cat=""), form=board(2))
    assert done.submission.approved_by == {"programme": ("ann", "cat")}
    assert (done.stands.value if done.stands else None, done.closed) == ("approve", ())


def test_an_answer_that_is_not_enough_moves_nothing_but_the_revision() -> None:
    case = a_sitting(ann="", bob="", cat="")
    done = decide(case, form=board(2))
    assert (done.stands, done.closed, done.movement) == (None, (), None)
    assert done.submission.standing == case.submission.standing
    assert done.submission.revision == case.submission.revision + 1


@pytest.mark.parametrize(
    ("votes", "decision", "quorum", "stands"),
    [
        ({"ann": "approve", "bob": "", "cat": ""}, "approve", 2, "approve"),
        ({"ann": "approve", "bob": "", "cat": ""}, "reject", 3, "reject"),
        ({"ann": "reject", "bob": "", "cat": ""}, "approve", 3, "reject"),
        ({"ann": "approve", "bob": "", "cat": ""}, "request-changes", 3, "request-changes"),
        ({"bob": "", "cat": ""}, "request-changes", 2, "request-changes"),
    ],
)
def test_what_stands_closes_the_tasks_of_all_others(
    votes: dict[str, str], decision: str, quorum: int, stands: str
) -> None:
    case = a_sitting(**votes)
    done = decide(case, decision, form=board(quorum))
    assert done.stands is not None
    assert done.stands.value == stands
    waiting = [task.person_id for task in case.open_tasks if task.number != done.task.number]
    assert waiting
    assert [(task.person_id, task.state, task.ended_by) for task in done.closed] == [
        (person, TaskState.CLOSED, done.task.number) for person in waiting
    ]


def test_a_stage_says_how_many_must_choose_alike() -> None:
    def needed(stage: Stage) -> list[int]:
        return [stage.needed(asked) for asked in (1, 3, 5)]

    assert needed(LEAD) == [1, 1, 1]
    assert needed(replace(STAGE, quorum=2)) == [2, 2, 2]
    assert needed(replace(STAGE, quorum=None)) == [1, 3, 5]


def test_a_stage_that_begins_is_a_new_sitting() -> None:
    case = a_case(tasks=(a_task(),))
    assert decide(case).submission.sitting == case.submission.sitting + 1


def test_votes_of_an_earlier_sitting_do_not_count() -> None:
    """The same stage on the same answers, begun again: who voted before is asked anew."""
    before = a_sitting(ann="approve", bob="approve", cat="approve")
    now = a_sitting(ann="", bob="", cat="").tasks
    again = tuple(replace(task, number=task.number + 3, sitting=2) for task in now)
    case = replace(before, submission=replace(before.submission, sitting=2), tasks=(*before.tasks, *again))
    assert case.sitting == again
    assert decide(case, form=board(2)).stands is None


def test_only_the_last_sitting_says_what_a_casting_vote_may_choose() -> None:
    first = a_sitting(ann="reject").tasks
    second = tuple(replace(task, number=9, sitting=2, decision="approve") for task in first)
    case = replace(a_case(stage="finance"), tasks=(*first, *second))
    stage = replace(FORM.workflow.stage("finance"), choices_given_at="programme")
    assert [choice.value for choice in decisions.offered_at(case, stage)] == ["approve"]


def test_a_state_without_numbered_sittings_has_the_digest_that_earlier_releases_wrote() -> None:
    one = a_case().submission
    assert one.sitting == 1
    assert one.state == "d0e54e159d7ce1e074fb2d300a06ca6bf9cfda751e99105b4958f714e72c7170"
    assert replace(one, sitting=2).state != one.state
