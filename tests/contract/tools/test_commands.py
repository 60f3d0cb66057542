"""Commands on a table: planting people, tokens by hand, and the demonstration's token of the embedded run."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import keys, people
from chalicelib.adapters.dynamodb.tables import PersonItem
from chalicelib.domain.errors import NotSignedIn
from chalicelib.domain.people.people import Holding
from chalicelib.domain.people.person_changes import COMMAND, What
from chalicelib.domain.people.tokens import LONGEST_DAYS, Scope
from chalicelib.services.people import leaving, tokens
from chalicelib.services.ports import Parts
from infra import plant
from infra import tokens as command
from infra.local import seeds
from tests.builders import a_person

ANN = a_person("ann", "coordinator@national")


@pytest.fixture
def table(dynamo_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    dynamo_parts.people.register([ANN, a_person("lee", "innovation-lead@kent")])  # type: ignore[attr-defined]
    monkeypatch.setenv("TABLE_NAME", "any")
    for module in (command, plant):
        monkeypatch.setattr(module, "parts_of", lambda name: dynamo_parts)
    return dynamo_parts


def test_a_token_is_made_listed_and_revoked_by_command(
    table: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["make", "ann", "Nightly figures", "--scopes", "read", "manage"]) == 0
    secret = capsys.readouterr().out.strip()
    token, person = tokens.token_of(table, secret)
    assert (person.id, token.scopes) == ("ann", {Scope.READ, Scope.MANAGE})
    assert token.expires_at - token.made_at == timedelta(days=30)
    assert command.main(["list", "ann"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{token.id}  Nightly figures  manage read  expires ")
    assert secret not in told
    assert command.main(["revoke", "ann", token.id]) == 0
    with pytest.raises(NotSignedIn):
        tokens.token_of(table, secret)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["make", "nobody", "x", "--scopes", "read"], "There is no person with this id."),
        (["make", "lee", "x", "--scopes", "read"], "Tokens are for coordinators"),
        (["make", "ann", "x", "--scopes", "read", "--days", "91"], "from 1 to 90"),
        (["revoke", "ann", "000000000000"], "This person has no token with this id."),
    ],
)
def test_what_a_command_refuses_it_says_and_keeps_nothing(
    table: Parts, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 1
    assert said in capsys.readouterr().err
    assert tokens.live_tokens(table, "ann") == []


def test_a_command_needs_to_be_told_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    assert command.main(["list", "ann"]) == 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    people = [{"id": "ann", "name": "Ann", "address": "ann@example.org", "roles": []}]
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps({"people": people, "funds": [], "demo_token": {"person": "ann"}}))
    return file


def test_the_runs_token_is_kept_while_it_is_good_and_made_anew_after(
    parts: Parts, file: Path, tmp_path: Path
) -> None:
    parts.people.register([ANN])  # type: ignore[attr-defined]
    kept = tmp_path / "demo-token"
    seeds.demonstrate(parts, file, kept)
    first = kept.read_text()
    token, _ = tokens.token_of(parts, first.strip())
    assert (token.scopes, kept.stat().st_mode & 0o777) == ({Scope.READ, Scope.MANAGE}, 0o600)
    seeds.demonstrate(parts, file, kept)
    assert kept.read_text() == first
    parts.now.pass_by(days=LONGEST_DAYS)  # type: ignore[attr-defined]
    seeds.demonstrate(parts, file, kept)
    assert kept.read_text() != first
    assert tokens.token_of(parts, kept.read_text().strip())


def test_the_token_of_a_run_of_before_gives_way_to_a_new_one(
    parts: Parts, file: Path, tmp_path: Path
) -> None:
    """Also where the file of an earlier run, or of an earlier release, is lost or says something else."""
    parts.people.register([ANN])  # type: ignore[attr-defined]
    kept = tmp_path / "demo-token"
    for _ in range(12):
        kept.write_text("a-token-of-an-earlier-release")
        seeds.demonstrate(parts, file, kept)
    assert [token.name for token in tokens.live_tokens(parts, "ann")] == [seeds.DEMONSTRATION]


def test_without_its_person_the_run_has_no_token(parts: Parts, file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "demo-token"
    kept.write_text("old")
    seeds.demonstrate(parts, file, kept)
    assert not kept.exists()


def test_a_seeds_file_whose_person_may_have_no_token_is_refused_by_name(
    parts: Parts, file: Path, tmp_path: Path
) -> None:
    parts.people.register([a_person("ann", "innovation-lead@kent")])  # type: ignore[attr-defined]
    with pytest.raises(seeds.BadSeeds, match="demo_token: Tokens are for"):
        seeds.demonstrate(parts, file, tmp_path / "demo-token")


# Planting


def people_file(tmp_path: Path, *people: dict[str, object]) -> str:
    file = tmp_path / "people.json"
    whole = [
        {"name": f"{one['id']}, somebody", "address": f"{one['id']}@example.org", "roles": [], **one}
        for one in people
    ]
    file.write_text(json.dumps({"people": whole, "funds": []}))
    return str(file)


ANN_IN_FILE = {"id": "ann", "roles": [{"role": "coordinator", "at": "national"}]}
LEE_IN_FILE = {"id": "lee", "roles": [{"role": "innovation-lead", "at": "kent"}]}
SECOND = {"id": "sam", "roles": [{"role": "innovation-lead", "at": "kent"}]}


def ids(table: Parts) -> list[str]:
    return sorted(one.person.id for one in table.leavings.people_at("", after="", limit=1000)[0])


def test_planting_makes_no_token(table: Parts, tmp_path: Path) -> None:
    assert plant.main([people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE)]) == 0
    assert tokens.live_tokens(table, "ann") == []


def test_whoever_is_no_longer_in_the_file_is_named_and_leaves_when_asked_for(
    table: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens.make(table, ANN, name="x", scopes=["read"], days=1, by="ann")
    plant.main([people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE, SECOND)])
    assert capsys.readouterr().out == ""
    file = people_file(tmp_path, {**ANN_IN_FILE, "id": "new"}, LEE_IN_FILE)
    assert plant.main([file]) == 0
    assert capsys.readouterr().out == (
        "In the table and not in the file; they keep their roles (--remove-missing): ann sam\n"
    )
    assert ids(table) == ["ann", "lee", "new", "sam"]
    assert plant.main([file, "--remove-missing"]) == 0
    assert ids(table) == ["lee", "new"]
    assert table.tokens.of("ann") == []
    assert plant.main([file, "--remove-missing"]) == 0, "again is harmless"
    assert (What.LEFT, COMMAND) in [(one.what, one.actor) for one in table.leavings.changes("sam")]


def test_the_last_holder_of_a_role_is_not_removed_and_the_others_are(
    table: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.main([people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE, {"id": "sam"})])
    capsys.readouterr()
    assert plant.main([people_file(tmp_path, LEE_IN_FILE), "--remove-missing"]) == 1
    told = capsys.readouterr()
    assert told.out == "sam has left.\n"
    assert told.err.startswith("ann stays: ")
    assert "is the only coordinator (national). Register a successor first" in told.err
    assert ids(table) == ["ann", "lee"]


def test_somebody_taken_out_by_an_earlier_release_is_found_as_well(
    table: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It kept people without a place in the index."""
    old = PersonItem(keys.person("old"), keys.ONLY, name="Old", address="old@example.org", roles=[])
    old.save()
    plant.main([people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE)])
    assert capsys.readouterr().out.endswith(": old\n")


