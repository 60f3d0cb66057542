"""Searches what whole runs logged for personal data and secrets: `logs/*.log` in their data folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from http.cookiejar import Cookie
from pathlib import Path

import pytest

from infra.local.mailbox import as_read
from tests.leaks import SHORTEST, seeded_values

KEYS = ("signing-keys", "demo-token", "mac-key")
CODE = re.compile(r"(?m)^ +([0-9A-Z]{6,10})\r?$")
LINK = re.compile(r"/(?:sign-in|status)/([\w.-]{20,})")

cookies: set[str] = set()
"""The values of all cookies that runs gave to this process."""


_searched: dict[Path, int] = {}
"""The size of each log when it was searched: one run may serve several modules."""


@pytest.fixture(scope="module", autouse=True)
def no_run_logs_personal_data_or_secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Looks once a module is done. For the conftest.py of tests that start whole runs."""
    yield
    sizes = {file: file.stat().st_size for file in logs(tmp_path_factory.getbasetemp())}
    new = [file for file, size in sizes.items() if _searched.get(file) != size]
    _searched.update(sizes)
    assert leaks(new) == [], "a log holds personal data or a secret"


def keep(jar: Iterable[Cookie]) -> None:
    """Note the cookies that a browser has: no log may hold them."""
    cookies.update(one.value for one in jar if one.value and len(one.value) >= SHORTEST)


def logs(folders: Path) -> set[Path]:
    """The logs of all data folders in here."""
    return set(folders.rglob("logs/*.log"))


def leaks(files: Iterable[Path]) -> list[str]:
    """The lines of these logs, each as `file: line`, that hold a seeded value, a cookie, or what must not be known of
    the log's own data folder: its keys, and the addresses, codes and links of its mails."""
    return [f"{file}: {line}" for file in sorted(files) for line in _leaks_of(file)]


def _leaks_of(file: Path) -> list[str]:
    words, codes = _known_to(file.parents[1])
    looked_for = [re.escape(one) for one in seeded_values() | cookies | words]
    # A code may stand in a longer number by chance.
    looked_for += [rf"(?<![\w.,:-]){one}(?![\w.,:-])" for one in codes]
    found = re.compile("|".join(looked_for))
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if found.search(line)]


def _known_to(folder: Path) -> tuple[set[str], set[str]]:
    """What a data folder knows: words that are nowhere by chance, and codes."""
    words = {
        (folder / name).read_text().strip().rpartition(":")[2] for name in KEYS if (folder / name).is_file()
    }
    codes: set[str] = set()
    journal = folder / "mail.jsonl"
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ():
        try:
            mail = as_read(json.loads(line))
        except ValueError:  # the last line of a run that was killed
            continue
        codes.update(CODE.findall(mail["text"]))
        words.update(LINK.findall(mail["text"]))
        words.update(mail["to"].split(", "))
    return {one for one in words if len(one) >= SHORTEST}, codes
