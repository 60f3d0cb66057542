"""How the run's own pages, those below `/local`, are made: their templates, their styles and what a browser may do."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.answers import Answer, made

if TYPE_CHECKING:
    from jinja2 import Environment

STYLES = "/local/local.css"

_FOLDER = Path(__file__).parent
_RULES = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def page(template: str, *, status: int = 200, **values: Any) -> Answer:
    """A page made from one of our templates. It may run no script and be framed by nobody."""
    html = _environment().get_template(template).render(**values)
    rules = {"Content-Security-Policy": _RULES, "Referrer-Policy": "same-origin"}
    return made(status, "text/html; charset=utf-8", html.encode(), headers=dict(rules))


def styles() -> Answer:
    """The styles that only our pages have."""
    return made(200, "text/css; charset=utf-8", (_FOLDER / "local.css").read_bytes())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(styles=STYLES, product_styles=_product_styles())
    return environment


def _product_styles() -> str:
    """The path of the product's styles, with their version: browsers keep them for an hour."""
    file = Path.cwd() / "chalicelib" / "web" / "static" / "govuk.css"
    if not file.is_file():
        return ""
    return f"/static/govuk.css?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
