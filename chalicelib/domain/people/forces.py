"""The police forces of England and Wales, and where each stands on a map."""

from __future__ import annotations

from chalicelib.domain.values import value


@value
class Force:
    """One force. `headquarters` is longitude and latitude (WGS 84); `tile` is its column and row on the map on
    which every force has the same size, and `short` what is written there."""

    code: str
    name: str
    short: str
    headquarters: tuple[float, float]
    tile: tuple[int, int]
