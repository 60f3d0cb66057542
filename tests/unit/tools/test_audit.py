"""The look-up of vulnerable packages: what it finds, and that a failed look-up never passes for a good one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from infra import audit

SAFE_PYTHON = {"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}], "fixes": []}
SAFE_NODE: dict[str, Any] = {"vulnerabilities": {}, "metadata": {}}
BAD_PYTHON = {
    "dependencies": [
        {
            "name": "jinja2",
            "version": "2.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}],
        }
    ]
}
BAD_NODE = {
    "vulnerabilities": {
        "a": {
            "via": [
                {"url": "https://github.com/advisories/GHSA-1", "range": "<2", "severity": "high"},
                "b",
            ]
        }
    }
}
UNKNOWN_PYTHON = {"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}]}
REFUSED_NODE = {"message": "405 Method Not Allowed", "error": {"summary": ""}}


def looked(python: Any, node: Any) -> list[audit.Looked]:
    def run(command: Sequence[str]) -> str:
        answer = node if command[0] == "npm" else python
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, str) else json.dumps(answer)

    return audit.audit(run)


def test_with_no_vulnerable_package_it_passes_and_says_that_it_looked() -> None:
    lines, status = audit.report(looked(SAFE_PYTHON, SAFE_NODE), strict=True)
    assert status == 0
    assert lines == [
        "pip-audit looked and found no vulnerable package.",
        "npm audit looked and found no vulnerable package.",
    ]


@pytest.mark.parametrize(
    ("python", "node", "named"),
    [
        (BAD_PYTHON, SAFE_NODE, "jinja2 2.0: PYSEC-1, mended in 2.1"),
        (SAFE_PYTHON, BAD_NODE, "a <2: GHSA-1, high"),
    ],
)
def test_a_vulnerable_package_fails_and_is_named(python: Any, node: Any, named: str) -> None:
    lines, status = audit.report(looked(python, node), strict=False)
    assert status == 1
    assert f"  {named}" in lines


def test_an_advisory_that_does_not_touch_us_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "KNOWN", {"PYSEC-1": "only the sandbox", "GHSA-1": "only when building"})
    assert audit.report(looked(BAD_PYTHON, BAD_NODE), strict=True)[1] == 0


@pytest.mark.parametrize(
    ("python", "node", "why"),
    [
        (UNKNOWN_PYTHON, SAFE_NODE, "1 of 1 packages were not looked up. Dependency not found on PyPI"),
        ({"dependencies": []}, SAFE_NODE, "It saw no package."),
        ("no JSON", SAFE_NODE, "Its answer could not be read."),
        ({"other": 1}, SAFE_NODE, "Its answer could not be read."),
        (audit.CouldNotLook("no network"), SAFE_NODE, "no network"),
        (SAFE_PYTHON, REFUSED_NODE, "405 Method Not Allowed"),
        (SAFE_PYTHON, {}, "The registry did not answer."),
        (SAFE_PYTHON, "[]", "Its answer could not be read."),
        (SAFE_PYTHON, audit.CouldNotLook("no npm"), "no npm"),
    ],
)
def test_a_look_up_that_failed_is_loud_and_fails_only_where_that_is_asked_for(
    python: Any, node: Any, why: str
) -> None:
    lines, status = audit.report(looked(python, node), strict=False)
    assert status == 0
    assert any("COULD NOT LOOK" in line for line in lines)
    assert f"! {why}" in lines
    assert audit.report(looked(python, node), strict=True)[1] == 1


def test_what_was_found_is_named_also_where_another_package_was_not_looked_up() -> None:
    both = {"dependencies": [*UNKNOWN_PYTHON["dependencies"], *BAD_PYTHON["dependencies"]]}
    lines, status = audit.report(looked(both, SAFE_NODE), strict=False)
    assert status == 1
    assert "  jinja2 2.0: PYSEC-1, mended in 2.1" in lines
    assert any("1 of 2 packages were not looked up" in line for line in lines)


def test_a_vulnerable_package_fails_also_where_the_other_look_up_failed() -> None:
    assert audit.report(looked(UNKNOWN_PYTHON, BAD_NODE), strict=False)[1] == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/nowhere/at-all"], "could not be run: FileNotFoundError"),
        ([sys.executable, "-c", "import sys; sys.exit('it broke')"], "it broke"),
        ([sys.executable, "-c", ""], "It said nothing."),
    ],
)
def test_a_tool_that_does_not_run_or_says_nothing_could_not_look(command: list[str], why: str) -> None:
    with pytest.raises(audit.CouldNotLook, match=why):
        audit.run(command)


def test_what_a_tool_says_counts_whatever_its_exit_status() -> None:
    assert audit.run([sys.executable, "-c", "print('{}'); raise SystemExit(1)"]) == "{}\n"
