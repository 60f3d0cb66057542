"""Every page, and how a browser comes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

from claim_scenes import amended, changed_behind, claimant_session, sent_back
from idea_scenes import an_idea
from playwright.sync_api import Page
from website import Website, a_filled_form

from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.services.intake import submitting
from chalicelib.services.people import days_away, signing_in

FORM = "/forms/funding-claim"

_filled = count(1)

Visit = Callable[[Page, Website], None]


def signed_in(page: Page, site: Website, person_id: str = "lead-kent") -> None:
    """Give the browser a session. Not by the pages: nobody is mailed more than ten codes an hour."""
    secret = signing_in.open_session(site.parts, person_id)
    page.context.add_cookies([{"name": "session", "value": secret, "url": site.parts.links.page("")}])


def fill(page: Page, **changes: str) -> None:
    """Answer all questions of the claim, as a person would: of another claim than those before."""
    number = next(_filled)
    changes = {"event_title": f"Ideas from the front line, day {number}", **changes}
    page.goto(FORM)
    page.get_by_role("button", name="Add another line").click()
    for name, value in {**a_filled_form(), **changes}.items():
        control = page.locator(f"[id='{name}']")
        if name == "action":
            continue
        if name == "force" or name.endswith("category"):
            control.select_option(value)
        elif name == "declaration":
            control.check()
        else:
            control.fill(value)


def send(page: Page) -> None:
    page.get_by_role("button", name="Send the claim").click()


def a_form_with_mistakes(page: Page, site: Website) -> None:
    fill(page)
    page.locator("#event_date-year").fill("")
    page.locator("#cost_lines-1-amount_pence").fill("plenty")
    send(page)


def an_unconfirmed_claim(page: Page, site: Website) -> None:
    fill(page, claimant_email=f"sam.{next(_filled)}@example.police.uk")
    send(page)
    page.get_by_role("heading", name="Confirm your email address").wait_for()


def a_sent_claim(page: Page, site: Website) -> None:
    an_unconfirmed_claim(page, site)
    page.get_by_label("Code").fill(site.mailed_code("confirm"))
    page.get_by_role("button", name="Confirm and send").click()


def a_wrong_address(page: Page, site: Website) -> None:
    an_unconfirmed_claim(page, site)
    page.get_by_label("Your email address").fill("me@freemail.example")
    page.get_by_role("button", name="Change the address").click()


def an_unconfirmed_status(page: Page, site: Website) -> None:
    """In another browser than the one that sent it."""
    an_unconfirmed_claim(page, site)
    token = page.url.rpartition("/")[2]
    page.context.clear_cookies()
    page.goto(f"/status/{token}")


def asked_whether_they_sent_it(page: Page, site: Website) -> None:
    an_unconfirmed_status(page, site)
    page.get_by_label("Code").fill(site.mailed_code("confirm"))
    page.get_by_role("button", name="Continue").click()


def a_link_that_confirms(page: Page, site: Website) -> None:
    an_unconfirmed_claim(page, site)
    page.goto(str(site.mails("confirm")[-1].payload["values"]["sign_in_url"]))


def a_duplicate(page: Page, site: Website) -> None:
    for _ in range(2):
        fill(page, event_title=f"Sent twice from a window of {page.viewport_size}")
        send(page)
        page.wait_for_load_state()


def a_full_mailbox(page: Page, site: Website) -> None:
    """Nobody may send more than one claim in an hour; one was sent from here."""
    limits = site.parts.limits
    site.use(limits=replace(limits, mailbox_an_hour=1))
    try:
        for _ in range(2):
            fill(page)
            send(page)
            page.wait_for_load_state()
        page.get_by_role("heading", name="There is a problem").wait_for()
    finally:
        site.use(limits=limits)


def a_status(page: Page, site: Website) -> None:
    receipt = site.submit()
    site.ask(receipt)
    page.goto(f"/status/{receipt.status_token}")


def a_task(page: Page, site: Website) -> None:
    signed_in(page, site)
    page.goto(site.ask(site.submit()))


def a_task_with_mistakes(page: Page, site: Website) -> None:
    a_task(page, site)
    page.get_by_label("Reject the claim").check()
    page.get_by_role("button", name="Send your decision").click()


def a_decided_task(page: Page, site: Website) -> None:
    a_task(page, site)
    page.get_by_label("Reject the claim").check()
    page.get_by_label("Comment").fill("The hall is free of charge.")
    page.get_by_role("button", name="Send your decision").click()


def a_task_seen_again(page: Page, site: Website) -> None:
    signed_in(page, site)
    page.goto(site.ask(amended(site)))


def a_task_with_wrong_changes(page: Page, site: Website) -> None:
    a_task(page, site)
    page.get_by_label("Ask for changes first").check()
    page.get_by_label("What should be changed in “What it costs”?").fill("Too dear.\n" * 300)
    page.get_by_role("button", name="Send your decision").click()


def a_task_that_changed(page: Page, site: Website) -> None:
    """The claimant makes the changes that were asked for while an old page is still open."""
    receipt = site.submit()
    path = site.ask(receipt)
    signed_in(page, site)
    page.goto(path)
    page.get_by_label("Approve the claim").check()
    page.get_by_label("Comment").fill("Good value")
    changed_behind(site, receipt, venue_name="Ashford Town Hall", expected_attendance=400)
    page.get_by_role("button", name="Send your decision").click()


def decided_with_undo(page: Page, site: Website) -> None:
    """As a decided task, with ten minutes to take it back."""
    site.use(undo_for=timedelta(minutes=10))
    try:
        a_decided_task(page, site)
        page.get_by_role("heading", name="You rejected").wait_for()
    finally:
        site.use(undo_for=timedelta(0))


def an_undone_task(page: Page, site: Website) -> None:
    decided_with_undo(page, site)
    page.get_by_role("button", name="Undo my decision").click()


def changes_asked_on_a_task(page: Page, site: Website) -> None:
    a_task(page, site)
    page.get_by_label("Ask for changes first").check()
    page.get_by_label("What should be changed in “What it costs”?").fill("Two quotes for the hall, please.")
    page.get_by_role("button", name="Send your decision").click()


def handing_on(page: Page, site: Website) -> None:
    a_task(page, site)
    page.get_by_role("link", name="Ask somebody else to decide").click()


def handing_on_to_nobody(page: Page, site: Website) -> None:
    handing_on(page, site)
    page.get_by_role("button", name="Ask this person").click()


def handed_on(page: Page, site: Website) -> None:
    handing_on(page, site)
    page.get_by_label("Deputy innovation lead, Kent").check()
    page.get_by_role("button", name="Ask this person").click()


def nobody_to_hand_on_to(page: Page, site: Website) -> None:
    signed_in(page, site, "deputy-kent")
    handed = site.submit(claimant_email="lead.kent@example.police.uk")
    page.goto(site.ask(handed) + "/reassign")


def desk_submission(page: Page, site: Website) -> None:
    signed_in(page, site, "coordinator-kent")
    receipt = amended(site)
    site.ask(receipt)
    page.goto(f"/desk/submissions/{receipt.reference}")


def desk_handed_on(page: Page, site: Website) -> None:
    desk_submission(page, site)
    page.get_by_role("button", name="Ask somebody else to decide").click()
    page.get_by_label("Deputy innovation lead, Kent").check()
    page.get_by_role("button", name="Ask this person").click()


def desk_stuck(page: Page, site: Website) -> None:
    signed_in(page, site, "national-coordinator")
    site.stuck(site.submit())
    page.goto("/desk/stuck")


def away_kept(page: Page, site: Website) -> None:
    person = site.parts.people.person("lead-kent")
    assert person is not None
    today = site.parts.now().date()
    days_away.go_away(site.parts, person, first=today, last=today + timedelta(days=9), delegate="deputy-kent")
    signed_in(page, site)
    page.goto("/away")
    days_away.come_back(site.parts, person)


def away_with_mistakes(page: Page, site: Website) -> None:
    signed_in(page, site)
    page.goto("/away")
    page.locator("#first-day").fill("31")
    page.locator("#last-day").fill("31")
    page.locator("#last-month").fill("2")
    page.locator("#last-year").fill("2027")
    page.get_by_role("button", name="Save these days").click()


def status_with_changes(page: Page, site: Website) -> None:
    page.goto(f"/status/{sent_back(site).status_token}")


def asking_for_a_claimants_code(page: Page, site: Website) -> None:
    status_with_changes(page, site)
    page.get_by_role("link", name="See what to change").click()


def a_wrong_claimants_code(page: Page, site: Website) -> None:
    asking_for_a_claimants_code(page, site)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill("12345")
    page.get_by_role("button", name="Continue").click()


def as_claimant(page: Page, site: Website, action: str, changes: dict[str, str] | None = None) -> None:
    """Where the claimant gets to with their code."""
    receipt = sent_back(site, changes)
    secret = claimant_session(site, receipt)
    page.context.add_cookies([{"name": "claimant", "value": secret, "url": site.parts.links.page("")}])
    page.goto(f"/status/{receipt.status_token}/{action}")


def having_a_new_link_sent(page: Page, site: Website) -> None:
    as_claimant(page, site, "link")
    page.get_by_role("button", name="Send me a new link").click()


def an_old_link(page: Page, site: Website) -> None:
    having_a_new_link_sent(page, site)
    page.goto(page.url.partition("/link")[0])


def amending_with_mistakes(page: Page, site: Website) -> None:
    as_claimant(page, site, "amend")
    page.get_by_role("button", name="Add another line").click()
    page.locator("#cost_lines-2-amount_pence").fill("plenty")
    page.locator("#event_date-year").fill("")
    page.get_by_role("main").get_by_role("button", name="Send the changes").click()


def withdrawing_without_confirming(page: Page, site: Website) -> None:
    as_claimant(page, site, "withdraw")
    page.get_by_role("button", name="Withdraw the claim").click()


def withdrawn(page: Page, site: Website) -> None:
    as_claimant(page, site, "withdraw")
    page.get_by_label("Yes, withdraw it").check()
    page.get_by_label("Why?").fill("We found a free hall.")
    page.get_by_role("button", name="Withdraw the claim").click()


def somebody_elses_task(page: Page, site: Website) -> None:
    signed_in(page, site, "coordinator-kent")
    page.goto(site.ask(site.submit()))


def a_wrong_code(page: Page, site: Website) -> None:
    page.goto("/sign-in")
    page.get_by_label("Your work email address").fill("nobody@example.org")
    page.get_by_role("button", name="Email me a code").click()
    page.get_by_label("Code").fill("123456")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def a_link_where_it_was_asked_for(page: Page, site: Website) -> None:
    """As if somebody else had asked for this address in a window of each size before: a pair of its own."""
    address = "deputy.essex@example.police.uk"
    page.goto("/sign-in")
    page.get_by_label("Your work email address").fill(address)
    page.get_by_role("button", name="Email me a code").click()
    page.wait_for_load_state()
    (pair,) = site.parts.accounts.pairs([mailbox_of(address)])
    page.goto(f"/sign-in/{site.parts.seals.link(pair)}")


def paying_later(page: Page, site: Website) -> None:
    """Whoever pays signed in sixteen minutes ago."""
    receipt = site.submit()
    for _ in range(2):
        site.ask(receipt)
        site.decide(receipt)
    signed_in(page, site, "national-payments")
    page.goto(f"/desk/submissions/{receipt.reference}/paid")
    page.get_by_label("Payment reference").fill("BACS 42")
    now = site.parts.now
    site.use(now=lambda: now() + timedelta(minutes=16))
    try:
        page.get_by_role("button", name="Record that").click()
        page.get_by_role("heading", name="Check your email").wait_for()
    finally:
        site.use(now=now)


def sign_out(page: Page, site: Website) -> None:
    signed_in(page, site)
    page.goto("/sign-out")


def a_new_token(page: Page, site: Website) -> None:
    site.parts.tokens.end_all("national-coordinator")  # ten are the most, and each way of looking makes one
    signed_in(page, site, "national-coordinator")
    page.goto("/account/tokens")
    page.get_by_label("Name").fill("Monthly figures")
    page.get_by_label("Read", exact=True).check()
    page.get_by_role("button", name="Make the token").click()


def tokens_listed(page: Page, site: Website) -> None:
    a_new_token(page, site)
    page.goto("/account/tokens")


def a_token_with_mistakes(page: Page, site: Website) -> None:
    signed_in(page, site, "national-coordinator")
    page.goto("/account/tokens")
    page.get_by_role("button", name="Make the token").click()


def staff_at(path: str) -> Visit:
    def visit(page: Page, site: Website) -> None:
        signed_in(page, site, "national-coordinator")
        page.goto(path)

    return visit


def leaving_without_a_day(page: Page, site: Website) -> None:
    staff_at("/desk/people/lead-kent/leave")(page, site)
    page.get_by_role("button", name="Continue").click()


def leaving_to_confirm(page: Page, site: Website) -> None:
    staff_at("/desk/people/lead-kent/leave")(page, site)
    today = site.parts.now().date()
    for label, number in (("Day", today.day), ("Month", today.month), ("Year", today.year)):
        page.get_by_label(label).fill(str(number))
    page.get_by_label("Why?").fill("A new post")
    page.get_by_role("button", name="Continue").click()


def at(path: str) -> Visit:
    return lambda page, _: page.goto(path) and None


def signed_in_at(path: str) -> Visit:
    def visit(page: Page, site: Website) -> None:
        signed_in(page, site)
        page.goto(path)

    return visit


def finishing(page: Page, site: Website) -> None:
    a_sent_claim(page, site)
    page.goto("/status/finish")


def a_vouched_idea(page: Page, site: Website) -> None:
    receipt = submitting.submit(
        site.parts, site.parts.forms.form("idea"), an_idea(), vouched=True, duplicate_ok=True
    )
    signed_in(page, site, "national-coordinator")
    page.goto(f"/desk/submissions/{receipt.reference}")
    page.get_by_text("Vouched for by a trusted site.").wait_for()


PAGES: dict[str, tuple[Visit, str]] = {
    "start": (at("/"), "Share Your Knowledge"),
    "form": (at(FORM), "Claim money for an innovation day"),
    "form-mistakes": (a_form_with_mistakes, "Error: Claim money"),
    "sent-unconfirmed": (an_unconfirmed_claim, "Confirm your email address"),
    "sent-wrong-address": (a_wrong_address, "Error: Confirm your email address"),
    "sent": (a_sent_claim, "Claim received"),
    "status-unconfirmed": (an_unconfirmed_status, "Claim CLM-"),
    "did-you-send-this": (asked_whether_they_sent_it, "Did you send this claim?"),
    "link-that-confirms": (a_link_that_confirms, "Confirm your email address"),
    "form-duplicate": (a_duplicate, "Error: Claim money"),
    "form-too-many": (a_full_mailbox, "Error: Claim money"),
    "status": (a_status, "Claim CLM-"),
    "finish": (finishing, "Finish"),
    "finished": (at("/status/finish"), "You have finished"),
    "vouched-for": (a_vouched_idea, "Idea IDA-"),
    "task": (a_task, "Decide claim CLM-"),
    "task-mistakes": (a_task_with_mistakes, "Error: Decide claim CLM-"),
    "task-decided": (a_decided_task, "You rejected this claim"),
    "task-again": (a_task_seen_again, "Decide claim CLM-"),
    "task-wrong-changes": (a_task_with_wrong_changes, "Error: Decide claim CLM-"),
    "task-changed": (a_task_that_changed, "Decide claim CLM-"),
    "task-undo": (decided_with_undo, "You rejected this claim"),
    "task-undone": (an_undone_task, "Decide claim CLM-"),
    "task-changes-asked": (changes_asked_on_a_task, "You asked for changes to this claim"),
    "reassign": (handing_on, "Ask somebody else to decide"),
    "reassign-mistake": (handing_on_to_nobody, "Error: Ask somebody else to decide"),
    "reassign-nobody": (nobody_to_hand_on_to, "Ask somebody else to decide"),
    "reassigned": (handed_on, "Somebody else is asked now"),
    "desk-submission": (desk_submission, "Claim CLM-"),
    "desk-handed-on": (desk_handed_on, "Claim CLM-"),
    "desk-stuck": (desk_stuck, "Waiting for a coordinator"),
    "tokens": (tokens_listed, "Tokens for programs"),
    "token-made": (a_new_token, "Copy your new token"),
    "token-mistakes": (a_token_with_mistakes, "Error: Tokens for programs"),
    "people": (staff_at("/desk/people"), "People"),
    "person": (staff_at("/desk/people/lead-kent"), "Innovation lead, Kent Police"),
    "leave": (staff_at("/desk/people/lead-kent/leave"), "When does Innovation lead, Kent Police leave?"),
    "leave-mistakes": (leaving_without_a_day, "Error: When does"),
    "leave-confirm": (leaving_to_confirm, "Check before Innovation lead, Kent Police leaves"),
    "away": (signed_in_at("/away"), "Going away"),
    "away-kept": (away_kept, "Going away"),
    "away-mistakes": (away_with_mistakes, "Error: Going away"),
    "status-changes": (status_with_changes, "Claim CLM-"),
    "claimant-code-ask": (asking_for_a_claimants_code, "Show us that it is you"),
    "claimant-code-wrong": (a_wrong_claimants_code, "Error: Check your email"),
    "new-link": (lambda page, site: as_claimant(page, site, "link"), "Get a new link"),
    "new-link-sent": (having_a_new_link_sent, "Check your email"),
    "link-replaced": (an_old_link, "A newer link was sent"),
    "amend": (lambda page, site: as_claimant(page, site, "amend"), "Change claim CLM-"),
    "amend-all": (lambda page, site: as_claimant(page, site, "amend", {}), "Change claim CLM-"),
    "amend-mistakes": (amending_with_mistakes, "Error: Change claim CLM-"),
    "withdraw": (lambda page, site: as_claimant(page, site, "withdraw"), "Withdraw claim CLM-"),
    "withdraw-mistake": (withdrawing_without_confirming, "Error: Withdraw claim CLM-"),
    "withdrawn": (withdrawn, "Claim CLM-"),
    "task-not-asked": (somebody_elses_task, "You were not asked to decide this"),
    "sign-in": (at("/sign-in"), "Sign in"),
    "wrong-code": (a_wrong_code, "Error: Check your email"),
    "sign-in-link": (a_link_where_it_was_asked_for, "Sign in"),
    "sign-in-elsewhere": (at("/sign-in/not-asked-for-here"), "Type the code where you asked for it"),
    "account": (signed_in_at("/account"), "Your account"),
    "prove-again": (paying_later, "Check your email"),
    "sign-out": (sign_out, "Sign out"),
    "cookies": (at("/cookies"), "Cookies"),
    "privacy": (at("/privacy"), "Privacy"),
    "accessibility": (at("/accessibility"), "Accessibility"),
    "not-found": (at("/forms/none"), "We cannot find this"),
}
