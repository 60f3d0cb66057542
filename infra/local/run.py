"""The whole product on one machine: `python -m infra.local.run`.

Starts DynamoDB (dynoxide, or moto's where there is none), the backend (moto and the app's functions) and the web, says
where to go once they answer, and takes them down again together, however it ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from infra.local import children, dynoxide, environment, guidance, processes
from infra.local.children import Child
from infra.local.data import Folder, opened
from infra.local.dynoxide import BinaryMissing
from infra.local.options import Options, Refused

if TYPE_CHECKING:
    from infra.local.demo.filling import Filling

COMMAND = "make run"
PATIENCE = 60.0


class Stopped(Exception):
    """Somebody asked us to stop."""


class Broken(Exception):
    """A process ended, or did not get ready. The message is for the person who started us."""


class StopSignal:
    """Notes that we were asked to stop. Raised only where we look, so that no child is lost half started."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: Any) -> None:
        self._asked = True

    def look(self) -> None:
        """Raises Stopped if we were asked."""
        if self._asked:
            raise Stopped


def main(
    env: Mapping[str, str] = os.environ,
    *,
    filling: Callable[[Mapping[str, str]], Filling] | None = None,
    command: str = COMMAND,
) -> int:
    """The exit status: 0 stopped, 1 something broke, 2 it could not begin. `filling` reads what an empty data folder
    is filled with; `command` is what was typed to start the run."""
    stop = StopSignal()
    try:
        options = Options.from_env(env)
        fill = filling(env) if filling else None
        _check_database()
        with opened(options.data_dir) as folder:
            _run(options, folder, stop, fill)
    except Stopped:
        return 0
    except Refused as refusal:
        print(str(refusal).replace(COMMAND, command), file=sys.stderr)
        return 2
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    return 0


def _check_database() -> None:
    try:
        dynoxide.found()
    except BinaryMissing as missing:
        raise Refused(
            f"DYNOXIDE is {missing}, which cannot be run. Name a dynoxide binary, or none to do without."
        ) from None


def _run(options: Options, folder: Folder, stop: StopSignal, fill: Filling | None) -> None:
    running: list[Child] = []
    is_kept = dynoxide.found() is not None
    timeline_keys = (
        folder.timeline_keys()
    )  # before the database is made: one that is there is older than new keys
    try:
        with _web_socket(options.port) as web, processes.listening_socket(0) as backend:
            is_to_be_filled = fill is not None and fill.is_needed(folder, is_kept=is_kept)
            running.append(_database(folder, stop))
            env = _environment(options, folder, timeline_keys, running[0], backend)
            if fill is not None and is_to_be_filled:
                _fill(fill, options, folder, env, stop, is_kept=is_kept)
            running.append(children.start_backend(folder, options, env, backend))
            running.append(children.start_web(folder, options, env, web))
        _until_ready(running, stop)
        welcome = guidance.welcome(options, folder, is_kept=is_kept, is_full=fill is not None)
        print(welcome, flush=True)
        while True:
            _look_after(running, stop)
            time.sleep(0.05)
    finally:
        for child in reversed(running):
            child.stop()


def _web_socket(port: int) -> socket.socket:
    """Taken by us and inherited, so that nobody can come between asking for the port and using it."""
    try:
        return processes.listening_socket(port)
    except PermissionError:
        raise Refused(f"Port {port} needs special rights. Choose another: PORT=8001 make run") from None
    except OSError:
        other = port + 1 if port < 65535 else 8001
        raise Refused(f"Port {port} is in use. Stop what uses it, or: PORT={other} make run") from None


def _database(folder: Folder, stop: StopSignal) -> Child:
    """It takes no socket from us, and so may lose its port to somebody quicker."""
    for attempt in range(3):
        child = children.start_database(folder, processes.free_port())
        try:
            _until_ready([child], stop)
        except Broken:
            child.stop()
            if attempt == 2:
                raise
        except BaseException:
            child.stop()
            raise
        else:
            return child
    raise AssertionError("unreachable")


def _fill(
    fill: Filling, options: Options, folder: Folder, env: dict[str, str], stop: StopSignal, *, is_kept: bool
) -> None:
    """Before backend and web are there: nothing else may deliver what the story holds back."""
    print(fill.notice(is_kept=is_kept), flush=True)
    child = fill.start(folder, options, env)
    try:
        while not child.has_ended:
            stop.look()
            time.sleep(0.05)
    finally:
        child.stop()
    if child.process.returncode:
        raise Broken(f"The data folder could not be filled. The log {_log(child)}")
    fill.done(folder)


def _environment(
    options: Options,
    folder: Folder,
    timeline_keys: Mapping[str, str],
    database: Child,
    backend: socket.socket,
) -> dict[str, str]:
    return environment.for_children(
        os.environ,
        base_url=options.address,
        signing_keys=folder.signing_keys(),
        timeline_keys=timeline_keys,
        dynamodb=f"http://{processes.HOST}:{database.port}",
        cloud=f"http://{processes.HOST}:{backend.getsockname()[1]}",
    )


def _until_ready(waiting: list[Child], stop: StopSignal) -> None:
    deadline = time.monotonic() + PATIENCE
    for child in waiting:
        while not child.ready():
            _look_after(waiting, stop)
            if time.monotonic() > deadline:
                raise Broken(f"{child.name} is not ready after {PATIENCE:.0f} seconds. Its log {_log(child)}")
            time.sleep(0.02)


def _look_after(running: list[Child], stop: StopSignal) -> None:
    """Raises Stopped or Broken when there is a reason to end."""
    stop.look()
    for child in running:
        if child.has_ended:
            raise Broken(
                f"{child.name} ended by itself (status {child.process.returncode}). Its log {_log(child)}"
            )


def _log(child: Child) -> str:
    return f"({child.log}) ends:\n{child.last_words()}"


if __name__ == "__main__":
    sys.exit(main())
