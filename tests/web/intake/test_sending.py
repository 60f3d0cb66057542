"""Sending a form from its page: once for each page that was opened, by people, and nothing typed is ever lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from page_checks import by_id, error_links, text_of, with_class
from website import Answer, Website, a_claim, a_filled_form, forged, form_fields, heading

from chalicelib.domain.errors import StillRunning, Unavailable
from chalicelib.web.pages.intake.form import ANYWAY, TRAP
from tests.builders import submitted

FORM = "/forms/funding-claim"


def opened(website: Website, **changes: str) -> dict[str, str]:
    """The form, opened and filled in."""
    return {**form_fields(website.get(FORM)), **a_filled_form(), **changes}


def stored(website: Website) -> list[str]:
    return website.stored()


def later(website: Website, **duration: float) -> None:
    moment = website.parts.now() + timedelta(**duration)
    website.use(now=lambda: moment)


def summary(answer: Answer) -> str:
    return text_of(with_class(answer.page, "govuk-error-summary")[0])


def check_kept(answer: Answer, typed: Mapping[str, str]) -> dict[str, str]:
    """All that was typed is on the page; returns its fields, ready to be sent again."""
    kept = form_fields(answer)
    own = {"key", "action", TRAP, ANYWAY}
    assert {name: kept.get(name) for name in typed if name not in own} == {
        name: value.replace("\r\n", "\n") for name, value in typed.items() if name not in own
    }
    assert kept[TRAP] == ""
    assert heading(answer) == "Claim money for an innovation day"
    return kept


def check_sent_by_sending_again(
    website: Website, answer: Answer, typed: Mapping[str, str], **more: str
) -> None:
    before = stored(website)
    kept = check_kept(answer, typed)
    assert website.post(FORM, {**kept, **more, "action": "send"}).status == 303
    assert len(stored(website)) == len(before) + 1


# The page's key


@pytest.mark.parametrize(
    "what", ["missing", "empty", "forged", "cut", "plain", "of another form", "too old", "of no version"]
)
def test_a_page_with_a_key_that_is_not_its_own_is_shown_again_and_nothing_is_lost(
    website: Website, what: str
) -> None:
    typed = opened(website)
    keys = {
        "empty": "",
        "forged": forged(typed["key"]),
        "cut": typed["key"][:-8],
        "plain": "0123456789abcdef0123456789abcdef",
        "of another form": website.form_key(form="idea"),
        "too old": website.form_key(shown_at=website.parts.now() - timedelta(days=7, seconds=1)),
        "of no version": website.form_key(version=99),
    }
    sent = {name: value for name, value in typed.items() if name != "key"}
    answer = website.post(FORM, sent if what == "missing" else {**sent, "key": keys[what]})
    assert answer.status == 422
    assert "send it again" in summary(answer)
    assert stored(website) == []
    check_sent_by_sending_again(website, answer, typed)


def test_a_page_that_was_open_for_almost_a_week_is_taken(website: Website) -> None:
    typed = opened(website)
    later(website, days=6, hours=23)
    assert website.post(FORM, typed).status == 303


def test_a_key_that_another_of_our_signers_made_is_none(website: Website) -> None:
    for token in (website.parts.links.page_token(["a"]), website.parts.links.status_token("kent", "CLM-1")):
        assert website.post(FORM, opened(website, key=token)).status == 422


def test_a_page_is_signed_with_the_newest_key_and_older_ones_are_read(website: Website) -> None:
    from chalicelib.adapters.signing.links import SignedLinks

    old, new = "an old key of more than thirty-two characters", "a new key of more than thirty-two characters"
    typed = opened(website, key=_with(website, SignedLinks("http://127.0.0.1:8000", [old])).form_key())
    _with(website, SignedLinks("http://127.0.0.1:8000", [new, old]))
    assert website.post(FORM, typed).status == 303
    _with(website, SignedLinks("http://127.0.0.1:8000", [new]))
    assert website.post(FORM, typed).status == 422


def _with(website: Website, links: Any) -> Website:
    website.use(links=links)
    return website


def test_a_page_shown_before_a_new_version_came_is_taken_as_it_was_shown(website: Website) -> None:
    typed = opened(website)
    website.use(forms=_NewerForms(website.parts.forms))
    answer = website.post(FORM, typed)
    assert answer.status == 303
    (reference,) = stored(website)
    assert website.parts.records.of("kent").case(reference).submission.form_version == 1


class _NewerForms:
    """Of each form there is a second version."""

    def __init__(self, forms: Any) -> None:
        self._forms = forms

    def form(self, form_id: str, version: int | None = None) -> Any:
        form = self._forms.form(form_id, version if version != 2 else 1)
        return form if version == 1 else replace(form, version=2)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forms, name)


def test_the_back_button_and_a_reload_make_one_claim(website: Website) -> None:
    typed = opened(website)
    answers = [website.post(FORM, typed) for _ in range(3)]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    later(website, minutes=5)
    assert website.post(FORM, typed).headers["Location"] == answers[0].headers["Location"]
    assert len(stored(website)) == 1


def test_a_mistake_put_right_keeps_the_key_of_the_page(website: Website) -> None:
    typed = opened(website, force="")
    kept = form_fields(website.post(FORM, typed))
    assert kept["key"] == typed["key"]


# Programs


def test_what_people_do_not_see_is_labelled_all_the_same_and_in_nobodys_way(website: Website) -> None:
    page = website.get(FORM).page
    trap = by_id(page, TRAP)
    assert (trap.get("type"), trap.get("tabindex"), trap.get("autocomplete")) == ("text", "-1", "off")
    assert trap.get("value") == ""
    (wrapper,) = [one for one in page.iter("div") if trap in list(one)]
    assert wrapper.get("aria-hidden") == "true"
    assert "govuk-visually-hidden" in (wrapper.get("class") or "")
    (label,) = [one for one in page.iter("label") if one.get("for") == TRAP]
    assert text_of(label) == "Leave this empty"


def test_whoever_fills_in_what_is_not_seen_sends_nothing_and_is_shown_the_form_again(
    website: Website,
) -> None:
    typed = opened(website, **{TRAP: "https://spam.example.org"})
    answer = website.post(FORM, typed)
    assert answer.status == 422
    assert "send it again" in summary(answer)
    assert "spam.example.org" not in answer.text
    assert stored(website) == []
    assert form_fields(answer)["key"] != typed["key"]
    check_sent_by_sending_again(website, answer, typed)


def test_what_is_sent_sooner_than_anybody_types_is_shown_again_and_taken_the_next_time(
    website: Website,
) -> None:
    now = website.parts.now()
    website.use(now=lambda: now, limits=replace(website.parts.limits, form_wait=timedelta(seconds=2)))
    typed = opened(website)
    later(website, seconds=1.9)
    answer = website.post(FORM, typed)
    assert answer.status == 422
    assert "send it again" in summary(answer)
    assert stored(website) == []
    first, second = (
        website.parts.links.read_form_key(key) for key in (typed["key"], form_fields(answer)["key"])
    )
    assert first.key != second.key
    assert first.shown_at == second.shown_at, "it is not begun anew: the next time is late enough"
    later(website, seconds=0.2)
    check_sent_by_sending_again(website, answer, typed)


def test_lines_may_be_added_at_once(website: Website) -> None:
    website.use(limits=replace(website.parts.limits, form_wait=timedelta(hours=1)))
    assert website.post(FORM, {**opened(website), "action": "add-line"}).status == 200


# The same once more


def test_the_same_claim_from_another_page_is_shown_again_with_a_box_to_tick(website: Website) -> None:
    first = website.post(FORM, opened(website))
    typed = opened(website)
    assert ANYWAY not in website.get(FORM).text
    answer = website.post(FORM, typed)
    assert answer.status == 409
    assert error_links(answer.page)[0][1] == f"#{ANYWAY}"
    assert "within the last 7 days" in summary(answer)
    assert by_id(answer.page, ANYWAY).get("checked") is None, "nothing is ticked beforehand"
    (reference,) = stored(website)
    token = first.headers["Location"].rpartition("/")[2]
    assert reference not in answer.text
    assert token not in answer.text
    assert len(website.mails("confirm")) == 1
    unticked = website.post(FORM, {**check_kept(answer, typed), "action": "send"})
    assert unticked.status == 409
    check_sent_by_sending_again(website, unticked, typed, **{ANYWAY: "true"})


def test_a_box_that_was_ticked_stays_ticked_while_other_things_are_put_right(website: Website) -> None:
    website.post(FORM, opened(website))
    kept = form_fields(website.post(FORM, opened(website)))
    answer = website.post(FORM, {**kept, ANYWAY: "true", "force": ""})
    assert answer.status == 422
    assert form_fields(answer)[ANYWAY] == "true"
    more = website.post(FORM, {**form_fields(answer), "action": "add-line"})
    assert form_fields(more)[ANYWAY] == "true"
    last = {**form_fields(more), "force": "kent", "action": "send"}
    assert [website.post(FORM, last).status for _ in range(2)] == [303, 303]
    assert len(stored(website)) == 2, "a double click on it is one, too"


def test_a_duplicate_of_what_a_program_sent_is_one_on_the_page(website: Website) -> None:
    submitted(website.parts, website.parts.forms.form("funding-claim"), a_claim())
    assert website.post(FORM, opened(website)).status == 409


# Too many, and not now


def test_a_mailbox_that_sent_its_share_is_told_when_to_go_on_and_keeps_what_was_typed(
    website: Website,
) -> None:
    website.use(limits=replace(website.parts.limits, mailbox_an_hour=1))
    moment = website.parts.now().replace(minute=50, second=0, microsecond=0)
    website.use(now=lambda: moment)
    assert website.post(FORM, opened(website)).status == 303
    typed = opened(website, event_title="Another day")
    answer = website.post(FORM, typed)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3600")
    assert "in 60 minutes" in summary(answer)
    later(website, minutes=60)
    check_sent_by_sending_again(website, answer, typed)


@pytest.mark.parametrize(
    ("error", "status", "retry"), [(Unavailable("Busy."), 503, "5"), (StillRunning("In a moment."), 409, "1")]
)
def test_what_cannot_be_stored_now_is_kept_on_the_page_with_its_key(
    website: Website, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, retry: str
) -> None:
    typed = opened(website)

    def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(type(website.parts.records), "commit", broken)
        answer = website.post(FORM, typed)
    assert (answer.status, answer.headers["Retry-After"]) == (status, retry)
    assert form_fields(answer)["key"] == typed["key"], "so that sending it again is safe"
    check_sent_by_sending_again(website, answer, typed)


# What no page can show


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x0b", "\x7f", "\x85", "\ufdd0", "\ufffe"])
def test_what_no_page_may_hold_is_left_out_when_the_form_is_shown_again(
    website: Website, character: str
) -> None:
    answer = website.post(FORM, opened(website, venue_name=f"Town{character} Hall"))
    assert answer.status == 422
    assert error_links(answer.page)[0][1] == "#venue_name"
    assert form_fields(answer)["venue_name"] == "Town Hall"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("expected_attendance", "1" + ",000" * 2000),
        ("expected_attendance", "9" * 5000),
        ("cost_lines-0-amount_pence", "9" * 5000),
    ],
)
def test_a_number_of_any_length_is_a_mistake_and_no_failure(website: Website, name: str, typed: str) -> None:
    answer = website.post(FORM, opened(website, **{name: typed}))
    assert answer.status == 422
    assert error_links(answer.page)[0][1] == f"#{name}"
