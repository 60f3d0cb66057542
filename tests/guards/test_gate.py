"""The gate: what CI runs is what the README says, and all of `make check`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from infra.packaging import bundle

ROOT = Path(__file__).resolve().parents[2]


def ci_targets() -> list[str]:
    """The targets that .ci/run makes, in order. Nothing else may stand there but what starts a strict shell."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands[:2] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."']
    assert all(re.fullmatch(r"make [a-z]+", line) for line in commands[2:]), commands
    return [line.removeprefix("make ") for line in commands[2:]]


def recipe(*targets: str) -> list[str]:
    """The commands that make would run for these targets, each once."""
    command = ["make", "--no-print-directory", "-n", *targets]
    env = {"PATH": os.environ["PATH"]}  # without what the make that runs these tests was given
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def test_ci_begins_with_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    alone = re.findall(r"^```sh\n(make [a-z]+)\n```$", readme, re.MULTILINE)
    assert alone == ["make run", "make demo", "make test"]
    assert ci_targets()[0] == "test"


def test_ci_runs_all_of_make_check() -> None:
    assert recipe("check") == recipe(*ci_targets())


def test_make_test_runs_every_test() -> None:
    (command,) = [line for line in recipe("test") if " -m pytest" in line]
    assert re.fullmatch(r"\S+/python -m pytest -n 2 --dist loadgroup", command), command


def test_make_quick_names_a_test_that_there_is() -> None:
    (command,) = [line for line in recipe("quick") if " -m pytest" in line]
    named = re.search(r"(tests/\S+)::(\w+)\[memory\]", command)
    assert named, command
    assert f"def {named[2]}(" in (ROOT / named[1]).read_text(encoding="utf-8")


def test_make_check_lints_type_checks_and_measures_coverage() -> None:
    commands = "\n".join(recipe("check"))
    for tool in (
        "ruff check .",
        "ruff format --check .",
        "mypy",
        "lint-imports",
        "statelint",
        "cfn-lint",
        "infra.audit",
    ):
        assert tool in commands, tool
    assert "coverage report --fail-under=95" in commands


def test_no_command_of_the_gate_hides_its_failure() -> None:
    checks = recipe("lint", "coverage") + [line for line in recipe("test") if "pytest" in line]
    assert not [line for line in checks if "|| true" in line or "|| :" in line or line.startswith("-")]


def test_coverage_does_not_follow_the_packaging_into_its_copy() -> None:
    """It reported "No source for code: /tmp/…/app.py" on a fresh clone, and `make check` was red."""
    given = {
        "COVERAGE_PROCESS_CONFIG": "x",
        "COVERAGE_PROCESS_START": "y",
        "AWS_PROFILE": "mine",
        "PATH": "/bin",
    }
    env = bundle.chalices_environment(given)
    assert env["PATH"] == "/bin"
    assert not [name for name in env if name.startswith("COVERAGE_")]
    assert "AWS_PROFILE" not in env
