"""A withheld name is nowhere: every page, API answer, export and mail, for everybody who holds a role anywhere.

The ideas stand at each stage, in each turn and after changed answers. Whoever the form file names sees the name, and so
does whoever sent the idea; the test finds out where, so that it cannot pass by looking nowhere.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.adapters.aws.ses import render
from chalicelib.domain.people.accounts import claimant_of, new_session, session_secret
from chalicelib.domain.people.people import ADMIN, COORDINATOR, FINANCE, NATIONAL, ROLE_NAMES, Holding, Person
from chalicelib.domain.records.submissions import TaskState, Version
from chalicelib.domain.reports.exports import ALL, Period
from chalicelib.services.approvals import following_up, reassigning
from chalicelib.services.changes import ChangeSubmission, CloseTask, KeepPersonal, KeepVersion
from chalicelib.services.delivery import undelivered
from chalicelib.services.desk import staff_actions
from chalicelib.services.reports import digesting, exporting
from chalicelib.services.revision import next_revision, with_entry
from tests import fakes
from tests.builders import FORMS, WHO_HAD_IT, a_person, receipt_mail
from tests.unit.escalation_scenes import Ideas

pytestmark = pytest.mark.slow

NAMES = ("zuleika", "quartermaine")
"""Of name and address alike. Everything is read in lower case."""

IN_THE_OPEN = {"contact_name": "Sam Okafor", "contact_email": "sam.okafor@example.police.uk"}
"""What stands in the version of an idea that withholds nothing."""

HOLDABLE = [role for role in ROLE_NAMES if role not in ("claimant", "leaders")]
SEEN_BY = {Holding(role="coordinator", at=NATIONAL), Holding(role="idea-reviewer", at=NATIONAL)}
"""What is promised. The form file says the same, in its own words."""

BOTH = {
    "zz-kents-coordinator-and-leader": ("coordinator@kent", "college-leader@national"),
    "zz-reviewers-deputy-and-fund-holder": ("idea-reviewer-deputy@national", "fund-holder@national"),
    "zz-reviewer-and-leader": ("idea-reviewer@national", "npcc-leader@national"),
    "zz-lead-and-national-coordinator": ("innovation-lead@kent", "coordinator@national"),
}
"""Those who hold more than one role are shown what any of their roles may see, in whichever they came. Their ids come
last in the order in which people are asked."""

ANONYMOUS, CLAIMANT = "anonymous", "claimant"


def everybody() -> list[Person]:
    """One person for each role in the ideas' force and nationally, staff of another force, and those who hold two."""
    places = [(role, at) for role in HOLDABLE for at in ("kent", NATIONAL)]
    places += [(role, "essex") for role in (COORDINATOR, FINANCE, ADMIN)]
    alone = [a_person(f"{role}-at-{at}", f"{role}@{at}") for role, at in places]
    return alone + [a_person(one, *roles) for one, roles in BOTH.items()]


def may_see(person: Person) -> bool:
    return bool(SEEN_BY & set(person.roles))


