"""Pages: the Jinja environment and the responses made with it.

Jinja is imported when the first page is asked for; the JSON API and the background functions never load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chalice.app import Response

from chalicelib.domain.sentences import capital
from chalicelib.domain.values import value
from chalicelib.web.http.requests import holder_name, session_end

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

KIND = "pages"
_IN_ADDRESSES = ":/?#[]@!$&'()*+,;=%~"
"""What a header may hold of an address as it is. Path parameters are decoded, and may have other letters."""
_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


@value
class ErrorLink:
    """One line of the error summary. `href` leads to the first wrong input, if an input is to blame."""

    text: str
    href: str = ""


def page(
    template: str, *, status: int = 200, headers: Mapping[str, Any] | None = None, **values: Any
) -> Response:
    """A page made from a template. A value that the template names and does not get is an error.

    `signed_in` (default no) names whoever is signed in and offers signing out, `is_staff` (default no) the desk;
    `errors` (default none) fill the error summary.
    """
    error_list = [{"text": error.text, "href": error.href} for error in values.get("errors", ())]
    end = session_end.get()
    seconds = int(end.total_seconds()) if end is not None and values.get("signed_in") else 0
    defaults = {"signed_in": False, "is_staff": False, "errors": ()}
    found = {"session_seconds": seconds, "holder_name": holder_name.get()}
    html = (
        environment().get_template(template).render({**defaults, **found, **values, "error_list": error_list})
    )
    return Response(
        body=html, status_code=status, headers={"Content-Type": "text/html; charset=utf-8", **(headers or {})}
    )


def problem_page(
    status: int,
    title: str,
    detail: str,
    request_id: str = "",
    *,
    signed_in: bool = False,
    may_sign_in: bool = False,
    renew_path: str = "",
) -> Response:
    """What went wrong, in plain words. With `request_id`, whoever is asked for help finds it in the logs.

    `may_sign_in` adds a link to where people sign in, `renew_path` one to where a submitter has a new link sent.
    """
    return page(
        "problem.html",
        status=status,
        title=title,
        detail=detail,
        request_id=request_id,
        signed_in=signed_in,
        may_sign_in=may_sign_in,
        renew_path=renew_path,
    )


def redirect(path: str, *, cookies: tuple[str, ...] = ()) -> Response:
    """303: the browser asks for `path` next, with GET. Each of `cookies` is a whole `Set-Cookie` value."""
    headers: dict[str, Any] = {"Location": quote(path, safe=_IN_ADDRESSES)}
    if cookies:
        headers["Set-Cookie"] = list(cookies)
    return Response(body="", status_code=303, headers=headers)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """All that our templates and those of the design system are made with."""
    from jinja2 import Environment

    from chalicelib.adapters.rendering import templates
    from chalicelib.domain.approvals.deadlines import london_day, spoken_day, spoken_time
    from chalicelib.domain.dates import long_date
    from chalicelib.domain.money.pence import pounds
    from chalicelib.domain.people.people import role_words
    from chalicelib.domain.records.submissions import STATUS_WORDS
    from chalicelib.web.http.static_files import static_path

    made = Environment(
        loader=templates.loader(KIND, _files),
        autoescape=True,
        undefined=_strict_undefined(),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        pounds=pounds,
        long_date=long_date,
        spoken_day=spoken_day,
        plain_day=lambda moment: long_date(london_day(moment)),
        spoken_time=spoken_time,
        spoken_clock=lambda moment: spoken_time(moment).rpartition(" at ")[2],
        capital=capital,
        role_words=role_words,
        status_words=STATUS_WORDS.__getitem__,
    )
    made.globals["static_path"] = static_path
    return made


def _files() -> BaseLoader:
    from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader

    design_system = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    return ChoiceLoader([FileSystemLoader(_TEMPLATES), design_system])


def _strict_undefined() -> type[Any]:
    """StrictUndefined for our templates, leniency for the design system's macros.

    Their parameters are plain mappings of which most keys are left out, and some names they expect to be undefined
    (the banner's two are set only in one of its kinds). A value or attribute that a page misses still raises.
    """
    from jinja2 import ChainableUndefined, StrictUndefined
    from jinja2.runtime import Undefined
    from jinja2.utils import missing

    expected = frozenset({"undefined", "null", "caller", "successBanner", "typeClass"})

    class StrictForPages(StrictUndefined):
        def __new__(  # type: ignore[misc]
            cls, hint: Any = None, obj: Any = missing, name: Any = None, *rest: Any
        ) -> Undefined:
            if isinstance(obj, (dict, Undefined)) or name in expected:
                return ChainableUndefined(hint, obj, name, *rest)
            return super().__new__(cls)

    return StrictForPages
