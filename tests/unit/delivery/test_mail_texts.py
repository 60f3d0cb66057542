"""Every mail as its receiver gets it: what the subject says, that text and HTML say the same, and that what people
wrote changes nothing but itself."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import jinja2
import pytest
from page_checks import parse

import chalicelib
from chalicelib.adapters.aws.ses import Rendered, SesMailer, render
from chalicelib.domain.approvals.amendments import Asked
from chalicelib.domain.delivery.mails import to_queue
from chalicelib.domain.forms.stages import Choice
from chalicelib.domain.records.submissions import STATUSES, Status, Version
from chalicelib.services.delivery.letters import Letters
from chalicelib.services.intake import submitting
from chalicelib.services.people import signing_in
from tests import fakes
from tests.builders import MONDAY, Story, a_case, a_form, a_person, a_task, claim_answers
from tests.queued import samples
from tests.unit import digest_samples

SERVICES = Path(chalicelib.__file__).parent / "services"
MAIL_TEXTS = Path(chalicelib.__file__).parent / "adapters" / "rendering" / "mail_texts"
FILES = sorted(file.stem for file in MAIL_TEXTS.glob("*.j2"))

REFERENCE = "CLM-7K3F-9QXN"
TASK_URL = f"https://ideas.example.org/tasks/kent.{REFERENCE}.1"

SAMPLES = samples()
ASKED = SAMPLES["asked"]

LEAN: dict[str, dict[str, Any]] = {
    name: {
        "as_deputy": False,
        "stands_in": False,
        "is_reserved": False,
        "reserved": "£0",
        "force_left": "",
        "differences": [],
        "earlier": [],
    }
    for name in ("asked", "reminder")
} | {
    "decision-made": {"made": "asked for changes to", "comment": "", "undo_until": ""},
    "changes-requested": {"comment": "", "changes": [["Your innovation day", ""]], "change_by": ""},
    "changes-reminder": {"changes": [["Your innovation day", ""]], "change_by": ""},
    "approved": {"comment": ""},
    "rejected": {"comment": ""},
    "answered": {"comment": "", "next_stage": "", "values": []},
    "deferred": {"comment": "", "values": []},
    "moved-on": {"comment": ""},
    "stuck": {"reason": "nobody who may decide holds the role", "has_task": False, "again_on": ""},
    "staff-undelivered": {"reference": "", "desk_url": "", "email": "sign-in code"},
    "role-empty": {"roles": ["programme manager (national)"]},
    "digest": digest_samples.LEAN,
    "confirm": {"others": [], "is_reminder": False, "signs_in": False, "days": 1},
}
"""What is different in the shortest mail there is of each."""

CODES = {"sign-in-code", "claimant-code", "confirm"}
ABOUT_NO_SUBMISSION = {"sign-in-code", "new-browser", "digest", "staff-undelivered", "role-empty"}
LINKS = {
    **{name: ["task_url"] for name in ("asked", "reminder", "decision-made")},
    "stuck": ["desk_url"],
    "altered": ["desk_url"],
    "role-empty": ["people_url"],
    "digest": ["page_url", "exports_url", "all_exports_url"],
    "undelivered": ["desk_url"],
    "staff-undelivered": ["desk_url"],
    **{name: ["amend_url", "status_url"] for name in ("changes-requested", "changes-reminder")},
    "sign-in-code": ["sign_in_url"],
    "new-browser": ["account_url"],
    "confirm": ["sign_in_url", "status_url"],
    **dict.fromkeys(("no-longer-needed", "claimant-code"), []),
}
"""The links of each template, in order; of the others it is the status page."""

TAGS = "</td><script>alert(1)</script>"
HOSTILE = f"{TAGS}\r\nBcc: x@example.org\n\nTotal: £1 \u202eevil"

every_template = pytest.mark.parametrize("template", sorted(SAMPLES))
every_mail = pytest.mark.parametrize(
    ("template", "values"),
    [pytest.param(name, values, id=name) for name, values in SAMPLES.items()]
    + [pytest.param(name, SAMPLES[name] | lean, id=f"{name}-lean") for name, lean in LEAN.items()],
)


def words_of(shown: str) -> Counter[str]:
    """The words to be seen, however they are laid out; addresses of links are counted elsewhere."""
    return Counter(re.findall(r"\w+", re.sub(r"https?://\S+", " ", shown).casefold()))


def body_of(html: str) -> Element:
    """What is shown; comments are for Outlook alone."""
    body = parse(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)).find("body")
    assert body is not None
    return body


def shown_by(html: str) -> str:
    """What is read out: a digest's bars repeat its figures for the eye alone."""
    body = body_of(html)
    for hidden in body.findall(".//*[@aria-hidden='true']"):
        hidden.clear()
    return " ".join(body.itertext())


