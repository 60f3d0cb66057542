"""Nothing about an idea speaks of money: neither a page nor a mail, from the form to every end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from claim_scenes import claimant_session
from idea_scenes import COORDINATOR, an_idea, before_the_leaders, decided, published, submit
from page_checks import text_of
from website import Answer, Website, form_fields, words

from chalicelib.adapters.aws.ses import render
from chalicelib.domain.delivery.mails import MAILS
from chalicelib.services.approvals import following_up
from chalicelib.services.delivery import undelivered
from chalicelib.services.intake.submitting import Receipt
from tests.builders import receipt_mail

MONEY = re.compile(
    r"£|\b(money|funds?(?! holders)|funding|costs?|paid|pays?|payments?|amounts?|reserved|budgets?|set aside)\b",
    re.IGNORECASE,
)
REVIEWER, COLLEGE = "idea.reviewer@example.org", "college@example.org"
NATIONAL = "coordinator@example.org"
ABOUT_ALL_FORMS = {"digest"}
WRITTEN = "A good one, and others have asked for it."


@dataclass
class Walk:
    """Opens pages one after the other, and finds fault with what speaks of money."""

    site: Website

    def see(self, answer: Answer, status: int = 200) -> None:
        assert answer.status == status, answer.text
        for filters in answer.page.iter("select"):  # a list's filters name every form and status
            filters.clear()
        said = text_of(answer.page)
        assert not MONEY.search(said), said

    def get(self, *paths: str) -> None:
        for path in paths:
            self.see(self.site.get(path))

    def press(self, path: str, page: str = "", **fields: str) -> None:
        """Send the form of a page (of this path, unless one is named) with these fields; see what comes then."""
        answer = self.site.post(path, {**form_fields(self.site.get(page or path)), **fields})
        assert answer.status == 303, answer.text
        self.get(answer.headers["Location"])

    def mails(self) -> set[str]:
        """Read every mail that waits; returns their templates."""
        found = set()
        for mail in self.site.mails(*set(MAILS) - ABOUT_ALL_FORMS):
            template = mail.payload["template"]
            shown = render(template, mail.payload["values"])
            assert not MONEY.search(shown.subject + shown.text), shown.text
            found.add(template)
        return found

    def sign_in(self, address: str) -> None:
        self.site.cookies.clear()
        self.site.sign_in(address)

    def claimant(self, receipt: Receipt) -> None:
        self.site.cookies.clear()
        self.site.cookies["claimant"] = claimant_session(self.site, receipt)


@pytest.fixture
def walk(website: Website) -> Iterator[Walk]:
    one = Walk(website)
    yield one
    one.mails()


def test_what_counts_as_speaking_of_money_is_found() -> None:
    for said in ("£0", "no money is set aside for it", "the Fund", "Amount", "it was paid"):
        assert MONEY.search(said)
    # Who holds a role may read about ideas, too.
    assert not MONEY.search("Read by coordinators, fund holders and administrators")
    assert not MONEY.search("Refunding is found, and Costa paints the foundation.")


def test_whoever_withdraws_a_claim_is_told_of_the_money(website: Website) -> None:
    receipt = website.submit()
    website.cookies["claimant"] = claimant_session(website, receipt)
    shown = words(website.get(f"/status/{receipt.status_token}/withdraw"))
    assert "If you withdraw the claim, nobody will decide it, and no money will be set aside for it." in shown
    website.sign_in(COORDINATOR)
    shown = words(website.get(f"/desk/submissions/{receipt.reference}/withdraw"))
    assert "Nobody will decide it, and no money will be set aside for it." in shown


def test_beside_a_claim_an_idea_has_no_amount_on_the_list_of_what_is_stuck(website: Website) -> None:
    website.stuck(website.submit())
    website.stuck(submit(website))
    website.sign_in(COORDINATOR)
    shown = words(website.get("/desk/stuck"))
    assert "Amount" in shown
    assert "£0" not in shown


def test_sending_an_idea_and_following_it(walk: Walk) -> None:
    walk.get("/forms/idea")
    fields = {**form_fields(walk.site.get("/forms/idea")), "action": "send"}
    typed = {name: str(value) for name, value in an_idea().items()}
    walk.see(walk.site.post("/forms/idea", {**fields, "title": "Short"}), 422)
    sent = walk.site.post("/forms/idea", {**fields, **typed})
    path = sent.headers["Location"]
    token = path.rpartition("/")[2]
    walk.get(path)
    (mail,) = walk.site.mails("confirm")
    shown = render("confirm", mail.payload["values"])
    assert not MONEY.search(shown.subject + shown.text), shown.text
    assert walk.site.post(path, {"code": mail.payload["values"]["code"]}).status == 303
    walk.get(path, f"/status/{token}", f"/status/{token}/code")
    walk.site.post(f"/status/{token}/code", {"next": ""})
    walk.get(f"/status/{token}/code")
    assert walk.mails() == {"receipt", "claimant-code"}


@pytest.mark.parametrize("asked", [False, True])
def test_withdrawing_an_idea(walk: Walk, asked: bool) -> None:
    receipt = submit(walk.site)
    if asked:
        walk.site.ask(receipt)
    walk.claimant(receipt)
    path = f"/status/{receipt.status_token}"
    walk.get(f"{path}/withdraw")
    walk.see(walk.site.post(f"{path}/withdraw", form_fields(walk.site.get(f"{path}/withdraw"))), 422)
    walk.press(f"{path}/withdraw", confirm="yes", reason="It exists already.")
    walk.get(path)
    assert {"withdrawn"} <= walk.mails()


def test_deciding_an_idea(walk: Walk) -> None:
    receipt = submit(walk.site)
    for address, decision in ((COORDINATOR, "publish"), (REVIEWER, "shortlist")):
        walk.site.use(undo_for=timedelta(minutes=10))
        task = walk.site.ask(receipt)
        walk.sign_in(address)
        walk.get(task, f"{task}/reassign")
        refused = walk.site.post(task, form_fields(walk.site.get(task)))
        walk.see(refused, 422)
        walk.press(task, decision=decision, comment=WRITTEN)
        walk.press(f"{task}/undo", task)
        walk.site.use(undo_for=timedelta(0))
        walk.press(task, decision=decision, comment=WRITTEN)
    assert {"receipt", "asked", "decision-made", "answered"} <= walk.mails()


@pytest.mark.parametrize(
    "decisions", [("adopt", "adopt"), ("decline", "decline"), ("adopt", "pilot", "decline")]
)
def test_how_the_leaders_answer(walk: Walk, decisions: tuple[str, ...]) -> None:
    receipt = before_the_leaders(walk.site, comment=WRITTEN)
    walk.sign_in(COLLEGE)
    walk.get(college(walk.site, receipt))
    other = decided(walk.site, *decisions, comment=WRITTEN)
    walk.get(f"/status/{other.status_token}", f"/ideas/{other.reference}", "/ideas", "/map")
    is_settled_without_them = len(decisions) == 2
    walk.see(walk.site.get(college(walk.site, other)), 409 if is_settled_without_them else 200)
    assert "answered" in walk.mails()


def college(site: Website, receipt: Receipt) -> str:
    """The path of the task of the panel's third member."""
    (task,) = [task for task in site.case(receipt).tasks if task.person_id == "college-leader"]
    return f"/tasks/{task.id}"


