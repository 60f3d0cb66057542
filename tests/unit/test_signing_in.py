"""Signing in by a mailed code; the answers are the same for addresses that nobody has."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.accounts import digest
from chalicelib.domain.errors import Gone, InvalidAnswers
from chalicelib.services import signing_in
from tests.builders import Story, all_values

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


def test_the_code_goes_to_the_registered_address_however_it_was_typed(story: Story) -> None:
    ask(story, "  Lead.Kent+anything@EXAMPLE.police.uk ")
    assert [mail.to for mail in mailed(story)] == [ADDRESS]


def test_a_code_has_six_digits_leading_zeros_included(story: Story) -> None:
    story.parts.__dict__["choose"] = lambda options: options[0]
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
    story.parts.__dict__["choose"] = lambda options: "7"
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


def test_a_bearer_token_leads_to_its_person(story: Story) -> None:
    story.parts.accounts.add_token(digest("the-token"), "national-coordinator")  # type: ignore[attr-defined]
    person = signing_in.token_person(story.parts, "the-token")
    assert person is not None
    assert person.id == "national-coordinator"
    assert signing_in.token_person(story.parts, "another") is None
    story.parts.people.remove("national-coordinator")  # type: ignore[attr-defined]
    assert signing_in.token_person(story.parts, "the-token") is None