def links_in(text: str) -> list[str]:
    return re.findall(r"https?://\S+", text)


def hrefs_in(html: str) -> list[str]:
    return [link.get("href") or "" for link in body_of(html).iter("a")]


def named(value: Any, name: str) -> list[Any]:
    """What has this name among the values, however deep, in order."""
    if isinstance(value, dict):
        return [one for key, held in value.items() for one in ([held] if key == name else named(held, name))]
    return [one for held in value for one in named(held, name)] if isinstance(value, list) else []


def of_ideas(value: Any) -> Any:
    """The values where every form calls its submissions ideas."""
    if isinstance(value, dict):
        nouns = {"noun": "idea", "what": "ideas"}
        return {key: nouns.get(key) or of_ideas(held) for key, held in value.items()}
    return [of_ideas(held) for held in value] if isinstance(value, list) else value


def poisoned(value: Any, hostile: str, name: str = "") -> Any:
    """The values with something hostile after every string that is no address of ours."""
    if isinstance(value, str):
        return value if name.endswith("_url") else value + hostile
    if isinstance(value, list):
        return [poisoned(one, hostile) for one in value]
    if isinstance(value, dict):
        return {key: poisoned(one, hostile, key) for key, one in value.items()}
    return value


def sent(rendered: Rendered) -> EmailMessage:
    """The mail as it arrives."""
    mailer = SesMailer(sender="from@example.org", reply_to="people@example.org")
    message = mailer.message("mail.asked.1", "zuleika.quartermaine@example.police.uk", rendered)
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)  # type: ignore[return-value]


def test_every_template_has_sample_values_and_the_reverse() -> None:
    assert sorted(SAMPLES) == FILES
    assert set(LEAN) | set(LINKS) <= set(SAMPLES)


def test_every_template_that_a_service_names_exists() -> None:
    sources = {
        str(file.relative_to(SERVICES)): file.read_text(encoding="utf-8") for file in SERVICES.rglob("*.py")
    }
    outcomes = (SERVICES.parent / "domain/approvals/outcomes.py").read_text(encoding="utf-8")
    sources["outcomes"] = outcomes
    called = re.compile(r'(?:_mail|_asking|_to_claimant|\.mail)\(\s*(?:parts, )?"([a-z-]+)"')
    named = {name for source in sources.values() for name in called.findall(source)}
    named |= set(re.findall(r'ended_mail.* = "([a-z-]+)"', outcomes))
    assert {"asked", "receipt", "sign-in-code", "approved"} <= named
    assert named <= set(FILES)
    for template in FILES:
        is_named = any(f'"{template}"' in source for source in sources.values())
        assert is_named or template in {status.value for status in STATUSES}, template


@every_mail
def test_a_subject_is_one_line_that_names_what_it_is_about(template: str, values: dict[str, Any]) -> None:
    subject = render(template, values).subject
    assert subject
    assert subject == " ".join(subject.split())
    assert subject.isprintable()
    assert not re.search(r"\s[,.:]|[,.:]$|None", subject)
    assert template in ABOUT_NO_SUBMISSION or REFERENCE in subject


