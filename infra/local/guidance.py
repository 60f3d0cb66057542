"""What somebody who started the run reads first."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.data import Folder
from infra.local.options import Options

ROLES = {
    "innovation-lead": "innovation lead",
    "programme-manager": "programme manager",
    "fund-holder": "fund holder",
    "coordinator": "national coordinator",
}
"""Whom to sign in as: the first person of each role in the seeds file. The coordinator is a national one."""


def welcome(options: Options, folder: Folder) -> str:
    """Where to go, as whom, and how to stop."""
    lines = [
        "",
        "Share Your Knowledge is running.",
        "",
        f"  Claim money for a day   {options.address}/forms/funding-claim",
        f"  Share an idea           {options.address}/forms/idea",
        f"  Mail it has sent        {options.address}/local/mail",
        f"  Sign in                 {options.address}/sign-in",
        *_people(options.seeds_file),
        *_token(folder),
        f"  Data                    {_short(folder.path)}, kept when you stop",
        "",
        "Stop with Ctrl-C.",
    ]
    return "\n".join(lines)


def _people(seeds: Path | None) -> list[str]:
    people = sign_in_as(_read(seeds)) if seeds else {}
    if not people:
        return []
    width = max(len(address) for address in people.values())
    told = [f"    {address:<{width}}  {role}" for role, address in people.items()]
    return ["    The code to type comes in the mail above. For example as:", *told]


def _token(folder: Folder) -> list[str]:
    return [f"  Staff API token         in {_short(folder.demo_token)}"] if folder.demo_token.exists() else []


def sign_in_as(seeds: Mapping[str, Any]) -> dict[str, str]:
    """An address for each role, from `people`: a list of objects with `address` and `roles`, a role being
    `{"role": …, "at": …}`. Another shape is passed over: another seeds file only shortens the advice.
    """
    people = seeds.get("people")
    found: dict[str, str] = {}
    for person in people if isinstance(people, list) else []:
        for role, at in _roles(person):
            if role in ROLES and (role != "coordinator" or at == "national"):
                found.setdefault(ROLES[role], str(person["address"]))
    return {role: found[role] for role in ROLES.values() if role in found}


def _roles(person: Any) -> list[tuple[str, str]]:
    if not isinstance(person, dict) or "address" not in person or not isinstance(person.get("roles"), list):
        return []
    held = [role for role in person["roles"] if isinstance(role, dict)]
    return [(str(role.get("role")), str(role.get("at"))) for role in held]


def _read(seeds: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(seeds.read_text())
    except (OSError, ValueError):
        return {}  # advice only: the backend says what is wrong with the file
    return content if isinstance(content, dict) else {}


def _short(path: Path) -> str:
    """As one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
