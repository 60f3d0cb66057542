"""The templates of pages and mails as Python modules: parsing them took most of a first page's time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.adapters import mail
from chalicelib.web import pages

if TYPE_CHECKING:
    from jinja2 import Environment


def environments() -> dict[str, Environment]:
    """Every environment of the app, by the kind that it asks chalicelib/adapters/templates.py for."""
    return {
        pages.KIND: pages.environment(),
        **{f"mail_{kind}": mail.environment(kind) for kind in mail.KINDS},
    }


def compile_into(folder: Path) -> None:
    """Each environment's templates, the design system's among them, into a folder of its own."""
    for kind, environment in environments().items():
        environment.compile_templates(folder / kind, zip=None, ignore_errors=False)
