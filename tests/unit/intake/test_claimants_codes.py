"""A submitter proves who they are by a code that is mailed to the address in their submission."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import (
    Forbidden,
    InvalidAnswers,
    NotAsked,
    NotFound,
)
from chalicelib.domain.people.accounts import claimant_of
from chalicelib.services.approvals import amending, deciding, task_view
from chalicelib.services.people import signing_in
from chalicelib.services.records import status_view
from tests.builders import PERSONAL, Story, a_person, claim_answers
from tests.unit import scenes
from tests.unit.sign_in_scenes import (
    ask,
    code,
    mailed,
    pass_by,
    person_of,
    wrong,
)

story = scenes.story


def ask_claimant(story: Story, reference: str, force: str = "kent") -> None:
    signing_in.ask_claimant_code(story.parts, force, reference)


def claimant_mails(story: Story) -> list[Any]:
    return mailed(story, "claimant-code")


def prove(story: Story, reference: str) -> str:
    """Ask, and type the code that was mailed."""
    ask_claimant(story, reference)
    return signing_in.prove_claimant(story.parts, "kent", reference, code(story, "claimant-code"))


def test_a_claimants_code_goes_to_the_address_in_the_claim_and_to_no_other(story: Story) -> None:
    reference = story.submit().reference
    story.submit(claimant_email="somebody.else@example.police.uk")
    ask_claimant(story, reference)
    (mail,) = claimant_mails(story)
    assert mail.to == PERSONAL["claimant_email"]
    assert mail.values["reference"] == reference
    assert len(mail.values["code"]) == 6
    assert mail.values["minutes"] == 10


def test_a_code_goes_for_a_claim_where_it_is_now(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "request-changes", comment="Which address?")
    answers = claim_answers(claimant_name="Somebody Else", force="essex")
    amending.amend(story.parts, "kent", reference, answers, version=1)
    ask_claimant(story, reference)  # by the link of before: the claim has moved to another force
    assert [mail.to for mail in claimant_mails(story)] == [PERSONAL["claimant_email"]]
    secret = signing_in.prove_claimant(story.parts, "kent", reference, code(story, "claimant-code"))
    assert person_of(story, secret) == claimant_of("essex", reference)


def test_with_the_code_somebody_is_the_claimant_of_this_claim_for_an_hour(story: Story) -> None:
    reference = story.submit().reference
    secret = prove(story, reference)
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id == claimant_of("kent", reference)
    assert session.expires_at - story.parts.now() == timedelta(hours=1)
    pass_by(story, minutes=59)
    assert signing_in.session(story.parts, secret)
    pass_by(story, minutes=1)
    assert signing_in.session(story.parts, secret) is None


def test_a_code_proves_only_the_claim_that_it_was_asked_for_and_once(story: Story) -> None:
    first, second = story.submit().reference, story.submit().reference
    ask_claimant(story, first)
    right = code(story, "claimant-code")
    for _ in range(2):
        with pytest.raises(InvalidAnswers):
            signing_in.prove_claimant(story.parts, "kent", second, right)
        if _ == 0:
            assert signing_in.prove_claimant(story.parts, "kent", first, right)
    with pytest.raises(InvalidAnswers):
        signing_in.prove_claimant(story.parts, "kent", first, right)
    ask_claimant(story, second)
    assert len(claimant_mails(story)) == 2, "after a use another one is mailed at once"
    assert signing_in.prove_claimant(story.parts, "kent", second, code(story, "claimant-code"))


def test_one_code_proves_each_claim_that_it_was_asked_for(story: Story) -> None:
    references = [story.submit().reference for _ in range(2)]
    for reference in references:
        ask_claimant(story, reference)
    assert len(claimant_mails(story)) == 1, "the second ask came minutes after the first"
    right = code(story, "claimant-code")
    for reference in references:
        assert signing_in.prove_claimant(story.parts, "kent", reference, right)


def test_to_prove_the_same_claim_again_a_new_code_is_mailed_at_once(story: Story) -> None:
    reference = story.submit().reference
    prove(story, reference)
    first = code(story, "claimant-code")
    assert prove(story, reference)
    assert len(claimant_mails(story)) == 2
    assert code(story, "claimant-code") != first


def test_the_code_of_a_claimant_who_is_staff_makes_no_session_of_staff_on_the_status_page(
    story: Story,
) -> None:
    reference = story.submit(claimant_email="coordinator.kent@example.police.uk").reference
    ask(story, "coordinator.kent@example.police.uk")
    ask_claimant(story, reference)
    assert claimant_mails(story) == [], "their mailbox has a pair that is minutes old"
    secret = signing_in.prove_claimant(story.parts, "kent", reference, code(story))
    assert person_of(story, secret) == claimant_of("kent", reference)


def test_a_claimants_session_opens_no_page_for_staff(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    secret = prove(story, reference)
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert story.parts.people.person(session.person_id) is None
    nobody = a_person(session.person_id)
    with pytest.raises(Forbidden):
        status_view.submission_for(story.parts, nobody, reference)
    assert status_view.stuck_for(story.parts, nobody) == []
    task_id = story.task_id(reference)
    with pytest.raises(NotAsked):
        task_view.task_view(story.parts, session.person_id, task_id)
    with pytest.raises(NotAsked):
        deciding.decide(
            story.parts,
            session.person_id,
            task_id,
            decision="approve",
            comment="",
            seen=story.case(reference).seen,
        )


def test_a_claimant_who_is_registered_is_still_only_the_claimant(story: Story) -> None:
    reference = story.submit(claimant_email="coordinator.kent@example.police.uk").reference
    secret = prove(story, reference)
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id == claimant_of("kent", reference)


def test_a_claimant_is_mailed_every_six_minutes_at_most_and_never_locked_out(story: Story) -> None:
    reference = story.submit().reference
    for _ in range(15):
        ask_claimant(story, reference)
    assert len(claimant_mails(story)) == 1
    assert signing_in.prove_claimant(story.parts, "kent", reference, code(story, "claimant-code"))


def test_guesses_at_a_claimants_code_come_out_of_the_budget_of_the_mailbox(story: Story) -> None:
    first, second = story.submit().reference, story.submit().reference
    for reference in (first, second):
        ask_claimant(story, reference)
    right = code(story, "claimant-code")
    for reference in (first, second):
        for _ in range(10):
            with pytest.raises(InvalidAnswers):
                signing_in.prove_claimant(story.parts, "kent", reference, wrong(right))
    with pytest.raises(InvalidAnswers):
        signing_in.prove_claimant(story.parts, "kent", first, right)
    ask_claimant(story, first)
    assert len(code(story, "claimant-code")) == 10
    assert signing_in.prove_claimant(story.parts, "kent", first, code(story, "claimant-code"))


def test_a_code_for_a_claim_that_is_none_is_not_found(story: Story) -> None:
    reference = story.submit().reference
    for force, named in (("essex", reference), ("kent", "CLM-2222-2222")):
        with pytest.raises(NotFound):
            ask_claimant(story, named, force)
        with pytest.raises(NotFound):
            signing_in.prove_claimant(story.parts, force, named, "123456")
    assert claimant_mails(story) == []
