"""What somebody who started the run reads first."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.data import Folder
from infra.local.options import Options

WITHOUT_DYNOXIDE = (
    "There is no dynoxide binary here, so moto stands in for DynamoDB: all journeys work, but claims and ideas are "
    "lost when you stop. To keep them, build it: cargo install dynoxide-rs (docs/operations.md, Without dynoxide)."
)


def welcome(options: Options, folder: Folder, *, is_kept: bool, is_full: bool = False) -> str:
    """Where to go, whether claims and ideas are kept, and how to stop. `is_full`: the run was filled, so it does not
    say how to get one that is."""
    lines = [
        "",
        "Share Your Knowledge is running.",
        "",
        f"  Claim money for a day   {options.address}/forms/funding-claim",
        f"  Share an idea           {options.address}/forms/idea",
        f"  Become somebody         {options.address}/local",
        f"  Read the emails         {options.address}/local/mail",
        *_token(folder),
        f"  Data                    {short(folder.path)}{', kept when you stop' if is_kept else ''}",
        "",
        *([] if is_kept else [WITHOUT_DYNOXIDE, ""]),
        *([] if is_full else ["Everything empty? make demo fills a copy."]),
        "Stop with Ctrl-C.",
    ]
    return "\n".join(lines)


def _token(folder: Folder) -> list[str]:
    return [f"  Staff API token         in {short(folder.demo_token)}"] if folder.demo_token.exists() else []


def short(path: Path) -> str:
    """A path as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
