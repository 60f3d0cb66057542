"""Whether a data folder is to be filled before the run starts, and the child that fills it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local import processes
from infra.local.children import Child
from infra.local.data import Folder
from infra.local.options import Options, Refused

DATA_DIR = ".local-demo"
PEOPLE = Path(__file__).with_name("people.json")
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What the folder is filled with: the story of this `seed`. `is_fresh`: anew, whatever is there. `lives`: only so
    many claims and ideas, for tests of the run itself; 0: all."""

    seed: int = SEED
    is_fresh: bool = False
    lives: int = 0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Filling:
        """`SEED`, and `FRESH=1`. Raises Refused for a seed that is no number."""
        seed = env.get("SEED") or str(SEED)
        if not (seed.isascii() and seed.isdigit()):
            raise Refused(f"SEED is {seed!r}, which is not a number. Try: SEED=2 make demo")
        is_fresh = env.get("FRESH", "") not in ("", "0")
        return cls(seed=int(seed), is_fresh=is_fresh, lives=int(env.get("DEMO_LIVES") or 0))

    def is_needed(self, folder: Folder, *, is_kept: bool) -> bool:
        """False where the folder was filled before, to its end, and its database `is_kept` when the run stops. Where
        it is filled anew, what was there is removed.

        Raises Refused for a folder that somebody else's data is in.
        """
        marker = _marker(folder)
        if not marker.exists() and (folder.database.exists() or folder.mail.exists()):
            raise Refused(
                f"The data folder {folder.path} holds a run of your own, which the demonstration would replace. "
                "Choose another: DATA_DIR=.local-demo2 make demo"
            )
        if is_kept and _is_done(marker) and not self.is_fresh:
            return False
        _note(marker, is_done=False)  # first: a folder that is half emptied is ours to empty
        _empty(folder)
        return True

    def notice(self, *, is_kept: bool) -> str:
        """What is about to happen."""
        if is_kept:
            return "Filling it with three months of claims and ideas. This is done once and takes about a minute."
        return (
            "Filling it with three months of claims and ideas. Without dynoxide this is done at each start and "
            "takes about two minutes."
        )

    def start(self, folder: Folder, options: Options, env: dict[str, str]) -> Child:
        """Begin to fill the database that the environment names."""
        assert options.seeds_file is not None
        log = folder.log("filling")
        log.touch()
        command = [
            *(sys.executable, "-m", "infra.local.demo.fill", "--seed", str(self.seed)),
            *("--lives", str(self.lives)),
            *(
                "--mail",
                str(folder.mail),
                "--files",
                str(folder.files),
                "--demo-token",
                str(folder.demo_token),
            ),
            *("--seeds", str(options.seeds_file), "--log", str(log), "--database", str(folder.database)),
        ]
        process = processes.start(
            command,
            env=env,
            cwd=options.app_dir,
            log=sys.stdout.fileno(),  # how far it is
            stdin=subprocess.PIPE,
            keep_open=[folder.lock],
        )
        return Child(name="the filling", process=process, log=log, ready=lambda: True, port=0)

    def done(self, folder: Folder) -> None:
        """The folder is filled, and is not filled again."""
        _note(_marker(folder), is_done=True)


def _marker(folder: Folder) -> Path:
    return folder.path / "demo.json"


def _is_done(marker: Path) -> bool:
    try:
        return bool(json.loads(marker.read_text())["is_done"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _note(marker: Path, *, is_done: bool) -> None:
    unfinished = marker.with_suffix(".new")
    unfinished.write_text(json.dumps({"is_done": is_done}) + "\n")
    unfinished.replace(marker)


def _empty(folder: Folder) -> None:
    """Remove table, mail and files. The signing keys stay: so do links that somebody kept."""
    for file in folder.path.glob(f"{folder.database.name}*"):
        file.unlink()
    folder.mail.unlink(missing_ok=True)
    shutil.rmtree(folder.files, ignore_errors=True)