@pytest.mark.parametrize(
    ("template", "changes", "subject"),
    [
        (
            "asked",
            {},
            f"Decide by Monday 18 January: {REFERENCE}, £6,000 for Innovation day at Maidstone",
        ),
        (
            "reminder",
            {},
            f"Reminder: decide by Monday 18 January: {REFERENCE}, £6,000 for Innovation day at Maidstone",
        ),
        ("changes-requested", {}, f"{REFERENCE}: please make changes by Monday 8 February"),
        ("changes-reminder", {}, f"Reminder: {REFERENCE}, please make changes by Monday 8 February"),
        ("decision-made", {}, f"{REFERENCE}: you approved this claim"),
        (
            "decision-made",
            {"made": "asked for changes to"},
            f"{REFERENCE}: you asked for changes to this claim",
        ),
        ("stuck", {"noun": "idea"}, f"{REFERENCE}: nobody is deciding this idea"),
        ("receipt", {"noun": "idea"}, f"{REFERENCE}: we have your idea"),
    ],
)
def test_a_subject_says_what_is_asked(template: str, changes: dict[str, Any], subject: str) -> None:
    assert render(template, SAMPLES[template] | changes).subject == subject


@every_mail
def test_the_text_and_the_html_say_the_same(template: str, values: dict[str, Any]) -> None:
    mail = render(template, values)
    assert words_of(mail.text) == words_of(shown_by(mail.html))
    assert links_in(mail.text) == hrefs_in(mail.html)


@every_mail
def test_a_mail_reads_without_gaps(template: str, values: dict[str, Any]) -> None:
    text = render(template, values).text
    assert not re.search(r"\S  |\s[,.:]( |$)|\n{3}|None|\{\{|!", text)
    assert not [line for line in text.splitlines() if line.endswith(" ") and line != "-- "]
    assert text.endswith("a person will read your answer.\n")


@every_mail
def test_a_mail_holds_the_links_of_its_receiver_and_no_other(template: str, values: dict[str, Any]) -> None:
    """One link for approvers, whatever they will answer: a scanner that opens it answers nothing."""
    mail = render(template, values)
    expected = [url for name in LINKS.get(template, ["status_url"]) for url in named(values, name) if url]
    assert links_in(mail.text) == expected
    assert re.findall(r"https?://[^\s\"'<>]+", mail.html) == expected


@every_mail
def test_only_mailed_codes_look_like_codes(template: str, values: dict[str, Any]) -> None:
    mail = render(template, values)
    for shown in (mail.subject, mail.text, shown_by(mail.html)):
        found = re.findall(r"(?<!\d)\d{6}(?!\d)", shown)
        assert found == (["048213"] if template in CODES and shown != mail.subject else [])


@every_template
def test_a_mail_speaks_of_the_forms_own_noun(template: str) -> None:
    """Only what the form itself says may still call it a claim."""
    values = SAMPLES[template]
    mail = render(template, of_ideas(values) | ({"form_title": "Bring an idea"} if "noun" in values else {}))
    without_people = mail.text.replace("Claimant", "")
    assert not re.search(r"\bclaims?\b", mail.subject + without_people, re.IGNORECASE)


@pytest.mark.parametrize("hostile", [TAGS, HOSTILE], ids=["tags", "lines"])
@every_mail
def test_what_people_wrote_is_shown_and_does_nothing(
    template: str, values: dict[str, Any], hostile: str
) -> None:
    mail = render(template, poisoned(values, hostile))
    assert "<script" not in mail.html
    assert [element.tag for element in body_of(mail.html).iter("script")] == []
    assert words_of(mail.text) == words_of(shown_by(mail.html))
    assert hrefs_in(mail.html) == hrefs_in(render(template, values).html)
    whole = sent(mail)
    assert Counter(whole.keys()) == Counter(sent(render(template, values)).keys())
    assert "Bcc" not in whole
    assert whole["To"] == "zuleika.quartermaine@example.police.uk"
    subjects = whole.get_all("Subject", [])
    # Python's email folds a space away now and then between words that are not ASCII.
    assert ["".join(str(one).split()) for one in subjects] == ["".join(mail.subject.split())]
    assert not re.search(r"[\r\n]", mail.subject)


