"""Commands on a table: tokens by hand, and the demonstration's token of the embedded run."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.errors import NotSignedIn
from chalicelib.domain.tokens import LONGEST_DAYS, Scope
from chalicelib.services import tokens
from chalicelib.services.ports import Parts
from infra import tokens as command
from infra.local import seeds
from tests.builders import a_person

ANN = a_person("ann", "coordinator@national")


@pytest.fixture
def table(dynamo_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    dynamo_parts.people.register([ANN, a_person("lee", "innovation-lead@kent")])  # type: ignore[attr-defined]
    monkeypatch.setenv("TABLE_NAME", "any")
    monkeypatch.setattr(command, "parts_of", lambda name: dynamo_parts)
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