@dataclass(repr=False)
class Scenes:
    """Ideas with a withheld name, by where each stands, and everything that was mailed and exported of them."""

    ideas: Ideas
    at: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    signed_in: set[str] = field(default_factory=set)
    period: Period | None = None

    def submit(self, where: str, **answers: Any) -> str:
        receipt = self.ideas.submit(**{"withhold_name": True, **answers})
        self.at[where], self.tokens[where] = receipt.reference, receipt.status_token
        return receipt.reference

    def go_on(self, reference: str, *decisions: str) -> None:
        for decision in decisions:
            self.ideas.ask(reference)
            self.ideas.decide(reference, decision, comment="A good one.")
        self.ideas.ask(reference)

    def give_to(self, reference: str, person: str) -> None:
        """The open task is handed to somebody who holds a second role as well."""
        task = self.ideas.case(reference).open_tasks[-1]
        by = self.ideas.person("coordinator-at-national")
        reassigning.hand_on_task(self.ideas.parts, by, task.id, person)

    def tasks_of(self, who: str) -> list[str]:
        """The ids of everything that this person was ever asked, and of one task that is somebody else's."""
        tasks = [task for one in self.at.values() for task in self.ideas.case(one).tasks]
        other = next(task for task in tasks if task.person_id != who)
        return [other.id, *(task.id for task in tasks if task.person_id == who)]

    def headers_of(self, who: str, token: str = "") -> dict[str, str]:
        """What this caller's browser sends; `token` says whose submitter it is."""
        if who == ANONYMOUS:
            return {}
        parts, person, cookie = self.ideas.parts, who, "__Host-session"
        if who == CLAIMANT:
            person, cookie = claimant_of(*parts.links.read_status_token(token)), "claimant"
        secret = session_secret("browser", person)
        if person not in self.signed_in:
            session = new_session(secret, person, csrf="the-token", now=parts.now())
            parts.accounts.add_session(session)
            self.signed_in.add(person)
        return {"Cookie": f"{cookie}={secret}"}

    def change(self, reference: str, *, withhold: bool, **answers: Any) -> None:
        """Other answers stand in place of the first, as after an amendment, and people are asked anew."""
        case = self.ideas.case(reference)
        before = case.submission
        moved = next_revision(before, now=self.ideas.parts.now())
        moved = replace(moved, version=before.version + 1)
        one, entry = with_entry(moved, at=moved.changed_at, action="amended")
        earlier = Version(
            number=before.version,
            answers=before.answers,
            personal=case.personal,
            amount_pence=0,
            at=one.changed_at,
        )
        personal = {**case.personal, **answers, "withhold_name": withhold}
        self.ideas.parts.records.commit(
            [
                ChangeSubmission(submission=one, amended=True),
                KeepPersonal(submission=one, personal=personal),
                KeepVersion(submission=one, version=earlier),
                entry,
                *(CloseTask(task=replace(task, state=TaskState.CLOSED)) for task in case.open_tasks),
            ]
        )
        self.ideas.ask(reference)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    parts = fakes.parts()
    people: Any = parts.people
    people.register(everybody())
    funds: Any = parts.funds
    funds.open_fund("ptf", name="the fund", total_pence=2_000_000, caps={"kent": 1_000_000})
    ideas = Ideas(parts, form=FORMS.form("idea"))
    made = Scenes(ideas)
    made.submit("new")
    ideas.ask(made.submit("triage"))
    ideas.ask(made.submit("triage by somebody with two roles"))
    made.give_to(made.at["triage by somebody with two roles"], "zz-kents-coordinator-and-leader")
    made.go_on(made.submit("national review"), "publish")
    made.go_on(made.submit("reviewed by somebody with two roles"), "publish")
    made.give_to(made.at["reviewed by somebody with two roles"], "zz-reviewers-deputy-and-fund-holder")
    made.go_on(made.submit("leaders"), "publish", "shortlist")
    made.go_on(made.submit("a leader who reviews"), "publish", "shortlist")
    ideas.vote(made.at["a leader who reviews"], "home-office-leader-at-national", "adopt", comment="Yes.")
    made.go_on(made.submit("casting"), "publish", "shortlist")
    for person, vote in (("home-office", "adopt"), ("npcc", "pilot"), ("college", "decline")):
        ideas.vote(made.at["casting"], f"{person}-leader-at-national", vote, comment="So be it.")
    ideas.ask(made.at["casting"])
    made.go_on(made.submit("withheld before"), "publish", "shortlist")
    made.change(made.at["withheld before"], withhold=False, **IN_THE_OPEN)
    made.go_on(made.submit("withheld since", withhold_name=False, **IN_THE_OPEN), "publish", "shortlist")
    made.change(made.at["withheld since"], withhold=True, **WHO_HAD_IT)
    _let_things_happen(made)
    return made


def _let_things_happen(made: Scenes) -> None:
    """Chased, undelivered, late, stuck, withdrawn, digested, exported."""
    ideas, parts = made.ideas, made.ideas.parts
    coordinator = ideas.person("coordinator-at-national")
    for where in ("triage", "national review", "leaders"):
        ideas.clock.pass_by(hours=2)
        staff_actions.chase(parts, coordinator, made.at[where])
    undelivered.came_back(parts, receipt_mail(made.at["triage"]), what="bounce")
    asked = ideas.case(made.at["triage"]).open_tasks[0]
    undelivered.came_back(parts, f"mail.asked.{asked.id}", what="bounce")
    late = made.submit("late")
    ideas.ask(late)
    for _ in range(3):
        due = ideas.case(late).submission.due_at
        assert due is not None
        ideas.clock.at = max(ideas.clock.at, due) + timedelta(minutes=1)
        following_up.follow_up(parts)
    ideas.withdraw(made.submit("withdrawn"))
    digesting.digest(parts, so_far=True)
    ideas.clock.pass_by(minutes=1)
    made.period = Period(start=ideas.clock.at - timedelta(days=90), end=ideas.clock.at)


