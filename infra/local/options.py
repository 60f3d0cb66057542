"""What the run is told by its environment, and the one way it refuses: a line that says what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "infra" / "local" / "seeds.json"


class Refused(Exception):
    """The run cannot begin. The message is one line for the person who started it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """`PORT`, `DATA_DIR`, `SEEDS_FILE` (empty: plant nothing) and, for tests of the run itself, `APP_DIR`."""

    port: int = 8000
    data_dir: Path = Path(".local")
    seeds_file: Path | None = SEEDS
    app_dir: Path = ROOT

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Options:
        """Raises Refused for what cannot be used."""
        seeds = env.get("SEEDS_FILE", str(SEEDS))
        return cls(
            port=_port(env.get("PORT") or "8000"),
            data_dir=Path(env.get("DATA_DIR") or ".local").absolute(),
            seeds_file=_seeds(Path(seeds).absolute()) if seeds else None,
            app_dir=Path(env.get("APP_DIR") or ROOT).absolute(),
        )

    @property
    def address(self) -> str:
        """Where the web pages are."""
        return f"http://127.0.0.1:{self.port}"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise Refused(f"PORT is {text!r}, which is not a port. Give a number from 1 to 65535: PORT=8001 make run")


def _seeds(path: Path) -> Path:
    if not path.is_file():
        raise Refused(
            f"There is no seeds file at {path}. Set SEEDS_FILE to one, or to nothing to start empty."
        )
    try:
        missing = {"people", "funds", "demo_token"} - set(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"The seeds file {path} cannot be read as JSON: {error}") from None
    if missing:
        raise Refused(f"The seeds file {path} has no {', '.join(sorted(missing))}. Compare it with {SEEDS}.")
    return path
