"""Whether a package that we use is known to be vulnerable: `make lint` asks pip-audit and npm audit.

A look-up that fails is no pass: it is said loudly, and fails the build where AUDIT=strict. pip-audit itself ends well
when the index knows none of the packages, so what it skipped is counted here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KNOWN: Mapping[str, str] = {}
"""Advisories that do not touch us, by id, with the reason."""

PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off")
NPM_AUDIT = ("npm", "audit", "--json")
LONGEST = 180
"""Seconds that a look-up may take."""

Run = Callable[[Sequence[str]], str]
"""Runs a command and returns its standard output. Raises CouldNotLook."""


class CouldNotLook(Exception):
    """The look-up failed; the message says why."""


@dataclass(frozen=True)
class Looked:
    """What a tool says: the vulnerable packages that it found, and why it could not look, or not at all packages."""

    tool: str
    found: tuple[str, ...] = ()
    failed: str = ""


def audit(run: Run) -> list[Looked]:
    """Ask both tools."""
    return [
        _looked("pip-audit", PIP_AUDIT, _of_python, run),
        _looked("npm audit", NPM_AUDIT, _of_node, run),
    ]


def report(looked: Sequence[Looked], *, strict: bool) -> tuple[list[str], int]:
    """The lines to print, and the exit status: 1 for a vulnerable package, and where `strict` for a failed look-up."""
    lines, status = [], 0
    for one in looked:
        if one.failed:
            passes = "AUDIT=strict: this fails." if strict else "This passes; AUDIT=strict makes it fail."
            lines += [
                "!" * 100,
                f"! {one.tool} COULD NOT LOOK: it is not known whether packages are vulnerable.",
                f"! {one.failed}",
                f"! {passes}",
                "!" * 100,
            ]
            status = status or int(strict)
        if one.found:
            lines += [f"{one.tool} found vulnerable packages:", *(f"  {found}" for found in one.found)]
            status = 1
        if not one.failed and not one.found:
            lines.append(f"{one.tool} looked and found no vulnerable package.")
    return lines, status


def _looked(tool: str, command: Sequence[str], read: Callable[[str, Any], Looked], run: Run) -> Looked:
    try:
        return read(tool, json.loads(run(command)))
    except CouldNotLook as error:
        return Looked(tool, failed=str(error))
    except (ValueError, LookupError, TypeError, AttributeError):
        return Looked(tool, failed="Its answer could not be read.")


def _of_python(tool: str, answer: Any) -> Looked:
    packages = answer["dependencies"]
    if not packages:
        raise CouldNotLook("It saw no package.")
    skipped = [one["skip_reason"] for one in packages if "skip_reason" in one]
    failed = f"{len(skipped)} of {len(packages)} packages were not looked up. {skipped[0]}" if skipped else ""
    return Looked(tool, found=tuple(_python_advisories(packages)), failed=failed)


def _python_advisories(packages: Sequence[Any]) -> Iterator[str]:
    for one in packages:
        for advisory in one.get("vulns", ()):
            if advisory["id"] not in KNOWN:
                fixed = ", ".join(advisory["fix_versions"]) or "no version"
                yield f"{one['name']} {one['version']}: {advisory['id']}, mended in {fixed}"


def _of_node(tool: str, answer: Any) -> Looked:
    if "vulnerabilities" not in answer:
        raise CouldNotLook(str(answer.get("message") or "The registry did not answer."))
    return Looked(tool, found=tuple(_node_advisories(answer)))


def _node_advisories(answer: Any) -> Iterator[str]:
    for name, one in sorted(answer["vulnerabilities"].items()):
        for advisory in one["via"]:
            if isinstance(advisory, str):  # by way of another package, which is listed itself
                continue
            known_as = str(advisory["url"]).rpartition("/")[2]
            if known_as not in KNOWN:
                yield f"{name} {advisory['range']}: {known_as}, {advisory['severity']}"


def run(command: Sequence[str]) -> str:
    """The standard output of a command, whatever its exit status: both tools end with 1 for what they found."""
    try:
        done = subprocess.run(  # noqa: S603
            list(command), capture_output=True, encoding="utf-8", timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CouldNotLook(f"{command[0]} could not be run: {type(error).__name__}.") from error
    if not done.stdout.strip():
        raise CouldNotLook((done.stderr.strip().splitlines() or ["It said nothing."])[-1])
    return done.stdout


def main() -> int:
    """Print what was found. Returns the exit status."""
    lines, status = report(audit(run), strict=os.environ.get("AUDIT") == "strict")
    print("\n".join(lines), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