@pytest.mark.parametrize(
    "title", ["=?utf-8?B?RGVjaWRlIG5vdw==?=", "=?utf-8?q?=0D=0ABcc=3A_x=40example.org?= Day"]
)
def test_a_title_that_looks_like_an_encoded_word_is_not_decoded(title: str) -> None:
    subject = str(sent(render("asked", SAMPLES["asked"] | {"title": title}))["Subject"])
    assert "".join(title.split()) in "".join(subject.split())


@every_template
def test_a_title_that_runs_from_right_to_left_turns_nothing_around_it(template: str) -> None:
    values = SAMPLES[template] | ({"title": "Day \u202eadnuF"} if "title" in SAMPLES[template] else {})
    body = body_of(render(template, values).html)
    assert {one.tag for one in body.iter() if "\u202e" in (one.text or "")} <= {"bdi", "td"}
    assert not [one.tag for one in body.iter() if "\u202e" in (one.tail or "")]


def test_lines_that_people_wrote_cannot_pass_for_ours() -> None:
    forged = "Fine.\n\nAmount: £1\r\nDecide by: never\u2028Read the claim and decide:\x0bhttps://evil.example"
    values = ASKED | {
        "answers": [["Purpose", forged]],
        "earlier": [["Stage", "approved", forged]],
        "differences": [["Purpose", forged, forged]],
    }
    ours = [line for line in render("asked", values).text.splitlines() if not line.startswith((">", "    "))]
    assert ours.count("Amount: £1") == 0
    assert [line for line in ours if line.startswith("Decide by")] == ["Decide by: Monday 18 January"]
    assert links_in("\n".join(ours)) == [TASK_URL]


@every_template
def test_a_value_that_is_missing_is_an_error(template: str) -> None:
    values = SAMPLES[template]
    name = next(name for name in ("reference", "code", "period", "browser", "name") if name in values)
    with pytest.raises(jinja2.UndefinedError):
        render(template, {key: value for key, value in values.items() if key != name})


@every_template
def test_a_mail_is_small_enough_to_be_shown_whole(template: str) -> None:
    """Gmail cuts off after 102 kB."""
    longest = {name: 40 * [["Heading", 100 * "words "]] for name in ("answers",) if name in SAMPLES[template]}
    assert len(render(template, SAMPLES[template] | longest).html.encode()) < 102_000


def test_an_approver_reads_what_it_takes_to_decide() -> None:
    text = render("asked", ASKED).text
    assert text.index(TASK_URL) < text.index("THE CLAIM")
    for expected in (
        "asked as deputy to decide this claim from Kent Police",
        "somebody who is away named you",
        "Amount: £6,000 from the Police Transformation Fund",
        "- Lunch for 120 (Catering): £1,440.50",
        "Total: £6,000",
        "People expected\nBefore: No answer\nNow: 120\n\nCosts\nBefore: Hire of the hall, Venue hire, £5,000\n",
        "Now:\n    Hire of the hall, Venue hire, £4,200\n    Lunch for 120",
        "Your force’s innovation lead: asked for changes to it\n\n> How many people come?\n> And is lunch in it?",
        "Your force’s innovation lead: approved it",
        "Left for Kent Police: £8,000",
        "£5,000 is already set aside for this claim",
    ):
        assert expected in text


def test_a_first_approver_reads_nothing_of_what_there_is_not() -> None:
    text = render("asked", ASKED | LEAN["asked"]).text
    for other in ("deputy", "away", "WHAT HAS CHANGED", "DECIDED BEFORE YOU", "Left for", "set aside"):
        assert other not in text


def test_a_decision_that_cannot_be_undone_says_nothing_of_undoing() -> None:
    values = SAMPLES["decision-made"]
    assert "undo it until 11 January 2027 at 9:40am" in render("decision-made", values).text
    told = render("decision-made", values | {"undo_until": ""}).text
    assert "undo" not in told
    assert "If this was not you, reply to this email straight away" in told


