"""What is read from a run that is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import life, running

ASKED = '{"id":"mail.asked.avon-and-somerset.CLM-7K3F-9QXN.1","to":"a@x.example"}\n'


def test_each_process_is_known_by_its_command() -> None:
    assert running.name_of(["python", "-m", "infra.local.web", "--socket", "3"]) == "web"
    assert running.name_of(["python", "-m", "infra.local.backend", "--socket", "3"]) == "backend"
    assert running.name_of(["/x/@dynoxide/linux-x64/dynoxide", "serve"]) == "dynoxide"
    assert running.name_of(["bash"]) == ""


def test_what_was_spent_is_the_difference() -> None:
    assert running.spent({"web": 1.0, "backend": 2.0}, {"web": 1.5, "backend": 2.0}) == {
        "web": 0.5,
        "backend": 0.0,
    }


def test_the_journal_gives_each_mail_once_and_no_half_of_one(tmp_path: Path) -> None:
    journal = running.Journal(tmp_path)
    assert journal.added() == []
    file = tmp_path / "mail.jsonl"
    file.write_text(ASKED + ASKED.replace("9QXN.1", "9QXN.2")[:-5])
    assert journal.tasks() == ["avon-and-somerset.CLM-7K3F-9QXN.1"]
    with file.open("a") as end:
        end.write('ple"}\n'[-5:] + '{"id":"mail.receipt.kent.CLM-7K3F-9QXX","to":"mail.asked.kent"}\n')
    assert journal.tasks() == ["avon-and-somerset.CLM-7K3F-9QXN.2"]
    assert journal.tasks() == []


def test_a_submission_is_asked_about_however_many_are_mailed(tmp_path: Path) -> None:
    journal = running.Journal(tmp_path)
    (tmp_path / "mail.jsonl").write_text(ASKED * 3)
    assert journal.asked() == {"CLM-7K3F-9QXN"}
    assert journal.asked() == {"CLM-7K3F-9QXN"}


def test_waiting_ends_with_the_fact_or_says_that_it_did_not_come() -> None:
    facts = iter([False, False, True])
    assert running.until(lambda: next(facts), within=60, every=0) >= 0
    with pytest.raises(TimeoutError):
        running.until(lambda: False, within=0, every=0)


def test_a_claim_for_the_whole_life_is_small_and_of_the_force_that_decides_it() -> None:
    one = life.claim(3, "kent")
    assert one["force"] == "kent"
    assert sum(line["amount_pence"] for line in one["cost_lines"]) == life.PENCE
    assert life.claim(3, "kent") == one != life.claim(4, "kent")