@pytest.fixture(scope="module")
def client(scenes: Scenes) -> Iterator[Client]:
    from app import app

    wiring.use(scenes.ideas.parts)
    with Client(app) as made:
        yield made
    wiring.use(None)


def routes(method: str) -> list[str]:
    from app import app

    return sorted(path for path, methods in app.routes.items() if method in methods)


def fills(scenes: Scenes, path: str, who: str) -> Iterator[dict[str, str]]:
    """What stands in the path: every idea that this caller may come near, and one as an example where all are refused
    alike; their own tasks and one of somebody else's."""
    common = {
        "form": "idea", "fund": "ptf", "person": who, "issuer": "kents", "scope": ALL, "name": "csv", "period": "none",
    }  # fmt: skip
    is_outside = who in (ANONYMOUS, CLAIMANT)
    is_staff = not is_outside and bool(scenes.ideas.person(who).staff_of())
    if "{task}" in path:
        for task in scenes.tasks_of(who):
            yield {**common, "task": task}
    elif "{token}" in path or "{reference}" in path:
        sees_all = is_outside if "{token}" in path else is_staff or who == ANONYMOUS
        for where in scenes.at if sees_all else ("withheld since",):
            yield {**common, "reference": scenes.at[where], "token": scenes.tokens[where]}
    else:
        yield common


def says(response: Any) -> bool:
    """Whether a name is in an answer: in its body or in any header."""
    told = response.body.decode("utf-8", "replace") + str(dict(response.headers))
    return any(name in told.lower() for name in NAMES)


@dataclass
class Walked:
    """How often was looked, and where a name stood: by person, the paths."""

    answers: int = 0
    shown: dict[str, set[str]] = field(default_factory=dict)

    def look(self, who: str, path: str, response: Any) -> None:
        self.answers += 1
        assert response.status_code < 500 or path == "/health", f"{path}: {response.status_code}"
        if says(response):
            self.shown.setdefault(who, set()).add(path)


def walk(scenes: Scenes, client: Client, who: str) -> Walked:
    """Open every page and ask every question that is asked with GET, about every idea."""
    found = Walked()
    for path in routes("GET"):
        for fill in fills(scenes, path, who):
            headers = scenes.headers_of(who, fill.get("token", scenes.tokens["triage"]))
            found.look(who, path, client.http.get(path.format_map(fill), headers=headers))
    return found


def post(client: Client, path: str, headers: Mapping[str, str], body: Mapping[str, str]) -> Any:
    if path.startswith("/api/"):
        sent = {**headers, "Content-Type": "application/json"}
        return client.http.post(path, headers=sent, body=json.dumps(body).encode())
    sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    return client.http.post(path, headers=sent, body=urlencode({"csrf": "the-token", **body}).encode())


def test_the_form_file_names_those_who_were_promised() -> None:
    form = FORMS.form("idea")
    for name in ("contact_name", "contact_email"):
        assert {asked.holding("kent") for asked in form.seen_by(name)} == SEEN_BY


