"""The three processes of a run, DynamoDB, backend and web: what starts each, and how it is known to be ready."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local import database, processes
from infra.local.data import Folder
from infra.local.environment import READY
from infra.local.options import ROOT, Options

LAST_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process with its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready: Callable[[], bool]
    port: int

    @property
    def has_ended(self) -> bool:
        """Whether it is gone; it never ends by itself for a good reason."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """Ask, wait, then kill."""
        processes.stop(self.process)
        if self.process.stdin is not None:
            self.process.stdin.close()

    def last_words(self) -> str:
        """The end of its log, indented."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"    {line}" for line in lines)


def start_database(folder: Folder, port: int) -> Child:
    """DynamoDB: dynoxide on the data folder's file, or moto's in memory."""
    url = f"http://{processes.HOST}:{port}"
    name, command = database.choice(port, folder.database)
    return _start(name, command, folder, port=port, ready=lambda: processes.answers(url), cwd=ROOT)


def start_backend(folder: Folder, options: Options, env: dict[str, str], listening: socket.socket) -> Child:
    """moto with the app's functions behind it, on a socket that is listening already."""
    port = listening.getsockname()[1]
    url = f"http://{processes.HOST}:{port}{READY}"
    command = [
        *(sys.executable, "-m", "infra.local.backend", "--socket", str(listening.fileno())),
        *(
            "--mail",
            str(folder.mail),
            "--database",
            str(folder.database),
            "--demo-token",
            str(folder.demo_token),
            "--files",
            str(folder.files),
        ),
        *(("--seeds", str(options.seeds_file)) if options.seeds_file else ()),
    ]
    return _start(
        "backend",
        command,
        folder,
        port=port,
        ready=lambda: processes.answers(url),
        env=env,
        cwd=options.app_dir,
        keep_open=[listening.fileno()],
    )


def start_web(folder: Folder, options: Options, env: dict[str, str], listening: socket.socket) -> Child:
    """The web server, on a socket that is listening already."""
    backend = env["AWS_ENDPOINT_URL"] + READY
    command = [
        *(sys.executable, "-m", "infra.local.web", "--socket", str(listening.fileno())),
        *("--mail", str(folder.mail), "--demo-token", str(folder.demo_token), "--after", backend),
        *(("--seeds", str(options.seeds_file)) if options.seeds_file else ()),
    ]
    return _start(
        "web",
        command,
        folder,
        port=options.port,
        ready=lambda: processes.answers(f"{options.address}/health"),
        env=env,
        cwd=options.app_dir,
        keep_open=[listening.fileno()],
    )


def _start(
    name: str,
    command: Sequence[str],
    folder: Folder,
    *,
    port: int,
    ready: Callable[[], bool],
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    keep_open: Sequence[int] = (),
) -> Child:
    log = folder.log(name)
    with log.open("wb") as output:
        process = processes.start(
            command,
            env=env,
            cwd=cwd,
            log=output,
            stdin=subprocess.PIPE,
            keep_open=[*keep_open, folder.lock],
        )
    return Child(name=name, process=process, log=log, ready=ready, port=port)
