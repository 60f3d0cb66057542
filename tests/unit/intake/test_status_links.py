"""A submitter's link works until there is a newer one, and until 90 days after the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Gone, LinkEnded, LinkReplaced, NotFound, Overtaken
from chalicelib.domain.intake.status_links import LASTS, ended_at
from chalicelib.services.approvals import amending
from chalicelib.services.desk import staff_actions
from chalicelib.services.intake import new_links, submitting
from chalicelib.services.money import paying
from chalicelib.services.records import status_view
from tests.builders import PERSONAL, a_person, claim_answers
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story


def renew(story: Scene, reference: str, seen: int = 1, force: str = "kent") -> bool:
    return new_links.renew(story.parts, force, reference, seen=seen)


def mailed_token(story: Scene, template: str = "new-link") -> str:
    url: str = story.mails(template)[-1].values["status_url"]
    return url.rpartition("/")[2]


def look(story: Scene, token: str) -> str:
    return status_view.status_of(story.parts, token).reference


def ends(story: Scene, how: str) -> str:
    """A claim that comes to this end now; its reference."""
    reference = story.asked()
    if how == "withdrawn":
        story.withdraw(reference)
    elif how == "rejected":
        story.decide(reference, "reject", comment="No")
    elif how == "lapsed":
        story.ask_for_changes(reference)
        story.clock.at = story.case(reference).submission.due_at or story.clock.at
        scenes.step(story, reference, stage="changes", asked="claimant")
    elif how == "paid":
        story.approve_up_to(reference, "the end")
        story.people.register([a_person("payer", "fund-holder@national")])
        paying.pay(story.parts, story.person("payer"), reference, "BACS 1")
    assert not story.case(reference).submission.is_open
    return reference


def test_a_new_link_ends_the_one_before_and_is_mailed_to_the_mailbox(story: Scene) -> None:
    receipt = story.submit()
    assert renew(story, receipt.reference)
    (mail,) = story.mails("new-link")
    assert mail.to == PERSONAL["claimant_email"]
    assert look(story, mailed_token(story)) == receipt.reference
    with pytest.raises(LinkReplaced, match="A newer link to this claim was sent"):
        status_view.status_of(story.parts, receipt.status_token)
    assert renew(story, receipt.reference, seen=2)
    assert look(story, mailed_token(story)) == receipt.reference
    assert story.case(receipt.reference).submission.link == 3


def test_the_same_again_makes_no_other_link_and_mails_nothing(story: Scene) -> None:
    reference = story.submit().reference
    assert renew(story, reference)
    before = story.store.snapshot()
    assert not renew(story, reference)
    assert story.store.snapshot() == before


def test_of_two_who_ask_at_once_one_makes_the_link(story: Scene) -> None:
    reference = story.submit().reference
    story.first(lambda: renew(story, reference))
    assert not renew(story, reference)
    assert len(story.mails("new-link")) == 1


def test_whoever_holds_the_old_link_does_not_learn_the_new_one(story: Scene) -> None:
    receipt = story.submit()
    renew(story, receipt.reference)
    shown = status_view.status_of(story.parts, receipt.status_token, may_be_over=True)
    assert shown.token == receipt.status_token
    assert mailed_token(story) not in str(shown)


def test_the_timeline_and_the_claimants_history_say_it(story: Scene) -> None:
    receipt = story.submit()
    renew(story, receipt.reference)
    (entry,) = story.actions(receipt.reference, "link-renewed")
    assert (entry.actor, dict(entry.details)) == ("claimant", {"link": 2})
    history = status_view.status_of(story.parts, mailed_token(story)).history
    assert history[-1].words == "You had a new link sent. The one before no longer works."


def test_every_later_mail_holds_the_new_link(story: Scene) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    renew(story, receipt.reference)
    story.ask_for_changes(receipt.reference)
    mail = story.mails("changes-requested")[-1]
    assert mail.values["status_url"].endswith(mailed_token(story))
    assert mail.values["amend_url"].endswith(f"{mailed_token(story)}/amend")
    with pytest.raises(LinkReplaced):
        amending.amend_view(story.parts, "kent", receipt.reference, link=1)
    assert amending.amend_view(story.parts, "kent", receipt.reference, link=2).version == 1
    moved = story.amend(receipt.reference, force="essex", cost_lines=[{**claim_answers()["cost_lines"][0]}])
    assert (moved.force, moved.link) == ("essex", 2)
    assert look(story, mailed_token(story)) == receipt.reference, "the link leads on to the other force"


def test_sending_the_same_again_brings_the_receipt_with_the_link_that_works(story: Scene) -> None:
    first = story.send()
    renew(story, first.reference)
    story.clock.pass_by(hours=1)
    with pytest.raises(submitting.LikelyDuplicate):
        story.send()
    assert mailed_token(story, "receipt") == mailed_token(story)


@pytest.mark.parametrize("how", ["withdrawn", "rejected", "lapsed", "paid"])
def test_a_link_ends_90_days_after_the_end(story: Scene, how: str) -> None:
    reference = ends(story, how)
    token = story.parts.links.status_token("kent", reference)
    end = story.clock.at
    assert ended_at(story.case(reference)) == end
    story.clock.at = end + LASTS - timedelta(seconds=1)
    assert look(story, token) == reference
    story.clock.at = end + LASTS
    with pytest.raises(LinkEnded, match="90 days after the claim ended. What was sent is still held"):
        status_view.status_of(story.parts, token)
    assert story.case(reference).submission.answers, "nothing of it is removed"
    assert renew(story, reference)
    assert look(story, mailed_token(story)) == reference
    story.clock.at += LASTS
    with pytest.raises(LinkEnded):
        status_view.status_of(story.parts, mailed_token(story))


def test_what_happens_after_the_end_does_not_put_it_off(story: Scene) -> None:
    reference = ends(story, "rejected")
    end = story.clock.at
    story.clock.at = end + timedelta(days=80)
    staff_actions.note(story.parts, story.person("coordinator-kent"), reference, "They rang.")
    assert ended_at(story.case(reference)) == end


def test_a_link_does_not_end_while_something_is_to_come(story: Scene) -> None:
    reference = story.asked()
    assert ended_at(story.case(reference)) is None
    story.approve_up_to(reference, "the end")
    assert story.case(reference).submission.status.value == "approved"
    assert ended_at(story.case(reference)) is None, "it waits to be paid"
    story.clock.pass_by(days=400)
    assert look(story, story.parts.links.status_token("kent", reference)) == reference


def test_a_mailbox_that_was_never_proven_has_no_new_link(story: Scene) -> None:
    receipt = submitting.submit(story.parts, story.form, claim_answers())
    with pytest.raises(Overtaken):
        renew(story, receipt.reference)


def test_without_an_address_there_is_nowhere_to_send_it(story: Scene) -> None:
    reference = story.submit().reference
    story.by_hand.add(reference)
    items: Any = story.store.items
    items[("personal", "kent", reference)] = {}
    with pytest.raises(Gone, match="We no longer hold the address"):
        renew(story, reference)


@pytest.mark.parametrize("number", ["0", "01", "-1", "2.3", "x", ""])
def test_a_number_that_we_did_not_sign_is_no_link(story: Scene, number: str) -> None:
    receipt = story.submit()
    force, reference, signature = receipt.status_token.split(".")
    for token in (f"{force}.{reference}.{number}.{signature}", f"{force}.{reference}.2.{signature}"):
        with pytest.raises(NotFound):
            status_view.status_of(story.parts, token)


def test_a_link_of_before_there_were_numbers_works_as_the_first(story: Scene) -> None:
    receipt = story.submit()
    assert receipt.status_token.count(".") == 2
    assert story.parts.links.link_number(receipt.status_token) == 1
