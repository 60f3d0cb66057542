"""Deciding: one transaction, by the asked person, on what was shown."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    Conflict,
    DoesNotFit,
    Expired,
    InvalidAnswers,
    NotAsked,
    NotFound,
    RoleGivenUp,
)
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding, task_view
from chalicelib.services.changes import ChangeRefused
from tests.builders import PERSONAL, a_cost, a_person, all_values
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story


@pytest.fixture
def asked(story: Scene) -> str:
    """The reference of a claim that Kent's lead is asked to decide."""
    return story.asked()


def view(story: Scene, reference: str, person: str = "lead-kent", number: int = 1) -> task_view.TaskView:
    return task_view.task_view(story.parts, person, f"kent.{reference}.{number}")


def test_the_asked_person_is_shown_all_that_it_takes(story: Scene, asked: str) -> None:
    one = view(story, asked)
    assert one.may_decide
    assert one.seen == story.case(asked).seen
    assert [choice.value for choice in one.choices] == ["approve", "reject", "request-changes"]
    assert one.stage_title == "Your force's innovation lead"
    assert (one.total_pence, one.fund.available, one.force_share.available) == (600_000, 2_000_000, 1_000_000)
    assert (one.force_name, one.fund_name) == ("Kent Police", "the Police Transformation Fund")
    assert (one.earlier, one.others, one.differences, one.rounds, one.needed) == ((), (), (), 0, 1)
    assert (one.waiting_since, one.undo_until) == (story.clock.at, None)
    shown = {answer.name for answer in one.answers}
    assert {"claimant_name", "claimant_role", "cost_lines", "purpose"} <= shown


def test_neither_address_nor_telephone_of_the_claimant_is_shown(story: Scene, asked: str) -> None:
    text = repr(view(story, asked).answers)
    assert PERSONAL["claimant_email"] not in text
    assert PERSONAL["claimant_phone"] not in text


def test_a_later_stage_sees_what_was_decided_before(story: Scene, asked: str) -> None:
    story.decide(asked, comment="A good day")
    story.ask(asked)
    (earlier,) = view(story, asked, "programme", 2).earlier
    assert (earlier.role, earlier.comment) == ("innovation lead", "A good day")
    assert (earlier.decision, earlier.done, earlier.changes) == ("approve", "approved", ())
    assert (earlier.stage_title, earlier.at) == ("Your force's innovation lead", story.parts.now())


def test_after_deciding_the_page_shows_the_decision_and_no_choice(story: Scene, asked: str) -> None:
    story.decide(asked, comment="A good day")
    one = view(story, asked)
    assert not one.may_decide
    assert (one.task.decision, one.comment, one.earlier) == ("approve", "A good day", ())
    assert "programme manager" in one.next_step


def test_after_asking_for_changes_the_page_shows_what_was_asked(story: Scene, asked: str) -> None:
    story.vote(asked, "lead-kent", "request-changes", comment="Nearly", changes={"costs": "Less", "you": ""})
    one = view(story, asked)
    assert not one.may_decide
    assert (one.comment, one.changes) == ("Nearly", (("What it costs", "Less"),))
    assert "get the claim back" in one.next_step


def test_the_forces_other_claims_are_shown_the_newest_first_and_not_this_one(story: Scene) -> None:
    references = []
    for _ in range(8):
        story.clock.pass_by(minutes=1)
        references.append(story.submit().reference)
    story.submit(force="essex")
    story.ask(references[6])
    found = [one.reference for one in view(story, references[6]).force_claims]
    assert found == [references[7], *reversed(references[2:6])]


def test_an_overtaken_task_is_shown_to_nobody(story: Scene, asked: str) -> None:
    story.ask(asked, "deputy")
    with pytest.raises(Expired):
        view(story, asked)


@pytest.mark.parametrize(
    "task_id",
    ["", ".", "..", "kent", "kent.", "kent..1", "kent.{ref}", "kent.{ref}.", "kent.{ref}.0", "kent.{ref}.2",
     "kent.{ref}.x", "kent.{ref}.-1", "kent.{ref}.1.1", "kent.{ref}.1 ", "kent.{ref}.²", "kent.{ref}.١",
     "essex.{ref}.1", "KENT.{ref}.1", "kent#x.{ref}.1", "kent.{ref}#.1", "kent.{ref}." + "9" * 5000, "x" * 5000],
    ids=lambda value: value[:22],
)  # fmt: skip
def test_a_task_that_is_not_there_is_not_found(story: Scene, asked: str, task_id: str) -> None:
    task_id = task_id.format(ref=asked)
    with pytest.raises(NotFound, match="no such task"):
        task_view.task_view(story.parts, "lead-kent", task_id)
    with pytest.raises(NotFound, match="no such task"):
        deciding.decide(story.parts, "lead-kent", task_id, decision="approve", comment="", seen="x")


def test_approving_says_what_comes_next(story: Scene, asked: str) -> None:
    outcome = story.decide(asked)
    assert (outcome.reference, outcome.decision, outcome.status, outcome.repeated) == (
        asked,
        "approve",
        Status.IN_REVIEW,
        False,
    )
    assert outcome.next_step == "The claimant is told. Next to decide: the College's programme manager."
    assert outcome.undo_until is None