def test_a_withheld_name_is_on_no_page_and_in_no_api_answer(
    scenes: Scenes, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    people = everybody()
    walked = {one.id: walk(scenes, client, one.id) for one in people}
    walked[ANONYMOUS] = walk(scenes, client, ANONYMOUS)
    wrong = {who: found.shown[who] for who, found in walked.items() if who in found.shown}
    allowed = {one.id for one in people if may_see(one)}
    assert {who: paths for who, paths in wrong.items() if who not in allowed} == {}
    # The walk reaches the places where the name does stand.
    desk = {"/desk/submissions/{reference}", "/api/v1/submissions/{reference}"}
    task = {"/tasks/{task}", "/api/v1/tasks/{task}"}
    assert desk <= wrong["coordinator-at-national"]
    assert desk <= wrong["zz-lead-and-national-coordinator"]
    assert task <= wrong["idea-reviewer-at-national"]
    answers = sum(found.answers for found in walked.values())
    with capsys.disabled():
        print(
            f"\nwithheld: {len(routes('GET'))} pages and API answers, {len(walked)} callers, {answers} looks"
        )
    assert answers > len(routes("GET")) * len(walked)


def test_whoever_withheld_it_finds_it_on_no_page_but_their_own(scenes: Scenes, client: Client) -> None:
    shown = walk(scenes, client, CLAIMANT).shown.get(CLAIMANT, set())
    assert shown <= {"/status/{token}/amend", "/status/{token}/confirm"}


def test_a_withheld_name_is_in_no_answer_to_those_who_decide(scenes: Scenes, client: Client) -> None:
    """Refused, wrong and outdated decisions show the page again, with what has changed."""
    looks = 0
    for reference in scenes.at.values():
        case = scenes.ideas.case(reference)
        outdated = replace(case, personal=case.versions[-1].personal).seen if case.versions else "another"
        for task in case.open_tasks:
            person = scenes.ideas.person(task.person_id)
            headers = scenes.headers_of(person.id)
            stage = FORMS.form("idea").workflow.stage(task.stage)
            right = stage.choices[0].value
            for path in (f"/tasks/{task.id}", f"/api/v1/tasks/{task.id}/decision"):
                for decision, was in ((right, outdated), ("none", "")):
                    answer = post(
                        client, path, headers, {"decision": decision, "seen": was, "comment": "Yes"}
                    )
                    assert answer.status_code in (409, 422), answer.body
                    assert may_see(person) or not says(answer), path
                    looks += 1
    assert looks > 20


def test_nobody_finds_an_idea_by_a_withheld_name(scenes: Scenes, client: Client) -> None:
    for person in everybody():
        headers = scenes.headers_of(person.id)
        for path in ("/desk/submissions", "/api/v1/submissions"):
            answer = client.http.get(f"{path}?q=quartermaine", headers=headers)
            body = answer.body.decode()
            assert not [one for one in scenes.at.values() if one in body], person.id


def test_a_withheld_name_is_in_no_mail_but_to_those_who_may_see_it(
    scenes: Scenes, capsys: pytest.CaptureFixture[str]
) -> None:
    parts: Any = scenes.ideas.parts
    by_address = {person.address: person for person in everybody()}
    told = set()
    mails = [one for one in scenes.ideas.store.of_kind("delivery") if one.delivery.payload.get("template")]
    for queued in mails:
        mail = queued.delivery.payload
        shown = render(mail["template"], mail["values"])
        text = f"{queued.delivery.id} {mail['values']} {shown.subject} {shown.text} {shown.html}".lower()
        reader = by_address.get(mail["to"])
        if reader is None:
            assert mail["to"] in (WHO_HAD_IT["contact_email"], IN_THE_OPEN["contact_email"])
        elif any(name in text for name in NAMES):
            assert may_see(reader), f"{mail['template']} to {reader.id}"
            told.add((mail["template"], reader.id))
    assert ("asked", "idea-reviewer-at-national") in told
    assert ("reminder", "idea-reviewer-at-national") in told
    templates = {queued.delivery.payload["template"] for queued in mails}
    wanted = {"receipt", "asked", "reminder", "no-longer-needed", "answered", "decision-made", "stuck",
              "undelivered", "withdrawn", "digest"}  # fmt: skip
    assert wanted <= templates
    with capsys.disabled():
        print(f"\nwithheld: {len(mails)} mails from {len(templates)} templates")
    assert parts.mailer.sent == [], "all of them are read here, unsent"


def test_a_withheld_name_is_in_no_export(
    scenes: Scenes, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    parts: Any = scenes.ideas.parts
    assert scenes.period is not None
    made = [exporting.export(parts, "idea", scope, scenes.period) for scope in ("kent", "essex", ALL)]
    assert made[0].rows == made[2].rows == len(scenes.at)
    files = {key: parts.files.get(key, most=10**7) for key in parts.files.keys("")}
    for key, content in files.items():
        inside = [key.encode(), content]
        if zipfile.is_zipfile(io.BytesIO(content)):
            archive = zipfile.ZipFile(io.BytesIO(content))
            inside += [archive.read(name) for name in archive.namelist()]
        assert not [name for name in NAMES if any(name.encode() in part.lower() for part in inside)], key
    looks = 0
    for person in everybody():
        headers = scenes.headers_of(person.id)
        for manifest in made:
            path = f"/exports/idea/{manifest.scope}/{manifest.period.key}"
            for name in ("", "/csv", "/xlsx"):
                assert not says(client.http.get(path + name, headers=headers))
                looks += 1
    with capsys.disabled():
        print(f"\nwithheld: {len(files)} exported files, {looks} looks at exports")
    assert len(files) >= 9
