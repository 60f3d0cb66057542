"""What everybody may read: the published ideas, and each of them with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from chalice.app import Blueprint, Response

from chalicelib.services.ideas import publishing
from chalicelib.services.ports import Parts
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.desk import happenings
from chalicelib.web.pages.render import page

routes = Blueprint(__name__)

_ON_A_PAGE = 20


@routes.route("/ideas", methods=["GET"])
@view(access.PUBLIC)
def show_ideas(request: Request) -> Response:
    parts = request.parts
    force, category = (request.query.get(name, "").strip() for name in ("force", "category"))
    found = publishing.page_of_ideas(
        parts, force=force, category=category, limit=_ON_A_PAGE, cursor=request.query.get("cursor", "")
    )
    words = publishing.categories(parts)
    return page(
        "ideas.html",
        signed_in=request.session is not None,
        ideas=[(one, parts.forms.force_name(one.force), words.get(one.category, "")) for one in found.ideas],
        forces=_choices("All forces", _forces(parts), force),
        categories=_choices("All categories", words, category),
        narrowed=_narrowed(_forces(parts).get(force, ""), words.get(category, "")),
        next=_address(force=force, category=category, cursor=found.next) if found.next else "",
        newest=_address(force=force, category=category) if "cursor" in request.query else "",
    )


@routes.route("/ideas/{reference}", methods=["GET"])
@view(access.PUBLIC)
def show_idea(request: Request, reference: str) -> Response:
    one = publishing.idea(request.parts, reference)
    return page(
        "idea.html",
        signed_in=request.session is not None,
        idea=one,
        force_name=request.parts.forms.force_name(one.force),
        history=happenings.told(one.history),
    )


def _forces(parts: Parts) -> dict[str, str]:
    return {code: parts.forms.force_name(code) for code in parts.forms.forces()}


def _choices(everything: str, known: Mapping[str, str], chosen: str) -> list[dict[str, object]]:
    """The items of a select: no choice first."""
    pairs = [("", everything), *known.items()]
    return [{"value": value, "text": text, "selected": value == chosen} for value, text in pairs]


def _narrowed(force_name: str, category: str) -> str:
    """What the list is narrowed to, in words; empty where it is not."""
    return ", ".join(words for words in (force_name, category) if words)


def _address(**filters: str) -> str:
    given = {name: value for name, value in filters.items() if value}
    return f"/ideas?{urlencode(given)}" if given else "/ideas"
