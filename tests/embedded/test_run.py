"""The run starts, stops and refuses as a person at a terminal would want."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.local import guidance, processes
from infra.local.data import opened
from infra.local.options import Options
from tests.embedded.running import Run, eventually, started

pytestmark = pytest.mark.whole


def call(address: str, body: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def refusal(**settings: str) -> tuple[int, str]:
    process = started(**settings)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_without_a_word_and_leaves_nobody_behind(run: Run, by: int) -> None:
    assert call(run.address + "/health") == {"status": "ok"}
    assert len(run.members) == 3
    assert run.stop(by) == (0, "")
    assert run.members == []


@pytest.mark.needs_dynoxide("data that outlives a kill")
def test_data_and_mail_are_there_after_everything_was_killed_at_once(run: Run) -> None:
    call(run.address + "/things/kept", {"word": "yes"})
    call(run.address + "/things/m1", {"lane": "mail"})
    eventually(lambda: call(run.address + "/local/mail.json"))
    keys = (run.data / "signing-keys").read_text()
    for pid in [run.process.pid, *(member.pid for member in run.members)]:
        os.kill(pid, signal.SIGKILL)
    run.process.communicate()
    run.start()
    assert call(run.address + "/things/kept")["word"] == "yes"
    assert [mail["id"] for mail in call(run.address + "/local/mail.json")] == ["m1"]
    assert (run.data / "signing-keys").read_text() == keys
    assert (run.data / "signing-keys").stat().st_mode & 0o777 == 0o600
    assert not (run.data / "sealed-since").exists(), "its database is no older than its keys"


def test_the_children_die_with_a_supervisor_that_was_killed(run: Run) -> None:
    run.process.kill()
    run.process.communicate()
    eventually(lambda: not run.members)


@pytest.mark.needs_dynoxide("its log")
def test_a_child_that_dies_takes_the_run_down_and_is_named(run: Run) -> None:
    (database,) = (member for member in run.members if "dynoxide" in member.cmdline()[0])
    database.kill()
    _, errors = run.process.communicate(timeout=20)
    assert run.process.returncode == 1
    assert errors.startswith("dynoxide ended by itself (status -9). Its log ")
    assert "Dynoxide listening" in errors
    assert run.members == []


def test_a_backend_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "app.py").write_text("raise SystemExit('no settings')")
    port = str(processes.free_port())
    status, errors = refusal(PORT=port, DATA_DIR=str(tmp_path / "data"), APP_DIR=str(broken))
    assert status == 1
    assert "ended by itself (status 1)" in errors
    assert errors.endswith("    no settings\n")


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = refusal(PORT=str(port), DATA_DIR=str(tmp_path))
    assert answer == (2, f"Port {port} is in use. Stop what uses it, or: PORT={port + 1} make run\n")


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "-1", "８０００"])
def test_a_port_that_is_none(port: str, tmp_path: Path) -> None:
    status, errors = refusal(PORT=port, DATA_DIR=str(tmp_path))
    advice = "which is not a port. Give a number from 1 to 65535: PORT=8001 make run"
    assert (status, errors) == (2, f"PORT is {port!r}, {advice}\n")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    reason = "it is a file, not a folder. Choose another: DATA_DIR=.local2 make run"
    assert refusal(DATA_DIR=str(file)) == (2, f"The data folder {file} cannot be used: {reason}\n")


def test_a_data_folder_that_cannot_be(tmp_path: Path) -> None:
    folder = tmp_path / "file" / "below"
    folder.parent.touch()
    reason = "not a directory. Choose another: DATA_DIR=.local2 make run"
    assert refusal(DATA_DIR=str(folder)) == (2, f"The data folder {folder} cannot be used: {reason}\n")


def test_a_second_run_on_the_same_data(run: Run) -> None:
    advice = "Stop that one, or choose another: DATA_DIR=.local2 make run"
    answer = refusal(PORT=str(processes.free_port()), DATA_DIR=str(run.data))
    assert answer == (2, f"The data folder {run.data} is in use by another run. {advice}\n")
    assert call(run.address + "/health") == {"status": "ok"}


def test_a_missing_database(tmp_path: Path) -> None:
    answer = refusal(DYNOXIDE="/nowhere/dynoxide", DATA_DIR=str(tmp_path))
    advice = "which cannot be run. Name a dynoxide binary, or none to do without."
    assert answer == (2, f"DYNOXIDE is /nowhere/dynoxide, {advice}\n")


def test_damaged_signing_keys(tmp_path: Path) -> None:
    (tmp_path / "signing-keys").write_text("k:\n")
    status, errors = refusal(PORT=str(processes.free_port()), DATA_DIR=str(tmp_path))
    assert status == 2
    assert errors.startswith(f"{tmp_path / 'signing-keys'} is damaged. Delete it ")


def test_the_welcome_says_where_to_go(tmp_path: Path) -> None:
    options = Options(port=8123, data_dir=tmp_path, seeds_file=None)
    with opened(tmp_path) as folder:
        said = guidance.welcome(options, folder, is_kept=True)
        assert "token" not in said
        folder.demo_token.write_text("secret")
        told = guidance.welcome(options, folder, is_kept=True, is_full=True)
    for path in ("/forms/funding-claim", "/forms/idea", "/local", "/local/mail"):
        assert f" http://127.0.0.1:8123{path}\n" in said
    assert "Everything empty? make demo fills a copy.\nStop with Ctrl-C." in said
    assert "make demo" not in told
    assert f"Staff API token         in {folder.demo_token}" in told
    assert "secret" not in told
