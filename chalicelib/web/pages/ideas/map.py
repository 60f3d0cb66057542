"""The map: a tile of the same size for each force, with the number of its published ideas."""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint, Response

from chalicelib.domain.people.forces import Force
from chalicelib.domain.values import value
from chalicelib.services.ideas import publishing
from chalicelib.services.ports import Counted
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import page

routes = Blueprint(__name__)

SIDE, GAP = 64, 4
_SHADES = (1, 3, 6, 10)
"""From how many ideas on a tile has the next darker shade."""


@value
class Tile:
    """A force on the map: where its square begins, in the drawing's own units, and how dark it is, from 0 to 4."""

    force: Force
    count: int
    x: int
    y: int
    shade: int

    @property
    def ideas(self) -> str:
        """The number, in words."""
        return "1 idea" if self.count == 1 else f"{self.count:,} ideas"


@routes.route("/map", methods=["GET"])
@view(access.PUBLIC)
def show_map(request: Request) -> Response:
    parts = request.parts
    counted = publishing.count_ideas(parts)
    tiles = list(_tiles(parts.forms.map_of_forces(), counted))
    return page(
        "map.html",
        signed_in=request.session is not None,
        tiles=tiles,
        counted=counted,
        is_kept=counted.total >= publishing.FEW,
        side=SIDE,
        width=max(tile.x for tile in tiles) + SIDE + GAP,
        height=max(tile.y for tile in tiles) + SIDE + GAP,
    )


def _tiles(forces: list[Force], counted: Counted) -> Iterator[Tile]:
    """A tile for each force. The frame leaves a gap at each side, for the mark of the one that has the focus."""
    left = min(force.tile[0] for force in forces)
    top = min(force.tile[1] for force in forces)
    for force in forces:
        count = counted.by_force.get(force.code, 0)
        yield Tile(
            force=force,
            count=count,
            x=GAP + (force.tile[0] - left) * (SIDE + GAP),
            y=GAP + (force.tile[1] - top) * (SIDE + GAP),
            shade=sum(count >= least for least in _SHADES),
        )
