"""Signing in by a mailed code or link; the answers are the same for addresses that nobody has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chalicelib.domain.errors import (
    Gone,
    InvalidAnswers,
    NotAskedHere,
    TooMany,
    Unavailable,
)
from chalicelib.domain.people import pairs
from chalicelib.services.people import signing_in
from tests.builders import PERSONAL, Story, all_values
from tests.unit import scenes
from tests.unit.sign_in_scenes import (
    ADDRESS,
    STRANGER,
    ask,
    code,
    enter,
    guess_wrong,
    limited,
    mailed,
    pass_by,
    person_of,
    sign_in,
    token,
)

story = scenes.story

# Codes


def test_a_registered_person_signs_in_with_the_mailed_code(story: Story) -> None:
    done = enter(story, ask(story))
    session = signing_in.session(story.parts, done.secret)
    assert session is not None
    assert session.person_id == "lead-kent"
    assert session.csrf not in (done.secret, "")
    assert done.mailbox == pairs.mailbox_of(ADDRESS)


def test_the_code_goes_to_the_registered_address_whatever_its_case(story: Story) -> None:
    ask(story, "  Lead.Kent@EXAMPLE.police.uk ")
    assert [mail.to for mail in mailed(story)] == [ADDRESS]


def test_another_spelling_of_a_registered_address_may_be_another_mailbox_and_is_mailed_nothing(
    story: Story,
) -> None:
    ask(story, "lead.kent+claims@example.police.uk")
    assert mailed(story) == []


def test_leading_zeros_of_a_code_are_part_of_it(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "code_of", lambda number, *, is_long: "000042")
    mailbox = ask(story)
    assert code(story) == "000042"
    assert enter(story, mailbox, "000042")


def test_an_unknown_address_gets_the_same_answers_and_no_mail(story: Story) -> None:
    known, unknown = ask(story), ask(story, STRANGER)
    assert len(known) == len(unknown)
    assert len(mailed(story)) == 1
    assert len({*guess_wrong(story, known, 30), *guess_wrong(story, unknown, 30)}) == 1


def test_a_code_that_ended_and_one_that_was_used_get_the_same_answer_as_a_wrong_one(story: Story) -> None:
    mailbox = ask(story)
    right = code(story)
    (told,) = guess_wrong(story, mailbox)
    enter(story, mailbox, right)
    for _ in range(2):
        with pytest.raises(InvalidAnswers) as caught:
            enter(story, mailbox, right)
        assert caught.value.problems[0].message == told
        pass_by(story, minutes=11)


def test_nobody_signs_in_as_nobody_even_with_the_right_code(story: Story) -> None:
    """A submitter who is not registered is mailed a code for their claim. It makes no session of staff."""
    reference = story.submit().reference
    signing_in.ask_claimant_code(story.parts, "kent", reference)
    mailbox = ask(story, PERSONAL["claimant_email"])
    with pytest.raises(InvalidAnswers):
        enter(story, mailbox, code(story, "claimant-code"))


def test_whoever_left_or_has_another_address_now_is_signed_in_no_more(story: Story) -> None:
    people: Any = story.parts.people
    before = people.person("lead-kent")
    for change in (
        lambda: people.remove("lead-kent"),
        lambda: people.register([replace(before, address="new@example.org")]),
    ):
        people.register([before])
        mailbox = ask(story)
        right, link = code(story), token(story)
        change()
        with pytest.raises(InvalidAnswers):
            enter(story, mailbox, right)
        with pytest.raises(Gone):
            signing_in.press_link(story.parts, link, [mailbox])
        people.remove("lead-kent")
        pass_by(story, minutes=7)


@pytest.mark.parametrize(
    "address", ["", "x", "a@b", "a@example.org, b@example.org", "a b@example.org", "a@e.org\nb"]
)
def test_what_is_no_address_is_said(story: Story, address: str) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        ask(story, address)
    assert [problem.pointer for problem in caught.value.problems] == ["/address"]


def test_guesses_in_ever_new_sign_ins_come_out_of_one_budget(story: Story) -> None:
    """The fault S1: each sign-in had tries of its own, mailed or not."""
    taken = 0
    for _ in range(200):
        mailbox = ask(story)
        for _ in range(5):
            guess_wrong(story, mailbox)
            (pair,) = story.parts.accounts.pairs([mailbox])
            taken += pair.takes_codes(story.parts.now()) and not pair.is_long
    assert taken < pairs.WRONG_GUESSES
    assert len(mailed(story)) == 2, "the code, and at once the long one"
    assert len(code(story)) == pairs.LONG


def test_after_twenty_wrong_guesses_the_code_ends_the_link_works_and_the_next_code_is_long(
    story: Story,
) -> None:
    mailbox = ask(story)
    right, link = code(story), token(story)
    guess_wrong(story, mailbox, 20)
    with pytest.raises(InvalidAnswers):
        enter(story, mailbox, right)
    assert signing_in.link_in(story.parts, link, [mailbox]).address == ADDRESS
    ask(story)
    assert len(code(story)) == 10
    assert token(story) == link
    typed = code(story).lower()
    assert enter(story, mailbox, f"{typed[:4]}-{typed[4:8]} {typed[8:]}")


def test_strangers_who_ask_for_twenty_people_lock_nobody_out(story: Story) -> None:
    """The fault S2: ten asks by anybody, and the person had no mail for their own sign-in."""
    for _ in range(200):
        ask(story)
    assert len(mailed(story)) == 1
    assert person_of(story, sign_in(story)) == "lead-kent"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "12_345", "1" * 5000])
def test_what_is_no_code_costs_no_guess(story: Story, typed: str) -> None:
    mailbox = ask(story)
    for _ in range(30):
        with pytest.raises(InvalidAnswers, match="put right"):
            enter(story, mailbox, typed or " ")
    assert enter(story, mailbox)


def test_a_code_expires_ten_minutes_after_its_last_mail(story: Story) -> None:
    mailbox = ask(story)
    right = code(story)
    pass_by(story, minutes=10)
    with pytest.raises(InvalidAnswers):
        enter(story, mailbox, right)


def test_a_code_works_once(story: Story) -> None:
    mailbox = ask(story)
    right = code(story)
    enter(story, mailbox, right)
    with pytest.raises(InvalidAnswers):
        enter(story, mailbox, right)
    with pytest.raises(Gone):
        signing_in.press_link(story.parts, token(story), [mailbox])


def test_the_same_code_is_mailed_again_six_minutes_later(story: Story) -> None:
    ask(story)
    first = code(story), token(story)
    pass_by(story, minutes=5)
    ask(story)
    assert len(mailed(story)) == 1
    pass_by(story, minutes=1)
    ask(story)
    assert len(mailed(story)) == 2
    assert (code(story), token(story)) == first


def test_the_mail_says_how_long_the_code_lives(story: Story) -> None:
    for _ in range(5):
        ask(story)
        pass_by(story, minutes=6)
    assert [mail.values["minutes"] for mail in mailed(story)] == [10, 10, 10, 10, 40]


def test_a_browser_that_proved_the_mailbox_is_mailed_in_spite_of_strangers(story: Story) -> None:
    for _ in range(6):
        ask(story)
        pass_by(story, minutes=6)
    assert len(mailed(story)) == 5
    ask(story, known=[pairs.mailbox_of(ADDRESS)])
    assert len(mailed(story)) == 6


def test_an_ask_that_somebody_else_was_quicker_with_is_made_anew(story: Story) -> None:
    records: Any = story.parts.records
    records.before_commit = lambda: ask(story)
    ask(story)
    assert len(mailed(story)) == 1


def test_a_guess_in_which_others_are_always_quicker_is_not_taken(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = ask(story)
    right = code(story)
    real = story.parts.accounts.pairs

    def quicker(mailboxes: list[str]) -> Any:
        (pair,) = real(mailboxes)
        story.parts.records.store.items[("pair", pair.mailbox)] = replace(pair, version=pair.version + 1)  # type: ignore[attr-defined]
        return [pair]

    monkeypatch.setattr(story.parts.accounts, "pairs", quicker)
    with pytest.raises(Unavailable):
        enter(story, mailbox, right)
    monkeypatch.undo()
    assert enter(story, mailbox, right)


# Links


def test_the_link_signs_in_the_browser_that_asked(story: Story) -> None:
    mailbox = ask(story)
    pressable = signing_in.link_in(story.parts, token(story), [mailbox])
    assert pressable.address == ADDRESS
    done = signing_in.press_link(story.parts, token(story), [pairs.mailbox_of(STRANGER), mailbox])
    assert (person_of(story, done.secret), done.mailbox) == ("lead-kent", mailbox)
    for look in (signing_in.link_in, signing_in.press_link):
        with pytest.raises(Gone):
            look(story.parts, token(story), [mailbox])


@pytest.mark.parametrize("act", [signing_in.link_in, signing_in.press_link])
def test_the_link_does_nothing_where_nobody_asked(story: Story, act: Callable[..., Any]) -> None:
    ask(story)
    link = token(story)
    before = story.parts.records.store.snapshot()  # type: ignore[attr-defined]
    for asked in ([], [pairs.mailbox_of(STRANGER)], [pairs.mailbox_of("deputy.kent@example.police.uk")]):
        with pytest.raises(NotAskedHere):
            act(story.parts, link, asked)
    assert story.parts.records.store.snapshot() == before  # type: ignore[attr-defined]


def test_looking_at_a_link_changes_nothing(story: Story) -> None:
    mailbox = ask(story)
    link = token(story)
    before = story.parts.records.store.snapshot()  # type: ignore[attr-defined]
    signing_in.link_in(story.parts, link, [mailbox])
    assert story.parts.records.store.snapshot() == before  # type: ignore[attr-defined]


def test_a_link_is_too_old_after_ten_minutes(story: Story) -> None:
    mailbox = ask(story)
    link = token(story)
    pass_by(story, minutes=10)
    with pytest.raises(Gone):
        signing_in.press_link(story.parts, link, [mailbox])


def test_a_link_that_somebody_else_pressed_first_is_over(story: Story) -> None:
    mailbox = ask(story)
    link = token(story)
    records: Any = story.parts.records
    records.before_commit = lambda: signing_in.press_link(story.parts, link, [mailbox])
    with pytest.raises(Gone):
        signing_in.press_link(story.parts, link, [mailbox])


# Sources


def test_one_source_asks_so_often_in_an_hour_and_no_more(story: Story) -> None:
    limited(story, 3)
    for address in (ADDRESS, STRANGER, ADDRESS):
        ask(story, address, source="192.0.2.1")
    for address in (ADDRESS, STRANGER):
        with pytest.raises(TooMany) as caught:
            ask(story, address, source="192.0.2.1")
        assert caught.value.retry_after == 1800, "it is half past nine"
    ask(story, source="192.0.2.2")
    pass_by(story, minutes=30)
    ask(story, source="192.0.2.1")


def test_a_refused_ask_mails_nothing_and_leaves_nothing_live(story: Story) -> None:
    limited(story, 1)
    ask(story, STRANGER, source="192.0.2.1")
    with pytest.raises(TooMany):
        ask(story, source="192.0.2.1")
    assert mailed(story) == []
    assert story.parts.accounts.pairs([pairs.mailbox_of(ADDRESS)])[0].version == 0


def test_without_the_days_key_an_ask_is_refused_as_without_the_store_and_leaves_nothing(story: Story) -> None:
    class Failing:
        def of(self, network: str, day: date) -> str:
            raise Unavailable("No answer.")

    limited(story, 3)
    story.parts.__dict__["sources"] = Failing()
    with pytest.raises(Unavailable):
        ask(story, source="192.0.2.1")
    assert mailed(story) == []
    assert story.parts.accounts.pairs([pairs.mailbox_of(ADDRESS)])[0].version == 0


def test_submitters_asks_count_for_their_source_too(story: Story) -> None:
    limited(story, 1)
    reference = story.submit().reference
    signing_in.ask_claimant_code(story.parts, "kent", reference, source="192.0.2.1")
    with pytest.raises(TooMany):
        signing_in.ask_claimant_code(story.parts, "kent", reference, source="192.0.2.1")


def test_typing_a_code_and_pressing_a_link_count_for_no_source(story: Story) -> None:
    limited(story, 1)
    mailbox = ask(story, source="192.0.2.1")
    guess_wrong(story, mailbox, 5)
    assert enter(story, mailbox)


def test_no_network_address_is_stored(story: Story) -> None:
    limited(story, 9)
    ask(story, source="192.0.2.1")
    kept = repr(story.parts.records.store.items)  # type: ignore[attr-defined]
    assert "192.0.2" not in kept


# Sessions


def test_who_signed_in_is_read_with_their_session(story: Story) -> None:
    secret = sign_in(story)
    session, person = signing_in.signed_in(story.parts, secret)
    assert session is not None
    assert person == story.parts.people.person(session.person_id)


def test_a_cookie_that_names_somebody_else_is_nobodys(story: Story) -> None:
    """The name says where the session is kept: whoever puts another one there has no session at all."""
    secret = sign_in(story)
    chance, _, _ = secret.partition(".")
    for forged in (
        *(f"{chance}.national-coordinator", f"{chance}.", chance, f"{secret}.lead-kent"),
        *(f".{secret}", "", ".", f"{chance}.{'x' * 300}", f"{chance}.é"),
    ):
        assert signing_in.signed_in(story.parts, forged) == (None, None)


@pytest.mark.parametrize("person_id", ["lead-kent", "somebody at kent", "claimant:kent.CLM-2222-2222", "ü.#"])
def test_a_session_is_found_whatever_its_holders_id_looks_like(story: Story, person_id: str) -> None:
    secret = signing_in.open_session(story.parts, person_id)
    assert secret.isascii()
    assert not {";", ",", " ", '"'} & set(secret)
    assert person_of(story, secret) == person_id


def test_a_session_ends_after_twelve_hours(story: Story) -> None:
    secret = sign_in(story)
    for _ in range(11):
        pass_by(story, hours=1)
        assert signing_in.session(story.parts, secret)
    pass_by(story, hours=1)
    assert signing_in.session(story.parts, secret) is None


def test_a_session_that_nobody_uses_ends_after_two_hours(story: Story) -> None:
    secret = sign_in(story)
    pass_by(story, minutes=119)
    assert signing_in.session(story.parts, secret)
    pass_by(story, minutes=119)
    assert signing_in.session(story.parts, secret)
    pass_by(story, minutes=120)
    assert signing_in.session(story.parts, secret) is None


def test_the_last_use_is_noted_every_five_minutes_and_looking_more_often_writes_nothing(story: Story) -> None:
    secret = sign_in(story)
    store: Any = story.parts.records.store  # type: ignore[attr-defined]
    before = store.snapshot()
    pass_by(story, minutes=4)
    signing_in.session(story.parts, secret)
    assert store.snapshot() == before
    pass_by(story, minutes=1)
    signing_in.session(story.parts, secret)
    (kept,) = store.of_kind("session")
    assert kept.used_at == story.parts.now()


def test_a_session_that_was_ended_while_it_was_used_stays_ended(story: Story) -> None:
    secret = sign_in(story)
    session = signing_in.session(story.parts, secret)
    assert session is not None
    signing_in.sign_out(story.parts, secret)
    story.parts.accounts.note_use(session, at=story.parts.now())
    assert signing_in.session(story.parts, secret) is None


def test_a_use_that_cannot_be_noted_fails_nobodys_request(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = sign_in(story)
    pass_by(story, minutes=30)

    def fails(*_: object, **__: object) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(story.parts.accounts, "note_use", fails)
    assert signing_in.session(story.parts, secret)


def test_signing_out_ends_this_session_only(story: Story) -> None:
    first, second = sign_in(story), sign_in(story)
    assert first != second
    signing_in.sign_out(story.parts, first)
    signing_in.sign_out(story.parts, "made-up")
    assert signing_in.session(story.parts, first) is None
    assert signing_in.session(story.parts, second)


def test_the_first_sign_in_from_a_new_browser_is_mailed_to_its_owner(story: Story) -> None:
    enter(story, ask(story), browser="Firefox on Windows")
    (mail,) = mailed(story, "new-browser")
    assert mail.to == ADDRESS
    assert mail.values["browser"] == "Firefox on Windows"
    assert mail.values["at"] == "11 January 2027 at 9:30am"
    enter(story, ask(story), browser="Firefox on Windows", is_known=True)
    mailbox = ask(story)
    signing_in.press_link(story.parts, token(story), [mailbox], known=[mailbox])
    assert len(mailed(story, "new-browser")) == 1
    mailbox = ask(story)
    signing_in.press_link(story.parts, token(story), [mailbox])
    assert len(mailed(story, "new-browser")) == 2


def test_no_secret_is_stored_as_it_is(story: Story) -> None:
    mailbox = ask(story)
    right, link = code(story), token(story)
    secret = enter(story, mailbox, right).secret
    kept = all_values([list(key) for key in story.parts.records.store.items])  # type: ignore[attr-defined]
    kept |= all_values(list(story.parts.records.store.items.values()))  # type: ignore[attr-defined]
    assert not {right, link, secret} & kept
