"""The few files that pages link to. They ship with the code and are served by it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from chalicelib.domain.errors import NotFound
from chalicelib.domain.values import value

_FOLDER = Path(__file__).resolve().parents[1] / "static"
_CONTENT_TYPES = {
    "govuk.css": "text/css; charset=utf-8",
    "govuk-frontend.js": "text/javascript; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@value
class StaticFile:
    """A file as it is served. `version` changes with its content."""

    content_type: str
    text: str
    version: str


@lru_cache(maxsize=len(_CONTENT_TYPES))
def static_file(name: str) -> StaticFile:
    """One of the files that we serve. Raises NotFound for any other name."""
    content_type = _CONTENT_TYPES.get(name)
    if content_type is None:
        raise NotFound("There is no such file.")
    text = (_FOLDER / name).read_text(encoding="utf-8")
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return StaticFile(content_type=content_type, text=text, version=version)


def static_path(name: str) -> str:
    """The path of a file, with its version, so that browsers may keep it for ever."""
    return f"/static/{name}?v={static_file(name).version}"