def test_a_last_day_in_the_file_is_kept_once_and_carried_out_by_the_schedule(
    table: Parts, tmp_path: Path
) -> None:
    clock: Any = table.now
    file = people_file(tmp_path, ANN_IN_FILE, {**LEE_IN_FILE, "last_day": "2027-01-15"})
    for _ in range(3):
        assert plant.main([file]) == 0
    assert [one.what for one in table.leavings.changes("lee")] == [What.LEAVING_SAID]
    clock.at = datetime(2027, 1, 16, tzinfo=timezone.utc)
    assert leaving.carry_out_due(table).left == 1
    assert plant.main([file]) == 0, "and planting the file again brings nobody back"
    assert ids(table) == ["ann"]
    assert table.people.by_address("lee@example.org") is None


def test_a_last_day_that_is_past_is_carried_out_by_the_next_run(table: Parts, tmp_path: Path) -> None:
    plant.main([people_file(tmp_path, ANN_IN_FILE, {**LEE_IN_FILE, "last_day": "2026-12-31"})])
    assert leaving.carry_out_due(table).left == 1
    assert ids(table) == ["ann"]


def test_whoever_left_by_the_page_stays_away_until_they_are_brought_back(
    table: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock: Any = table.now
    file = people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE)
    plant.main([file])
    lee = table.people.person("lee")
    assert lee is not None
    leaving.say(table, lee, last_day=date(2027, 1, 15), reason="A new post", by="ann")
    clock.at = datetime(2027, 1, 16, tzinfo=timezone.utc)
    leaving.carry_out_due(table)
    assert plant.main([file]) == 0
    assert "they have left, so they stay away (--bring-back): lee" in capsys.readouterr().out
    assert ids(table) == ["ann"]
    assert plant.main([file, "--bring-back", "lee"]) == 0
    assert ids(table) == ["ann", "lee"]
    leaving.carry_out_due(table)
    assert plant.main([file]) == 0
    assert ids(table) == ["ann", "lee"], "and they stay"


def test_whoever_leaves_while_the_file_is_planted_stays_away(
    table: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what planting reads of them and what it writes."""
    plant.main([people_file(tmp_path, ANN_IN_FILE, LEE_IN_FILE, SECOND)])
    forget = people._forget_what_changed

    def forget_and_leave(*given: Any) -> None:
        forget(*given)
        if lee := table.people.person("lee"):
            leaving.say(table, lee, last_day=date(2027, 1, 1), reason="A new post", by="ann", at_once=True)

    monkeypatch.setattr(people, "_forget_what_changed", forget_and_leave)
    file = tmp_path / "people.json"
    assert seeds.plant(table, file) == ["lee"]
    assert ids(table) == ["ann", "sam"]
    assert table.people.by_address("lee@example.org") is None
    assert [one.id for one in table.people.holders(Holding(role="innovation-lead", at="kent"))] == ["sam"]
    assert seeds.plant(table, file, bring_back=["lee"]) == []
    assert ids(table) == ["ann", "lee", "sam"]


def test_a_last_day_that_is_no_day_is_refused_by_name_and_nothing_is_stored(
    table: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.main([people_file(tmp_path, {"id": "new", "last_day": "31 March"})]) == 2
    assert "people.json: ValueError" in capsys.readouterr().err
    assert table.people.person("new") is None
