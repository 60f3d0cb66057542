"""The demonstration: every state is in it, all of it went through the services, and the same seed gives the same."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chalicelib import wiring
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.approvals import decisions
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import TURNS
from chalicelib.domain.money.fund import Held
from chalicelib.domain.people.people import normalised
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.services.approvals import asking
from chalicelib.services.delivery import delivering
from chalicelib.services.ports import Parts
from chalicelib.services.records import daily_roots, trail
from chalicelib.services.repair import reconciling
from chalicelib.settings import Settings
from infra.local import processes, seeds
from infra.local.data import opened
from infra.local.demo.fill import DIGEST_WEEKS, Place, fill
from infra.local.demo.filling import PEOPLE, Filling
from infra.local.demo.moments import LONDON, Moments
from infra.local.demo.stand_ins import Machines
from infra.local.demo.story import Script, Unfinished
from infra.local.mailbox import Mailbox
from infra.local.options import ROOT, Refused
from tests import fakes
from tests.builders import FORMS, MAC_KEY, a_form
from tests.contract.lives import ledger, reservations
from tests.embedded.running import started
from tests.table import create_table_without_stream

pytestmark = pytest.mark.xdist_group("demo")  # the story is told once

NOW = datetime(2027, 3, 10, 11, 20, tzinfo=timezone.utc)
"""A Wednesday. Christmas and New Year are in the three months before it."""

WHOLE = Script.read(digest_weeks=1)
SURNAMES = {"Example", "Sample", "Specimen", "Mocksworth", "Testerby", "Fictley", "Nonesuch", "Pretendham"}
SURNAMES |= {"Demosworth", "Invention"}


@dataclass(frozen=True)
class Told:
    """A story that was told, and what is stored of it."""

    parts: Parts
    mails: list[dict[str, Any]]
    cases: list[Case]
    rows: list[str]


def one_of_each_end(script: Script) -> Script:
    """The first life for each state in which one ends."""
    lives = {
        form: list({life["ends"]: life for life in reversed(lives)}.values())
        for form, lives in script.lives.items()
    }
    return replace(script, lives=lives)


def tell(script: Script, folder: Path, *, seed: int = 1, people: Path = PEOPLE) -> Told:
    """Fill a new table."""
    settings = Settings(
        base_url="http://127.0.0.1:8000",
        table_name=f"demo-{uuid4().hex}",
        signing_keys=("k" * 40,),
        state_machine_arn_prefix="arn:aws:states:eu-west-2:123456789012:stateMachine:",
        mail_from="share-your-knowledge@example.org",
        mail_reply_to="coordinator@example.org",
        exports_bucket="exports",
        mac_keys=(MAC_KEY,),
        root_keys=(),
        roots_bucket="roots",
    )
    tables.connect(settings.table_name)
    create_table_without_stream()
    seeds.plant(wiring.build(settings), people)
    place = Place(mail=folder / "mail.jsonl", files=folder / "files")
    place.mail.unlink(missing_ok=True)
    parts = fill(place, script, seed=seed, now=NOW, settings=settings)
    lines = [line for form in FORMS.all() for line in parts.records.page(form.id, after=None, limit=100)]
    return Told(
        parts=parts,
        mails=[json.loads(line) for line in place.mail.read_text().splitlines()],
        cases=[parts.records.of(line.force).case(line.reference) for line in lines],
        rows=sorted(json.dumps(row.serialize(), sort_keys=True) for row in Row.scan()),
    )


def people_file(folder: Path, is_needed: Callable[[Mapping[str, str]], bool]) -> Path:
    """The people whose role is needed: planting all, and a digest for each chief constable, take a while."""
    found = json.loads(PEOPLE.read_text())
    found["people"] = [person for person in found["people"] if is_needed(person["roles"][0])]
    file = folder / "people.json"
    file.write_text(json.dumps(found))
    return file


@pytest.fixture(scope="module")
def told(dynamodb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        folder = tmp_path_factory.mktemp("demo")
        few = people_file(folder, lambda held: held["role"] != "chief-constable" or held["at"] == "kent")
        yield tell(one_of_each_end(WHOLE), folder, people=few)


def states(form: Form) -> set[str]:
    """Every state in which a submission can be found. `submitted` lasts for a moment, until somebody is asked."""
    stages = form.workflow.stages
    outcomes = {choice.outcome.word for stage in stages for choice in stage.choices}
    ended = {choice.status for stage in stages for choice in stage.choices if choice.status}
    if "return" in outcomes:
        ended.add(Status.LAPSED.value)
    if form.workflow.fund:
        ended.add(Status.PAID.value)
    return {
        *ended,
        Status.WITHDRAWN.value,
        *(f"{stage.name} {turn.value}" for stage in stages for turn in TURNS),
        *(
            f"{stage.name} changes"
            for stage in stages
            if any(choice.outcome.asks_for_changes for choice in stage.choices)
        ),
    }


def state(case: Case) -> str:
    one = case.submission
    if one.status is Status.CHANGES_REQUESTED:
        return f"{one.stage} changes"
    return f"{one.stage} {one.asked_as.value}" if one.is_open else one.status.value


def open_ones(told: Told) -> list[Submission]:
    return [case.submission for case in told.cases if case.submission.is_open]


@pytest.mark.parametrize("form", [form.id for form in FORMS.all()])
def test_every_state_of_a_form_is_shown(form: str) -> None:
    shown = {life["ends"] for life in WHOLE.lives[form]}
    assert states(a_form(form)) - shown == set(), "no life ends there"
    assert shown - states(a_form(form)) == set(), "the form has no such state"


def test_there_are_sixty_claims_and_forty_ideas() -> None:
    assert {form: len(lives) for form, lives in WHOLE.lives.items()} == {"funding-claim": 60, "idea": 40}


def test_enough_ideas_are_published_and_the_leaders_gave_every_answer() -> None:
    lives = WHOLE.lives["idea"]
    steps = [[step if isinstance(step, str) else step["do"] for step in life["life"]] for life in lives]
    assert sum(any(step.startswith("publish") for step in life) for life in steps) >= 12
    before_leaders = [
        life for life, done in zip(lives, steps) if any(s.startswith("shortlist") for s in done)
    ]
    answers = Counter(life["ends"] for life in before_leaders)
    assert all(answers[answer] for answer in ("adopted", "piloted", "declined", "referred"))


def test_everybody_is_invented() -> None:
    people = json.loads(PEOPLE.read_text())["people"]
    senders = [life["by"] for lives in WHOLE.lives.values() for life in lives]
    names = [person["name"] for person in people]
    names += [sender if isinstance(sender, str) else sender[0] for sender in senders]
    assert {name.split()[-1] for name in names} <= SURNAMES
    assert all(person["address"].endswith(("@example.org", "@example.police.uk")) for person in people)
    assert len({person["address"] for person in people}) == len(people)


def test_each_life_ends_where_its_script_says(told: Told) -> None:
    ends = {case.submission.title: state(case) for case in told.cases}
    lives = [life for lives in one_of_each_end(WHOLE).lives.values() for life in lives]
    assert ends == {life.get("event_title") or life["title"]: life["ends"] for life in lives}


def test_every_timeline_verifies(told: Told) -> None:
    for case in told.cases:
        assert trail.faults_of(told.parts, case, case.entries) == []


def test_the_money_adds_up(told: Told) -> None:
    by_claim: dict[str, Held] = {}
    for _, reference, kind, amount in ledger(told.parts):
        by_claim[reference] = by_claim.get(reference, Held()).moved(kind, amount)
    held = {case.submission.reference: decisions.held(case.submission) for case in told.cases}
    assert {reference: found for reference, found in held.items() if reference in by_claim} == by_claim
    assert all(found == Held() for reference, found in held.items() if reference not in by_claim)
    assert reservations(told.parts) == by_claim
    balance = told.parts.funds.fund("ptf").balance
    assert balance.reserved == sum(one.reserved for one in by_claim.values()) > 0
    assert balance.committed == sum(one.committed for one in by_claim.values()) > 0
    assert balance.spent == sum(one.spent for one in by_claim.values()) > 0


def test_nobody_decided_what_they_sent_in_themselves(told: Told) -> None:
    by_address = {normalised(one["address"]): one["id"] for one in json.loads(PEOPLE.read_text())["people"]}
    for case in told.cases:
        form = a_form(case.submission.form)
        sender = by_address.get(normalised(case.personal[form.email_field]))
        assert sender not in {entry.actor for entry in case.decisions}


def test_people_act_in_office_hours(told: Told) -> None:
    acts = [
        entry.at.astimezone(LONDON)
        for case in told.cases
        for entry in case.entries
        if entry.action in ("submitted", "decided", "amended", "paid", "noted")
    ]
    assert all(told.parts.calendar.is_working(at.date()) for at in acts)
    assert all(
        timedelta(hours=8) < at - at.replace(hour=0, minute=0) < timedelta(hours=17, minutes=1) for at in acts
    )


def test_mail_goes_out_when_it_is_caused(told: Told) -> None:
    moments = [datetime.fromisoformat(mail["sent_at"].replace("Z", "+00:00")) for mail in told.mails]
    assert moments == sorted(moments) and moments[-1] <= NOW
    sent = {mail["id"]: at for mail, at in zip(told.mails, moments)}
    for case in told.cases:
        for task in case.tasks:
            assert timedelta(0) <= sent[f"mail.asked.{task.id}"] - task.asked_at < timedelta(minutes=1)


def test_no_mail_is_sent_twice(told: Told) -> None:
    assert [mail for mail, times in Counter(mail["id"] for mail in told.mails).items() if times > 1] == []


def test_only_the_starts_of_what_is_open_are_left_to_the_run(told: Told) -> None:
    names = [deliveries.start_id(one.reference, one.round) for one in open_ones(told)]
    waiting = told.parts.outbox.due(NOW, limit=100)
    assert sorted(one.removeprefix("parcel.") for one in waiting) == sorted(names)


def test_there_are_digests_with_their_files(told: Told) -> None:
    assert any(mail["id"].startswith("mail.digest.all.") for mail in told.mails)
    assert any(key.endswith(".xlsx") for key in told.parts.files.keys("exports/"))


def test_make_demo_has_a_digest_for_each_monday_of_three_months(told: Told) -> None:
    mondays = Moments(told.parts.calendar, NOW).digests(NOW - timedelta(weeks=DIGEST_WEEKS))
    assert (mondays[0].date(), len(mondays)) == (date(2026, 12, 14), 13)


def test_the_run_takes_it_up_without_asking_or_mailing_again(told: Told) -> None:
    sent: list[str] = []

    class Mailer:
        def send(self, *, notification_id: str, **_: Any) -> None:
            sent.append(notification_id)

        def check(self) -> None: ...

    machines = Machines()
    parts = replace(told.parts, workflows=machines, mailer=Mailer(), now=lambda: NOW + timedelta(minutes=20))
    parts = replace(parts, roots=fakes.MemoryFiles(), root_keys=fakes.MemoryRootKeys())
    while delivering.sweep(parts).delivered or machines.steps:
        while machines.steps:
            asking.ask(parts, asking.read_step(machines.steps.popleft()))
    assert sent == []
    assert daily_roots.write_root(parts).altered == ()
    done = reconciling.reconcile(parts)
    assert done.findings == ()
    assert done.looked_at == len(open_ones(told))
    assert all(parts.records.of(one.force).case(one.reference).is_waited_for for one in open_ones(told))


@pytest.fixture
def small(dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Two claims and two ideas."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
    few = {"funding-claim": WHOLE.lives["funding-claim"][11:13], "idea": WHOLE.lives["idea"][14:16]}
    return replace(WHOLE, lives=few, away=(), digest_weeks=0)


@pytest.fixture
def few_people(small: Script, tmp_path: Path) -> Path:
    """Those who have to do with them."""
    places = {"national", *(life["force"] for lives in small.lives.values() for life in lives)}
    return people_file(tmp_path, lambda held: held["at"] in places)


def test_the_same_seed_gives_the_same_data(small: Script, few_people: Path, tmp_path: Path) -> None:
    assert tell(small, tmp_path, people=few_people).rows == tell(small, tmp_path, people=few_people).rows


def test_another_seed_gives_other_references(small: Script, few_people: Path, tmp_path: Path) -> None:
    one, other = (tell(small, tmp_path, seed=seed, people=few_people).cases for seed in (1, 2))
    references = [{case.submission.reference for case in cases} for cases in (one, other)]
    assert references[0].isdisjoint(references[1])


def test_a_life_that_does_not_fit_into_the_time_is_refused(
    small: Script, few_people: Path, tmp_path: Path
) -> None:
    late = {**small.lives["idea"][0], "sent": 1}
    with pytest.raises(Unfinished):
        tell(replace(small, lives={"idea": [late]}), tmp_path, people=few_people)


def test_an_empty_folder_is_filled_and_a_filled_one_is_not(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert Filling().is_needed(folder, is_kept=True)
        folder.database.touch()
        Filling().done(folder)
        assert not Filling().is_needed(folder, is_kept=True)
        assert folder.database.exists()


def test_what_the_database_does_not_keep_is_filled_at_each_start(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert Filling().is_needed(folder, is_kept=False)
        Filling().done(folder)
        folder.mail.touch()
        assert Filling().is_needed(folder, is_kept=False)
        assert not folder.mail.exists()


def test_a_half_filled_folder_is_emptied_and_filled_anew(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert Filling().is_needed(folder, is_kept=True)
        left = [
            folder.database,
            folder.database.with_name("dynamodb.sqlite-wal"),
            folder.mail,
            folder.files / "a",
        ]
        folder.files.mkdir()
        for file in left:
            file.touch()
        assert Filling().is_needed(folder, is_kept=True)
        assert [file for file in left if file.exists()] == []


def test_fresh_fills_a_filled_folder_anew(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert Filling().is_needed(folder, is_kept=True)
        folder.database.touch()
        Filling().done(folder)
        assert Filling.from_env({"FRESH": "1"}).is_needed(folder, is_kept=True)
        assert not folder.database.exists()


@pytest.mark.parametrize("name", ["dynamodb.sqlite", "mail.jsonl"])
def test_a_run_of_ones_own_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with opened(tmp_path) as folder, pytest.raises(Refused, match="a run of your own"):
        Filling(is_fresh=True).is_needed(folder, is_kept=True)
    assert (tmp_path / name).read_text() == "mine"


def test_a_seed_that_is_no_number_is_refused() -> None:
    with pytest.raises(Refused, match="SEED=2 make demo"):
        Filling.from_env({"SEED": "one"})


def demo(data: Path) -> tuple[list[str], subprocess.Popen[str]]:
    """`make demo` with one claim and one idea: what it says until it stands or ends."""
    process = started(
        "infra.local.demo",
        PORT=str(processes.free_port()),
        DATA_DIR=str(data),
        DEMO_LIVES="1",
        APP_DIR=str(ROOT),
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if "Ctrl-C" in line:
            break
    return said, process


@pytest.mark.needs_dynoxide("data that outlives a run")
def test_the_run_is_filled_when_it_first_starts_and_not_again(tmp_path: Path) -> None:
    said, process = demo(tmp_path)
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=20)[1], process.returncode) == ("", 0)
    assert any("Filling it" in line for line in said)
    assert not any("make demo" in line for line in said), "it is the demonstration"
    mails = Mailbox(tmp_path / "mail.jsonl").entries()
    assert any(mail["id"].startswith("mail.receipt.IDA-") for mail in mails)
    with opened(tmp_path) as folder:
        assert not Filling().is_needed(folder, is_kept=True)


def test_what_cannot_be_filled_says_why_and_is_filled_anew(tmp_path: Path) -> None:
    (tmp_path / "demo-token").mkdir()
    _, process = demo(tmp_path)
    assert "IsADirectoryError" in process.communicate(timeout=20)[1]
    assert process.returncode == 1
    with opened(tmp_path) as folder:
        assert Filling().is_needed(folder, is_kept=True)
