"""Exports, for those who may have them: the list, a page that says what one holds, and the files themselves."""

from __future__ import annotations

import base64
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.records.security import Event
from chalicelib.domain.reports.exports import ALL, Manifest
from chalicelib.domain.sentences import capital
from chalicelib.services.ports import Parts
from chalicelib.services.reports import exporting
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import page, redirect

routes = Blueprint(__name__)

_NAMES = {"xlsx": "Spreadsheet (XLSX)", "csv": "Text (CSV)"}


class Bytes(Response):
    """An answer that is bytes, whatever its media type. Chalice sends bytes only for the types that it is told of."""

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        """The answer as API Gateway takes it."""
        as_text = Response(base64.b64encode(self.body).decode(), self.headers, self.status_code)
        return {**as_text.to_dict(), "isBase64Encoded": True}


@routes.route("/exports", methods=["GET"])
@view(access.SIGNED_IN)
def show_exports(request: Request) -> Response:
    parts = request.parts
    found = exporting.shelves(parts, request.person, request.query.get("force", ""))
    items = [
        {"value": scope, "text": capital(_where(parts, scope)), "selected": scope == found.scope}
        for scope in found.scopes
    ]
    return page(
        "exports.html",
        signed_in=True,
        where=_where(parts, found.scope),
        scopes=items,
        found=found,
    )


@routes.route("/exports/{form}/{scope}/{period}", methods=["GET"])
@view(access.SIGNED_IN, records=Event.EXPORT_READ)
def show_export(request: Request, form: str, scope: str, period: str) -> Response:
    parts = request.parts
    manifest = exporting.fetch_manifest(parts, request.person, form, scope, period)
    return page(
        "export.html",
        signed_in=True,
        noun=parts.forms.form(manifest.form).noun,
        where=_where(parts, scope),
        manifest=manifest,
        files=[(_NAMES[name], f"{request.path}/{name}", _size(manifest, name)) for name in _NAMES],
        all_exports=f"/exports?force={scope}",
    )


@routes.route("/exports/{form}/{scope}/{period}/{name}", methods=["GET"])
@view(access.SIGNED_IN, access.READ, records=Event.EXPORT_READ)
def get_export(request: Request, form: str, scope: str, period: str, name: str) -> Response:
    file = exporting.hand_out(request.parts, request.person, form, scope, period, name)
    if file.address:
        return redirect(file.address)
    headers: dict[str, str | list[str]] = {
        "Content-Type": file.media_type,
        "Content-Disposition": f'attachment; filename="{file.called}"',
    }
    return Bytes(body=file.content, headers=headers)


def _where(parts: Parts, scope: str) -> str:
    return "all forces" if scope == ALL else parts.forms.force_name(scope)


def _size(manifest: Manifest, name: str) -> str:
    """A file's size as people say it."""
    file = manifest.file(name)
    size = file.size if file else 0
    return f"{max(1, round(size / 1024)):,} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"