def test_each_decision_says_what_comes_next(story: Scene) -> None:
    last = story.at_programme(cost_lines=[a_cost(scenes.SMALL)])
    assert "approved" in story.decide(last).next_step
    assert "ended" in story.decide(story.asked(), "reject", comment="No").next_step
    assert "asked for the changes" in story.decide(story.asked(), "request-changes", comment="No").next_step


def test_the_same_again_gives_the_same_and_stores_nothing(story: Scene, asked: str) -> None:
    seen = story.case(asked).seen
    first = story.decide(asked, comment="Yes")
    before = story.store.snapshot()
    for again_seen in (seen, "other"):
        again = deciding.decide(
            story.parts, "lead-kent", f"kent.{asked}.1", decision="approve", comment="Yes!", seen=again_seen
        )
        assert again.repeated
        assert (again.decision, again.status, again.next_step) == (
            first.decision,
            first.status,
            first.next_step,
        )
    assert story.store.snapshot() == before


def test_the_same_again_works_when_the_claim_has_moved_on(story: Scene, asked: str) -> None:
    seen = story.case(asked).seen
    first = story.decide(asked)
    story.approve_up_to(asked, "nowhere")
    again = deciding.decide(
        story.parts, "lead-kent", f"kent.{asked}.1", decision="approve", comment="", seen=seen
    )
    assert again.repeated
    assert again.next_step == first.next_step


def test_another_decision_afterwards_is_refused(story: Scene, asked: str) -> None:
    seen = story.case(asked).seen
    story.decide(asked)
    with pytest.raises(AlreadyDecided, match="You approved this claim already"):
        deciding.decide(
            story.parts, "lead-kent", f"kent.{asked}.1", decision="reject", comment="x", seen=seen
        )
    assert story.money() == (600_000, 0)


def test_somebody_who_was_not_asked_is_refused_also_after_the_decision(story: Scene, asked: str) -> None:
    seen = story.case(asked).seen
    story.decide(asked)
    for decision in ("approve", "reject"):
        with pytest.raises(NotAsked):
            deciding.decide(
                story.parts, "deputy-kent", f"kent.{asked}.1", decision=decision, comment="x", seen=seen
            )


def test_what_changed_since_it_was_shown_is_not_decided(story: Scene, asked: str) -> None:
    for seen in ("", "0" * 64):
        with pytest.raises(ClaimChanged):
            story.decide(asked, seen=seen)
    task_id = story.task_id(asked)
    for odd in (None, 5, ["x"], {"a": 1}):
        with pytest.raises(ClaimChanged):
            deciding.decide(story.parts, "lead-kent", task_id, decision="approve", comment="", seen=odd)


@pytest.mark.parametrize(
    ("decision", "comment"), [("", ""), (None, ""), ("adopt", ""), ("reject", ""), ("reject", " ")]
)
def test_no_choice_or_no_reason_decides_nothing(
    story: Scene, asked: str, decision: object, comment: str
) -> None:
    with pytest.raises(InvalidAnswers):
        story.decide(asked, decision, comment=comment)  # type: ignore[arg-type]
    assert story.case(asked).open_task is not None


def test_whoever_lost_the_role_meanwhile_is_told_so(story: Scene, asked: str) -> None:
    story.people.register([a_person("lead-kent", "innovation-lead@essex")])
    for decision in ("approve", "reject"):
        with pytest.raises(RoleGivenUp, match="no longer innovation lead"):
            story.decide(asked, decision, comment="x")
    assert story.money() == (0, 0)


def test_a_deputy_decides_as_deputy(story: Scene, asked: str) -> None:
    story.ask(asked, "deputy")
    story.decide(asked)
    entry = story.case(asked).entries[-1]
    assert (entry.actor, entry.role) == ("deputy-kent", "innovation-lead-deputy")
    assert story.case(asked).submission.approved_by == {"force-lead": ("deputy-kent",)}


@pytest.mark.parametrize(("mine", "theirs"), [("approve", "reject"), ("reject", "approve")])
def test_of_two_opposite_decisions_at_one_moment_one_wins(
    story: Scene, asked: str, mine: str, theirs: str
) -> None:
    story.first(lambda: story.decide(asked, theirs, comment="First"))
    with pytest.raises(AlreadyDecided):
        story.decide(asked, mine, comment="Second")
    decided = [entry for entry in story.case(asked).entries if entry.action == "decided"]
    assert [entry.details["decision"] for entry in decided] == [theirs]
    assert story.money() == ((600_000, 0) if theirs == "approve" else (0, 0))


def test_of_two_equal_decisions_at_one_moment_both_are_told_the_same(story: Scene, asked: str) -> None:
    story.first(lambda: story.decide(asked))
    assert story.decide(asked).repeated
    assert story.money() == (600_000, 0)


