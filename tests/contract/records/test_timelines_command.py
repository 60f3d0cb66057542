"""An export of timelines, checked against roots without AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.adapters.aws.root_keys import RootKeys, key_of
from chalicelib.domain.records.timeline import Chain
from chalicelib.services.records import daily_roots
from infra import timelines
from infra.local.data import opened
from tests import fakes
from tests.builders import Story, the_people


class Kept:
    """A service with three roots, and its timelines in a file."""

    def __init__(self, folder: Path) -> None:
        with opened(folder / "data") as data:
            keys = RootKeys([key_of(data.timeline_keys()["ROOT_KEYS"])])
        self.parts = replace(fakes.parts(), root_keys=keys)
        people: Any = self.parts.people
        people.register(the_people())
        self.parts.funds.open_fund("ptf", name="f", total_pence=10**9, caps={"kent": 10**9})  # type: ignore[attr-defined]
        self.story = Story(parts=self.parts)
        self.key = folder / "data" / "root-key.pub.pem"
        self.file, self.roots = folder / "timelines.jsonl", folder / "roots"
        self.references = []
        for _ in range(3):
            self.references.append(self.story.submit().reference)
            self.story.ask(self.references[-1])
            self.next_root()
        self.write()

    def next_root(self) -> None:
        clock: Any = self.parts.now
        clock.pass_by(days=1)
        assert daily_roots.write_root(self.parts).is_written

    def write(self) -> None:
        self.file.write_text("\n".join(timelines.lines_of(self.parts, "kent")), encoding="utf-8")
        self.roots.mkdir(exist_ok=True)
        files: Any = self.parts.roots
        for name, (_, content) in files.kept.items():
            (self.roots / Path(name).name).write_bytes(content)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def put(self, lines: list[Any]) -> None:
        self.file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    def verify(self) -> int:
        return timelines.main(["verify", str(self.file), "--roots", str(self.roots), "--key", str(self.key)])


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_what_was_not_touched_verifies_also_once_it_has_grown(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.verify() == 0
    assert "3 timelines, 3 roots, the newest of 14 January 2027: no faults" in capsys.readouterr().out
    kept.story.decide(kept.references[0])
    kept.write()
    assert kept.verify() == 0


def test_an_export_holds_nothing_that_people_wrote(kept: Kept) -> None:
    text = kept.file.read_text(encoding="utf-8")
    assert "Zuleika" not in text
    assert "handovers" not in text


def edited(lines: list[Any]) -> None:
    lines[0]["entries"][0]["actor"] = "somebody"


def rewritten(lines: list[Any]) -> None:
    """Hashed anew, as somebody with the key could have sealed it."""
    chain = Chain()
    for number, given in enumerate(lines[0]["entries"]):
        entry = replace(timelines._entry(given), actor="somebody")
        chain, made = chain.append(entry, state=entry.state)
        lines[0]["entries"][number] = {**given, "actor": "somebody", "previous": made.previous}
        lines[0]["entries"][number] |= {"hash": made.hash, "before": made.before, "text_digest": ""}


def set_back(lines: list[Any]) -> None:
    del lines[0]["entries"][-1]


def removed(lines: list[Any]) -> None:
    del lines[1]


@pytest.mark.parametrize("attack", [edited, rewritten, set_back, removed])
def test_what_was_changed_is_named(
    kept: Kept, attack: Callable[[list[Any]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = kept.lines()
    reference = lines[1 if attack is removed else 0]["reference"]
    attack(lines)
    kept.put(lines)
    assert kept.verify() == 1
    assert reference in capsys.readouterr().out


def the_first(kept: Kept) -> None:
    sorted(kept.roots.iterdir())[0].unlink()


def one_between(kept: Kept) -> None:
    sorted(kept.roots.iterdir())[1].unlink()


def by_another_key(kept: Kept) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    kept.key = kept.roots / "another.pem"
    kept.key.write_bytes(public.public_bytes(serialization.Encoding.PEM, form))


def one_edited(kept: Kept) -> None:
    last = sorted(kept.roots.iterdir())[-1]
    last.write_text(last.read_text().replace('"kent"', '"essex"'))


def one_renamed(kept: Kept) -> None:
    first = sorted(kept.roots.iterdir())[0]
    first.rename(first.with_name("2027-01-01.json"))


@pytest.mark.parametrize("attack", [the_first, one_between, one_edited, one_renamed])
def test_a_root_that_is_missing_or_not_ours_is_named(
    kept: Kept, attack: Callable[[Kept], None], capsys: pytest.CaptureFixture[str]
) -> None:
    attack(kept)
    assert kept.verify() == 1
    assert ".json" in capsys.readouterr().out


def test_the_newest_root_that_is_missing_does_not_show_but_for_its_date(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    sorted(kept.roots.iterdir())[-1].unlink()
    assert kept.verify() == 0
    assert "2 roots, the newest of 13 January 2027" in capsys.readouterr().out


def test_what_cannot_be_read_is_said_in_a_line(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    by_another_key(kept)
    assert kept.verify() == 2
    kept.key.write_text("no key")
    assert kept.verify() == 2
    kept.file.write_text("no export")
    assert kept.verify() == 2
    assert timelines.main(["export", "kent"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 4