def test_the_desk_looks_after_an_idea(walk: Walk) -> None:
    receipt = submit(walk.site)
    walk.site.stuck(receipt)
    for address in (COORDINATOR, NATIONAL):
        walk.sign_in(address)
        path = f"/desk/submissions/{receipt.reference}"
        walk.get("/desk/submissions", "/desk/submissions?form=idea", "/desk/stuck", path, f"{path}/reassign")
        walk.get(f"{path}/withdraw")
    undelivered.came_back(walk.site.parts, receipt_mail(receipt.reference), what="bounce")
    walk.get(path)
    walk.press(f"{path}/note", path, note="We rang about it.")
    walk.press(f"{path}/withdraw", reason="The person asked for it.")
    walk.get("/desk/submissions", path)
    now = walk.site.parts.now()
    walk.site.use(now=lambda: now + timedelta(days=60))
    assert {"stuck", "withdrawn", "undelivered"} <= walk.mails()


def test_reminders_and_handing_on(walk: Walk) -> None:
    receipt = published(walk.site, comment=WRITTEN)
    task = walk.site.ask(receipt)
    walk.sign_in(NATIONAL)
    walk.press(f"/desk/submissions/{receipt.reference}/reassign", to="national-idea-reviewer-deputy")
    walk.sign_in(REVIEWER)
    walk.see(walk.site.get(task), 410)
    due = walk.site.case(receipt).submission.next_at
    assert due is not None
    walk.site.use(now=lambda: due + timedelta(minutes=1))
    assert following_up.follow_up(walk.site.parts).reminded == 1
    assert {"asked", "reminder", "no-longer-needed"} <= walk.mails()
