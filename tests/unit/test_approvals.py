"""Approvals: who decides, in what order, and what a decision changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.form_files import calendar
from chalicelib.domain import approvals, deliveries
from chalicelib.domain.approvals import Choice, asked_in, barred, next_turn, read_choice
from chalicelib.domain.errors import AlreadyDecided, ClaimChanged, Forbidden, Gone, InvalidAnswers, NotAsked
from chalicelib.domain.fund import Kind
from chalicelib.domain.people import eligible, normalised
from chalicelib.domain.submissions import AskedAs, Case, Status, Task, TaskState
from tests.builders import MONDAY, a_case, a_form, a_person, a_task

FORM = a_form()
CALENDAR = calendar()


def decide(case: Case, task: Task, choice: Choice = Choice.APPROVE) -> approvals.Decided:
    return approvals.decide(
        case, task, choice, seen=case.seen, form=FORM, calendar=CALENDAR, now=MONDAY + timedelta(hours=1)
    )


def test_the_turns_are_approver_deputy_coordinators_for_ever() -> None:
    assert [next_turn(turn) for turn in AskedAs] == [
        AskedAs.DEPUTY,
        AskedAs.COORDINATORS,
        AskedAs.COORDINATORS,
    ]


def test_each_turn_asks_the_role_of_its_stage_at_its_place() -> None:
    lead, programme, finance = FORM.workflow.stages
    found = [asked_in(stage, turn, "kent") for stage in (lead, programme, finance) for turn in AskedAs]
    assert [(one.role, one.at) for one in found] == [
        ("innovation-lead", "kent"),
        ("innovation-lead-deputy", "kent"),
        ("coordinator", "kent"),
        ("programme-manager", "national"),
        ("programme-manager-deputy", "national"),
        ("coordinator", "kent"),
        ("fund-holder", "national"),
        ("fund-holder-deputy", "national"),
        ("coordinator", "kent"),
    ]


@pytest.mark.parametrize(
    ("amount", "stages"),
    [(499_999, ["force-lead", "programme"]), (500_000, ["force-lead", "programme", "finance"])],
)
def test_the_fund_holder_is_asked_from_5000_pounds(amount: int, stages: list[str]) -> None:
    workflow = FORM.workflow
    found = [workflow.first(amount).name]
    while following := workflow.after(found[-1], amount):
        found.append(following.name)
    assert found == stages


def test_the_claimant_and_earlier_approvers_are_barred() -> None:
    one = a_case(claimant_id="ann", approved_by={"force-lead": "bob", "programme": "cat"}).submission
    assert barred(one) == {"ann", "bob", "cat"}
    assert barred(a_case().submission) == frozenset()


def test_the_first_who_may_decide_is_asked_always_the_same() -> None:
    people = [a_person("zoe"), a_person("bob"), a_person("ann")]
    assert eligible(people, []).id == "ann"  # type: ignore[union-attr]
    assert eligible(reversed(people), ["ann"]).id == "bob"  # type: ignore[union-attr]
    assert eligible(people, ["ann", "bob", "zoe"]) is None


@pytest.mark.parametrize("other", ["a@example.org", "A@EXAMPLE.ORG", " a@example.org ", "a+b+c@example.org"])
def test_spellings_of_one_mailbox_compare_equal(other: str) -> None:
    assert normalised(other) == normalised("a@example.org")


@pytest.mark.parametrize("other", ["b@example.org", "a@example.com", "a.b@example.org", "a-b@example.org"])
def test_other_mailboxes_do_not(other: str) -> None:
    assert normalised(other) != normalised("a@example.org")


@pytest.mark.parametrize(
    ("decision", "comment", "expected"),
    [
        ("approve", None, (Choice.APPROVE, "")),
        ("approve", "", (Choice.APPROVE, "")),
        ("approve", "  Fine\r\nby me ", (Choice.APPROVE, "Fine\nby me")),
        ("reject", "No", (Choice.REJECT, "No")),
        ("reject", "x" * 2000, (Choice.REJECT, "x" * 2000)),
        ("approve", "Siân 👩\u200d🚒", (Choice.APPROVE, "Siân 👩\u200d🚒")),
    ],
)
def test_a_choice_is_read(decision: str, comment: Any, expected: tuple[Choice, str]) -> None:
    assert read_choice(decision, comment) == expected


@pytest.mark.parametrize(
    ("decision", "comment", "codes"),
    [
        (None, "x", ["/decision enum"]),
        ("", "x", ["/decision enum"]),
        ("Approve", "x", ["/decision enum"]),
        ("approve ", "x", ["/decision enum"]),
        (True, "x", ["/decision enum"]),
        (["approve"], "x", ["/decision enum"]),
        ("adopt", "x", ["/decision enum"]),
        ("reject", "", ["/comment required"]),
        ("reject", None, ["/comment required"]),
        ("reject", " \n ", ["/comment required"]),
        ("approve", "x" * 2001, ["/comment maxLength"]),
        ("approve", 5, ["/comment type"]),
        ("approve", ["x"], ["/comment type"]),
        ("approve", "a\tb", ["/comment control-characters"]),
        ("", "x" * 2001, ["/decision enum", "/comment maxLength"]),
    ],
)
def test_a_choice_must_be_made_and_a_rejection_explained(
    decision: Any, comment: Any, codes: list[str]
) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        read_choice(decision, comment)
    assert [f"{one.pointer} {one.code}" for one in caught.value.problems] == codes


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u2028"], ids=ascii
)
def test_a_comment_holds_nothing_that_cannot_be_shown(character: str) -> None:
    with pytest.raises(InvalidAnswers):
        read_choice("approve", f"Approve{character}d")


def test_the_asked_person_may_decide() -> None:
    approvals.check_asked(a_case(), a_task(), "lead-kent")


@pytest.mark.parametrize("person", ["deputy-kent", "", "LEAD-KENT", "lead-kent "])
def test_whoever_was_not_asked_may_not(person: str) -> None:
    with pytest.raises(NotAsked, match="link"):
        approvals.check_asked(a_case(claimant_id="ann"), a_task(), person)


def test_the_claimant_may_not_even_if_asked() -> None:
    with pytest.raises(Forbidden, match="own claim"):
        approvals.check_asked(a_case(claimant_id="lead-kent"), a_task(), "lead-kent")


def test_an_earlier_approver_may_not() -> None:
    case = a_case(approved_by={"force-lead": "ann"})
    with pytest.raises(Forbidden, match="earlier stage"):
        approvals.check_asked(case, a_task(stage="programme"), "ann")


def test_a_task_that_was_decided_says_when() -> None:
    task = a_task(state=TaskState.DECIDED, decision="approve", decided_at=MONDAY)
    with pytest.raises(AlreadyDecided, match="11 January 2027 at 9:30am: approve"):
        approvals.check_waiting(a_case(), task)


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (a_task(state=TaskState.OVERTAKEN), {}),
        (a_task(), {"stage": "programme"}),
        (a_task(), {"status": Status.APPROVED}),
        (a_task(), {"status": Status.REJECTED}),
    ],
)
def test_a_task_that_is_over_is_gone(task: Task, changes: dict[str, Any]) -> None:
    with pytest.raises(Gone):
        approvals.check_waiting(a_case(**changes), task)


@pytest.mark.parametrize("turn", list(AskedAs))
def test_an_open_task_of_the_stage_waits_in_any_turn(turn: AskedAs) -> None:
    approvals.check_waiting(a_case(asked_as=turn), a_task())


def test_a_decision_needs_what_was_shown() -> None:
    case = a_case()
    for seen in ("", "0" * 64, case.seen[:-1], case.seen.upper()):
        with pytest.raises(ClaimChanged):
            approvals.decide(
                case, a_task(), Choice.APPROVE, seen=seen, form=FORM, calendar=CALENDAR, now=MONDAY
            )


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
    done = decide(a_case(), a_task())
    one = done.submission
    assert (one.status, one.stage, one.asked_as) == (Status.IN_REVIEW, "programme", AskedAs.APPROVER)
    assert (one.waiting_for, one.revision) == ("programme-manager", 2)
    assert one.due_at == CALENDAR.deadline(MONDAY, 5)
    assert one.approved_by == {"force-lead": "lead-kent"}
    assert (done.task.state, done.task.decision) == (TaskState.DECIDED, "approve")
    assert done.task.seen == a_case().seen
    (movement,) = done.movements
    assert (movement.kind, movement.amount_pence, movement.force) == (Kind.RESERVE, 600_000, "kent")


@pytest.mark.parametrize(
    ("stage", "amount", "status", "kinds"),
    [
        ("force-lead", 600_000, Status.IN_REVIEW, [Kind.RESERVE]),
        ("programme", 600_000, Status.IN_REVIEW, []),
        ("finance", 600_000, Status.APPROVED, [Kind.COMMIT]),
        ("programme", 499_999, Status.APPROVED, [Kind.COMMIT]),
        ("programme", 500_000, Status.IN_REVIEW, []),
    ],
)
def test_the_last_approval_commits(stage: str, amount: int, status: Status, kinds: list[Kind]) -> None:
    approved = {} if stage == "force-lead" else {"force-lead": "ann"}
    case = a_case(stage=stage, amount_pence=amount, approved_by=approved)
    done = decide(case, a_task(stage=stage))
    assert done.submission.status is status
    assert [move.kind for move in done.movements] == kinds
    assert done.submission.is_open == bool(done.submission.waiting_for) == bool(done.submission.due_at)


@pytest.mark.parametrize(
    ("stage", "approved", "kinds"),
    [
        ("force-lead", {}, []),
        ("programme", {"force-lead": "ann"}, [Kind.RELEASE]),
        ("finance", {"force-lead": "ann", "programme": "bob"}, [Kind.RELEASE]),
    ],
)
def test_a_rejection_releases_what_was_reserved(
    stage: str, approved: dict[str, str], kinds: list[Kind]
) -> None:
    done = decide(a_case(stage=stage, approved_by=approved), a_task(stage=stage), Choice.REJECT)
    assert done.submission.status is Status.REJECTED
    assert [move.kind for move in done.movements] == kinds
    assert (done.submission.waiting_for, done.submission.due_at) == ("", None)
    assert done.submission.approved_by == approved


def test_the_state_machine_is_told_ids_and_seconds_only() -> None:
    one = a_case().submission
    told = deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)
    assert set(told) == {"payload_version", "force", "reference", "round", "stage", "asked", "wait"}
    assert all(isinstance(seconds, int) and seconds > 0 for seconds in told["wait"].values())
    assert told["wait"]["approver_seconds"] == 7 * 24 * 3600


@pytest.mark.parametrize("late", [timedelta(days=7), timedelta(days=8), timedelta(days=400)])
def test_a_date_that_is_past_leaves_a_second_to_wait(late: timedelta) -> None:
    told = deliveries.pointer(a_case().submission, FORM, CALENDAR, now=MONDAY + late)
    assert told["wait"]["approver_seconds"] == 1
    assert told["wait"]["deputy_seconds"] > 3600


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REJECTED])
def test_a_decided_claim_ends_its_execution(status: Status) -> None:
    one = a_case(status=status, due_at=None).submission
    assert deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)["stage"] == deliveries.DONE


def test_an_execution_has_a_legal_name_of_its_own_for_each_round() -> None:
    names = {deliveries.execution_name(a_case().submission.reference, n) for n in range(1, 30)}
    assert len(names) == 29
    assert all(len(name) <= 80 and name.replace("-", "").isalnum() for name in names)