def test_a_time_out_at_the_same_moment_wins_or_loses_whole(story: Scene, asked: str) -> None:
    story.first(lambda: story.ask(asked, "deputy"))
    with pytest.raises(Expired, match="deputy"):
        story.decide(asked)
    assert story.money() == (0, 0)


def test_a_change_in_between_that_does_not_matter_is_no_obstacle(story: Scene, asked: str) -> None:
    story.first(lambda: story.ask(asked))  # a new execution, a new token
    assert story.decide(asked).status is Status.IN_REVIEW
    story.deliver()
    assert story.answers_told[-1][0] == "token-2"


def test_money_that_went_at_the_same_moment_is_not_promised(story: Scene, asked: str) -> None:
    other = story.submit().reference
    story.ask(other)
    story.first(lambda: story.decide(other))
    with pytest.raises(DoesNotFit, match="£2,000 too little"):
        story.decide(asked)
    assert story.money() == (600_000, 0)


def test_money_that_came_back_meanwhile_is_worth_another_try(story: Scene, asked: str) -> None:
    """Refused for want of money, but when we look why there is enough again: a conflict, not an explanation."""
    records = story.parts.records
    commit = records.commit

    def refused(changes: list[object]) -> None:
        raise ChangeRefused(next(one for one in changes if type(one).__name__ == "MoveMoney"))  # type: ignore[arg-type]

    records.commit = refused  # type: ignore[method-assign,assignment]
    with pytest.raises(Conflict) as caught:
        story.decide(asked)
    assert not isinstance(caught.value, DoesNotFit)
    records.commit = commit  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("pence", "stages"),
    [
        (499_999, ["force-lead", "programme"]),
        (500_000, ["force-lead", "programme", "finance"]),
        (500_001, ["force-lead", "programme", "finance"]),
    ],
)
def test_the_fund_holder_decides_from_5000_pounds(story: Scene, pence: int, stages: list[str]) -> None:
    reference = story.submit(cost_lines=[a_cost(pence - 1), a_cost(1)]).reference
    story.approve_up_to(reference, "nowhere")
    assert list(story.case(reference).submission.approved_by) == stages
    assert story.money() == (0, pence)


def test_the_workflow_is_told_where_the_claim_stands_now(story: Scene, asked: str) -> None:
    story.decide(asked)
    story.deliver()
    ((token, output),) = story.answers_told
    assert token == "token-1"
    assert (output["stage"], output["asked"], output["round"]) == ("programme", "approver", 1)
    story.ask(asked)
    story.decide(asked, "reject", comment="No")
    story.deliver()
    assert story.answers_told[-1][1]["stage"] == "done"


@pytest.mark.parametrize(
    ("decision", "template"),
    [("approve", "moved-on"), ("reject", "rejected"), ("request-changes", "changes-requested")],
)
def test_the_claimant_is_told_with_the_comment(
    story: Scene, asked: str, decision: str, template: str
) -> None:
    story.decide(asked, decision, comment="Da iawn")
    (mail,) = story.mails(template)
    assert mail.to == PERSONAL["claimant_email"]
    assert (mail.values["comment"], mail.values["role"]) == ("Da iawn", "innovation lead")
    assert not {"lead-kent", "lead kent"} & {word.lower() for word in all_values(mail.values)}
    story.deliver()
    assert [one.to for one in story.sent if one.template == template] == [PERSONAL["claimant_email"]]


def test_the_claimant_is_told_which_pages_to_change_by_when_and_where(story: Scene, asked: str) -> None:
    story.vote(asked, "lead-kent", "request-changes", changes={"you": "Who?", "costs": "Less"})
    (mail,) = story.mails("changes-requested")
    assert mail.values["changes"] == [["What it costs", "Less"], ["About you", "Who?"]]
    assert mail.values["change_by"] == "Monday 8 February"
    assert mail.values["amend_url"].startswith("https://ideas.example.org/status/kent.")
    assert mail.values["amend_url"].endswith("/amend")


@pytest.mark.parametrize("decision", ["approve", "reject", "request-changes"])
def test_the_maker_gets_a_mail_of_what_was_recorded_in_their_name(
    story: Scene, asked: str, decision: str
) -> None:
    """Whoever uses a session that is not theirs cannot do it unseen."""
    story.decide(asked, decision, comment="Da iawn")
    (mail,) = story.mails("decision-made")
    done = {"approve": "approved", "reject": "rejected", "request-changes": "asked for changes to"}
    assert mail.to == "lead.kent@example.police.uk"
    assert (mail.values["made"], mail.values["comment"]) == (done[decision], "Da iawn")
    assert mail.values["task_url"] == f"https://ideas.example.org/tasks/kent.{asked}.1"
    assert (mail.is_held, mail.values["undo_until"]) == (False, "")


def test_a_comment_is_kept_as_a_salted_text_and_not_in_the_entry(story: Scene, asked: str) -> None:
    story.decide(asked, comment="Da iawn")
    case = story.case(asked)
    entry = case.entries[-1]
    assert case.texts[entry.sequence].salt
    assert entry.text_digest == case.texts[entry.sequence].digest()
    assert "Da iawn" not in repr(entry)
