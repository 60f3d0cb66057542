"""The templates of pages and mails as Python modules: parsing them took most of a first page's time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.adapters.aws import ses
from chalicelib.web.pages import render

if TYPE_CHECKING:
    from jinja2 import Environment


def environments() -> dict[str, Environment]:
    """Every environment of the app, by the kind that it asks chalicelib/adapters/rendering/templates.py for."""
    return {
        render.KIND: render.environment(),
        **{f"mail_{kind}": ses.environment(kind) for kind in ses.KINDS},
    }


def compile_into(folder: Path) -> None:
    """Each environment's templates, the design system's among them, into a folder of its own."""
    for kind, environment in environments().items():
        environment.compile_templates(folder / kind, zip=None, ignore_errors=False)