def test_a_page_of_which_nothing_was_said_is_open_to_change() -> None:
    text = render("changes-requested", SAMPLES["changes-requested"]).text
    assert "Your innovation day: Is it the 27th or the 28th?" in text
    assert "What it costs: You can change anything here" in text


def letters(**changes: Any) -> Letters:
    """The letters about a claim that was changed once, on parts in memory."""
    parts = fakes.parts()
    parts.people.register([LEAD])  # type: ignore[attr-defined]
    parts.funds.open_fund(  # type: ignore[attr-defined]
        "ptf", name="the Police Transformation Fund", total_pence=2_000_000, caps={"kent": 1_000_000}
    )
    earlier = Version(
        number=1, answers=claim_answers(expected_attendance=80), personal={}, amount_pence=600_000, at=MONDAY
    )
    case = replace(a_case(**changes), versions=(earlier,))
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    return Letters(parts=parts, case=case, form=form, one=case.submission)


def choice(value: str) -> Choice:
    return a_form().workflow.choice(value)


LEAD = a_person("lead-kent", "innovation-lead@kent")
DONE = a_task(decision="approve", decided_at=MONDAY)
WANTED = Asked(
    role="innovation-lead",
    stage="force-lead",
    at=MONDAY,
    comment="Why?",
    changes={"the-day": "Date?", "costs": ""},
)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("asked", lambda: letters().asked(a_task(), LEAD)),
        ("reminder", lambda: letters().reminder(a_task(), LEAD)),
        ("no-longer-needed", lambda: letters().no_longer_needed([a_task()], "Never mind.")[0]),
        ("decision-made", lambda: letters().decision_made(DONE, LEAD, "Fine")),
        ("changes-requested", lambda: letters().decided(DONE, choice("request-changes"), WANTED, "Why?")),
        ("changes-reminder", lambda: letters().changes_reminder(WANTED)),
        ("amended", lambda: letters().amended(["Your innovation day"])),
        ("withdrawn", lambda: letters(status=Status.WITHDRAWN).ended("withdrawn")),
        ("lapsed", lambda: letters(status=Status.LAPSED).ended("lapsed")),
        ("new-link", lambda: letters().new_link()),
        ("approved", lambda: letters(status=Status("approved")).decided(DONE, choice("approve"), None, "")),
        ("rejected", lambda: letters(status=Status("rejected")).decided(DONE, choice("reject"), None, "No")),
        ("moved-on", lambda: letters(stage="finance").decided(DONE, choice("approve"), None, "")),
        ("undelivered", lambda: letters().undelivered(LEAD, "our email to them bounced")),
        ("stuck", lambda: letters().stuck(LEAD, "nobody decided in time", task=None)),
    ],
)
def test_the_samples_are_what_the_letters_give(template: str, made: Callable[[], Any]) -> None:
    payload = made().payload
    assert payload["template"] == template
    assert {name: type(value) for name, value in payload["values"].items()} == {
        name: type(value) for name, value in to_queue(template, SAMPLES[template]).items()
    }
    render(template, payload["values"])


def test_the_samples_are_what_is_mailed_on_the_way_in(story: Story) -> None:
    receipt = story.submit()
    submitting.submit(story.parts, story.form, claim_answers(claimant_email="new@example.police.uk"))
    mailbox = signing_in.ask_code(story.parts, LEAD.address)
    signing_in.ask_claimant_code(story.parts, "kent", receipt.reference)
    story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    story.deliver()
    sent = story.parts.mailer.sent  # type: ignore[attr-defined]
    (code,) = [mail.values["code"] for mail in sent if mail.template == "sign-in-code"]
    signing_in.enter_code(story.parts, mailbox, code)
    story.deliver()
    mails = {mail.template: mail.values for mail in story.parts.mailer.sent}  # type: ignore[attr-defined]
    for template in ("receipt", "new-browser", *CODES):
        assert set(mails[template]) == set(to_queue(template, SAMPLES[template])), template
