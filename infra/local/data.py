"""The data folder: what lies where in it, and that one run at a time uses it."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from infra.local.options import Refused

_KEYS = re.compile(r"[A-Za-z0-9_-]+:[0-9a-f]{32,}(,[A-Za-z0-9_-]+:[0-9a-f]{32,})*")
RELEASE = 2
"""How this release keeps its data. Raise it in a release whose data an earlier one would misread or spoil."""

OLDEST = 1
"""The oldest data that is upgraded (adapters/dynamodb/upgrade.py). A folder without a mark is of release 1."""

_PATIENCE = 2.0  # after a kill -9 the children of the run before hold the lock for another moment


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A locked data folder. Whoever inherits `lock` keeps it locked for as long as they live."""

    path: Path
    lock: int

    @property
    def database(self) -> Path:
        """dynoxide's SQLite file."""
        return self.path / "dynamodb.sqlite"

    @property
    def mail(self) -> Path:
        """The journal of sent mail."""
        return self.path / "mail.jsonl"

    @property
    def files(self) -> Path:
        """What is in S3: a folder for each bucket."""
        return self.path / "files"

    @property
    def demo_token(self) -> Path:
        """The staff API token for trying things; written with the seeds."""
        return self.path / "demo-token"

    def log(self, name: str) -> Path:
        """A new log file; the one of the run before is kept beside it."""
        path = self.path / "logs" / f"{name}.log"
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.replace(path.with_suffix(".previous.log"))
        return path

    def signing_keys(self) -> str:
        """The keys that links and sessions are signed with: made once, kept for as long as the folder is."""
        path = self.path / "signing-keys"
        if not path.exists():
            _write_private(path, f"local-1:{secrets.token_hex(32)}\n")
        keys = path.read_text().strip()
        if not _KEYS.fullmatch(keys):
            raise Refused(
                f"{path} is damaged. Delete it to get a new key: links sent before will no longer work."
            )
        return keys

    def timeline_keys(self) -> dict[str, str]:
        """The settings of what seals timelines. The keys are made once; deleting them makes every timeline look forged.

        Where the database is older than the keys, its entries from before have no MACs, and need none.
        """
        mac, root, since = (self.path / name for name in ("mac-key", "root-key.pem", "sealed-since"))
        if not mac.exists():
            if self.database.exists():
                _write_private(since, datetime.now(timezone.utc).isoformat(timespec="seconds"))
            _write_private(mac, f"{secrets.token_hex(32)}\n")
        if not root.exists():
            _write_root_key(root)
        settings = {"MAC_KEYS": f"file:{mac}", "ROOT_KEYS": f"file:{root}"}
        return settings | ({"SEALED_SINCE": since.read_text()} if since.exists() else {})


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Make the folder if need be, lock it, and mark it as this release's. Raises Refused where it cannot be used."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "logs").mkdir(exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        _take(lock, path)
        _mark(path)
        yield Folder(path=path, lock=lock)
    finally:
        os.close(lock)


def _mark(path: Path) -> None:
    """Before anything is brought up to date: an earlier release must not open what is half done. Raises Refused."""
    try:
        release = _release_of(path)
        if release is None or release < OLDEST:
            raise Refused(
                f"The data folder {path} is of a release that this one cannot upgrade. "
                "Start afresh in another: DATA_DIR=.local2 make run"
            )
        if release > RELEASE:
            raise Refused(
                f"The data folder {path} is of a later release. Update this one, "
                "or start afresh in another: DATA_DIR=.local2 make run"
            )
        _write_private(path / "release", f"{RELEASE}\n")
    except OSError as error:
        raise _unusable(path, error) from None


def _release_of(path: Path) -> int | None:
    """Of the data in a folder; this one's where there is none yet, None where the mark is not one of ours."""
    if (path / "release").exists():
        mark = (path / "release").read_text(encoding="utf-8", errors="replace").strip()
        return int(mark) if re.fullmatch(r"[0-9]{1,6}", mark) else None
    is_used = any((path / name).exists() for name in ("dynamodb.sqlite", "mail.jsonl", "signing-keys"))
    return 1 if is_used else RELEASE


def _unusable(path: Path, error: OSError) -> Refused:
    reason = (
        "it is a file, not a folder" if path.is_file() else (error.strerror or "it cannot be opened").lower()
    )
    return Refused(
        f"The data folder {path} cannot be used: {reason}. Choose another: DATA_DIR=.local2 make run"
    )


def _take(lock: int, path: Path) -> None:
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise Refused(
                    f"The data folder {path} is in use by another run. "
                    "Stop that one, or choose another: DATA_DIR=.local2 make run"
                ) from None
        except OSError as error:  # a file system without locks
            raise _unusable(path, error) from None
        time.sleep(0.05)


def _write_root_key(path: Path) -> None:
    """The private key, and its public half beside it, for `make verify`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub.pem").write_bytes(public)
    _write_private(path, private.decode("ascii"))


def _write_private(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
