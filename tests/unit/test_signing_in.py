"""Signing in by a mailed code; the answers are the same for addresses that nobody has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.accounts import CLAIMANT_LIFE, Session, claimant_of, digest, session_secret
from chalicelib.domain.errors import Forbidden, Gone, InvalidAnswers, NotAsked, NotFound
from chalicelib.services import amending, deciding, signing_in, tracking, viewing
from tests.builders import PERSONAL, Story, a_person, all_values, claim_answers
from tests.unit import scenes

story = scenes.story

ADDRESS = "lead.kent@example.police.uk"


def ask(story: Story, address: str = ADDRESS) -> str:
    return signing_in.ask_code(story.parts, address)


def mailed(story: Story) -> list[Any]:
    story.deliver()
    return [mail for mail in story.parts.mailer.sent if mail.template == "sign-in-code"]  # type: ignore[attr-defined]


def code(story: Story) -> str:
    return str(mailed(story)[-1].values["code"])


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}"


def test_a_registered_person_signs_in_with_the_mailed_code(story: Story) -> None:
    sign_in = ask(story)
    secret = signing_in.enter_code(story.parts, sign_in, code(story))
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id == "lead-kent"
    assert session.csrf not in (secret, "", sign_in)


def test_who_signed_in_is_read_with_their_session(story: Story) -> None:
    secret = signing_in.enter_code(story.parts, ask(story), code(story))
    session, person = signing_in.signed_in(story.parts, secret)
    assert session is not None
    assert person == story.parts.people.person(session.person_id)


def test_a_cookie_that_names_somebody_else_is_nobodys(story: Story) -> None:
    """The name in it is only a help: whoever puts another one there has no session at all."""
    secret = signing_in.enter_code(story.parts, ask(story), code(story))
    chance, _, _ = secret.partition(".")
    for forged in (
        f"{chance}.national-coordinator",
        f"{chance}.",
        chance,
        f"{secret}.lead-kent",
        f".{secret}",
    ):
        assert signing_in.signed_in(story.parts, forged) == (None, None)


def test_a_session_of_an_earlier_release_or_of_an_unusual_id_holds_without_a_name(story: Story) -> None:
    for person_id in ("lead-kent", "somebody at kent", "x" * 65, "claimant:kent.CLM-2222-2222"):
        session = Session(
            digest=digest("chance"),
            person_id=person_id,
            csrf="c",
            expires_at=story.parts.now() + CLAIMANT_LIFE,
        )
        story.parts.accounts.end_session(session.digest)
        story.parts.accounts.add_session(session)
        assert signing_in.signed_in(story.parts, "chance") == (session, None)
        if person_id != "lead-kent":
            assert session_secret("chance", person_id) == "chance"


def test_the_code_goes_to_the_registered_address_however_it_was_typed(story: Story) -> None:
    ask(story, "  Lead.Kent+anything@EXAMPLE.police.uk ")
    assert [mail.to for mail in mailed(story)] == [ADDRESS]


def test_a_code_has_six_digits_leading_zeros_included(story: Story) -> None:
    story.parts.__dict__["draw"] = lambda characters, count: characters[0] * count
    sign_in = ask(story)
    assert code(story) == "000000"
    assert signing_in.enter_code(story.parts, sign_in, "000000")


def test_an_unknown_address_gets_the_same_answers_and_no_mail(story: Story) -> None:
    known, unknown = ask(story), ask(story, "nobody@example.org")
    assert len(known) == len(unknown)
    assert len(mailed(story)) == 1
    answers = []
    for sign_in in (known, unknown):
        found = []
        for _ in range(6):
            with pytest.raises((InvalidAnswers, Gone)) as caught:
                signing_in.enter_code(story.parts, sign_in, wrong(code(story)))
            found.append((type(caught.value), str(caught.value)))
        answers.append(found)
    assert answers[0] == answers[1]


def test_nobody_signs_in_as_nobody_even_with_the_right_code(story: Story) -> None:
    story.parts.__dict__["draw"] = lambda characters, count: "7" * count
    sign_in = ask(story, "nobody@example.org")
    with pytest.raises(InvalidAnswers):
        signing_in.enter_code(story.parts, sign_in, "777777")


@pytest.mark.parametrize(
    "address", ["", "x", "a@b", "a@example.org, b@example.org", "a b@example.org", "a@e.org\nb"]
)
def test_what_is_no_address_is_said(story: Story, address: str) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        ask(story, address)
    assert [problem.pointer for problem in caught.value.problems] == ["/address"]


def test_five_tries_and_no_more(story: Story) -> None:
    sign_in = ask(story)
    right = code(story)
    for _ in range(5):
        with pytest.raises(InvalidAnswers) as caught:
            signing_in.enter_code(story.parts, sign_in, wrong(right))
        assert caught.value.problems[0].pointer == "/code"
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, sign_in, right)


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "²²²²²²", "12-345", "-12345", "1" * 5000]
)
def test_what_is_no_code_costs_no_try(story: Story, typed: str) -> None:
    sign_in = ask(story)
    for _ in range(9):
        with pytest.raises(InvalidAnswers, match="put right"):
            signing_in.enter_code(story.parts, sign_in, typed)
    assert signing_in.enter_code(story.parts, sign_in, code(story))


def test_spaces_in_a_code_do_not_matter(story: Story) -> None:
    sign_in = ask(story)
    right = code(story)
    assert signing_in.enter_code(story.parts, sign_in, f" {right[:3]} {right[3:]}\n")


def test_a_code_expires_after_ten_minutes(story: Story) -> None:
    sign_in = ask(story)
    right = code(story)
    story.parts.now.pass_by(minutes=10)  # type: ignore[attr-defined]
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, sign_in, right)


def test_a_code_works_once(story: Story) -> None:
    sign_in = ask(story)
    right = code(story)
    signing_in.enter_code(story.parts, sign_in, right)
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, sign_in, right)


def test_a_code_works_in_the_browser_that_asked_and_no_other(story: Story) -> None:
    first = ask(story)
    first_code = code(story)
    second = ask(story)
    with pytest.raises((InvalidAnswers, Gone)):
        signing_in.enter_code(story.parts, second, first_code)
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, "made-up", first_code)
    assert signing_in.enter_code(story.parts, first, first_code)


def test_a_person_is_mailed_ten_codes_an_hour_at_most(story: Story) -> None:
    for _ in range(15):
        ask(story)
    assert len(mailed(story)) == 10
    ask(story, "deputy.kent@example.police.uk")
    assert len(mailed(story)) == 11
    story.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    ask(story)
    assert len(mailed(story)) == 12


def test_a_session_ends_after_twelve_hours(story: Story) -> None:
    secret = signing_in.enter_code(story.parts, ask(story), code(story))
    story.parts.now.pass_by(hours=11, minutes=59)  # type: ignore[attr-defined]
    assert signing_in.session(story.parts, secret)
    story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    assert signing_in.session(story.parts, secret) is None


def test_signing_out_ends_this_session_only(story: Story) -> None:
    first = signing_in.enter_code(story.parts, ask(story), code(story))
    second = signing_in.enter_code(story.parts, ask(story), code(story))
    assert first != second
    signing_in.sign_out(story.parts, first)
    signing_in.sign_out(story.parts, "made-up")
    assert signing_in.session(story.parts, first) is None
    assert signing_in.session(story.parts, second)


def test_no_secret_is_stored_as_it_is(story: Story) -> None:
    sign_in = ask(story)
    right = code(story)
    secret = signing_in.enter_code(story.parts, sign_in, right)
    kept = all_values([list(key) for key in story.parts.records.store.items])  # type: ignore[attr-defined]
    kept |= all_values(list(story.parts.records.store.items.values()))  # type: ignore[attr-defined]
    assert not {sign_in, right, secret} & kept


# The claimant's code


def ask_claimant(story: Story, reference: str, force: str = "kent") -> str:
    return signing_in.ask_claimant_code(story.parts, force, reference)


def claimant_mails(story: Story) -> list[Any]:
    for _ in range(2):
        story.deliver()
    return [mail for mail in story.parts.mailer.sent if mail.template == "claimant-code"]  # type: ignore[attr-defined]


def enter_as_claimant(story: Story, sign_in: str) -> str:
    right = str(claimant_mails(story)[-1].values["code"])
    return signing_in.enter_code(story.parts, sign_in, right, life=CLAIMANT_LIFE)


def test_a_claimants_code_goes_to_the_address_in_the_claim_and_to_no_other(story: Story) -> None:
    reference = story.submit().reference
    story.submit(claimant_email="somebody.else@example.police.uk")
    ask_claimant(story, reference)
    (mail,) = claimant_mails(story)
    assert mail.to == PERSONAL["claimant_email"]
    assert mail.values["reference"] == reference
    assert len(mail.values["code"]) == 6
    assert mail.values["minutes"] == 10


def test_a_code_goes_to_the_address_that_the_claim_has_now(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "request-changes", comment="Which address?")
    answers = claim_answers(claimant_email="new@example.police.uk", force="essex")
    amending.amend(story.parts, "kent", reference, answers, version=1)
    ask_claimant(story, reference)  # by the link of before: the claim has moved to another force
    assert [mail.to for mail in claimant_mails(story)] == ["new@example.police.uk"]


def test_with_the_code_somebody_is_the_claimant_of_this_claim_for_an_hour(story: Story) -> None:
    reference = story.submit().reference
    secret = enter_as_claimant(story, ask_claimant(story, reference))
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id == claimant_of("kent", reference)
    assert session.expires_at - story.parts.now() == timedelta(hours=1)
    story.parts.now.pass_by(minutes=59)  # type: ignore[attr-defined]
    assert signing_in.session(story.parts, secret)
    story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    assert signing_in.session(story.parts, secret) is None


def test_it_is_an_hour_also_where_the_code_is_typed_on_the_page_for_staff(story: Story) -> None:
    sign_in = ask_claimant(story, story.submit().reference)
    right = str(claimant_mails(story)[-1].values["code"])
    secret = signing_in.enter_code(story.parts, sign_in, right)
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.expires_at - story.parts.now() == timedelta(hours=1)


def test_the_claimant_of_one_claim_is_nobody_to_another(story: Story) -> None:
    first, second = story.submit().reference, story.submit().reference
    assert claimant_of("kent", first) != claimant_of("kent", second)
    assert claimant_of("kent", first) != claimant_of("essex", first)
    secret = enter_as_claimant(story, ask_claimant(story, first))
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id != claimant_of("kent", second)


def test_a_claimants_session_opens_no_page_for_staff(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    secret = enter_as_claimant(story, ask_claimant(story, reference))
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert story.parts.people.person(session.person_id) is None
    nobody = a_person(session.person_id)
    with pytest.raises(Forbidden):
        tracking.submission_for(story.parts, nobody, reference)
    assert tracking.stuck_for(story.parts, nobody) == []
    task_id = story.task_id(reference)
    with pytest.raises(NotAsked):
        viewing.task_view(story.parts, session.person_id, task_id)
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
    secret = enter_as_claimant(story, ask_claimant(story, reference))
    session = signing_in.session(story.parts, secret)
    assert session is not None
    assert session.person_id == claimant_of("kent", reference)


def test_a_claimant_is_mailed_ten_codes_an_hour_at_most_and_each_claim_for_itself(story: Story) -> None:
    first, second = story.submit().reference, story.submit().reference
    for _ in range(15):
        assert ask_claimant(story, first)
    assert len(claimant_mails(story)) == 10
    ask_claimant(story, second)
    ask(story, PERSONAL["claimant_email"])
    assert len(claimant_mails(story)) == 11
    story.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    ask_claimant(story, first)
    assert len(claimant_mails(story)) == 12


def test_a_claimants_code_has_five_tries_works_once_and_in_one_browser(story: Story) -> None:
    reference = story.submit().reference
    first, second = ask_claimant(story, reference), ask_claimant(story, reference)
    right = str(claimant_mails(story)[-1].values["code"])
    with pytest.raises((InvalidAnswers, Gone)):
        signing_in.enter_code(story.parts, first, right)
    assert signing_in.enter_code(story.parts, second, right)
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, second, right)
    third = ask_claimant(story, reference)
    right = str(claimant_mails(story)[-1].values["code"])
    for _ in range(5):
        with pytest.raises(InvalidAnswers):
            signing_in.enter_code(story.parts, third, wrong(right))
    with pytest.raises(Gone):
        signing_in.enter_code(story.parts, third, right)


def test_a_code_for_a_claim_that_is_none_is_not_found(story: Story) -> None:
    reference = story.submit().reference
    for force, named in (("essex", reference), ("kent", "CLM-2222-2222")):
        with pytest.raises(NotFound):
            ask_claimant(story, named, force)
    assert claimant_mails(story) == []
