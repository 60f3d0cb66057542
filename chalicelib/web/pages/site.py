"""The start page, the three pages about the site, and the files that pages link to."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.static_files import static_file
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import page

routes = Blueprint(__name__)

SECURITY_TXT = "/.well-known/security.txt"
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"


@routes.route("/", methods=["GET"])
@view(access.PUBLIC)
def start(request: Request) -> Response:
    return page("start.html", forms=request.parts.forms.all(), signed_in=request.session is not None)


@routes.route("/cookies", methods=["GET"])
@view(access.PUBLIC)
def cookies(request: Request) -> Response:
    return page("cookies.html", signed_in=request.session is not None)


@routes.route("/privacy", methods=["GET"])
@view(access.PUBLIC)
def privacy(request: Request) -> Response:
    return page("privacy.html", signed_in=request.session is not None)


@routes.route("/accessibility", methods=["GET"])
@view(access.PUBLIC)
def accessibility(request: Request) -> Response:
    return page("accessibility.html", signed_in=request.session is not None)


@routes.route(SECURITY_TXT, methods=["GET"])
@view(access.PUBLIC)
def security_txt(request: Request) -> Response:
    """How to report a fault, for people and for programs that look there (RFC 9116)."""
    reporting = request.parts.reporting
    canonical = request.parts.links.page(SECURITY_TXT)
    lines = [
        f"Contact: {reporting.contact}",
        f"Expires: {reporting.expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        *([f"Canonical: {canonical}"] if canonical.startswith("https://") else []),  # others are not allowed
        *([f"Policy: {reporting.policy}"] if reporting.policy else []),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return Response(body=text, headers={"Content-Type": "text/plain; charset=utf-8"})


@routes.route("/static/{name}", methods=["GET"])
@view(access.PUBLIC)
def static(request: Request, name: str) -> Response:
    file = static_file(name)
    # Only the version that is served now may be kept for ever: during a deployment both are asked for.
    is_current = request.query.get("v") == file.version
    kept = _FOR_EVER if is_current else _FOR_AN_HOUR
    return Response(body=file.text, headers={"Content-Type": file.content_type, "Cache-Control": kept})
