"""Which route an address belongs to. API Gateway knows two paths, `/` and `/{proxy+}`; the rest is found here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

from chalicelib.domain.values import value

LONGEST = 512
"""Characters in a segment. What we put into addresses is far shorter."""


@value
class Found:
    """A route's pattern, such as `/tasks/{task}`, and its parameters as the address has them, decoded."""

    pattern: str
    parameters: Mapping[str, str]

    @property
    def path(self) -> str:
        """The address, encoded."""
        parts = self.pattern.split("/")
        return "/".join(
            quote(self.parameters[one[1:-1]], safe="") if _is_parameter(one) else one for one in parts
        )


class Routes:
    """Patterns. An address is compared with those alone that begin as it does and are as long."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.count = len(patterns)
        self._alike: dict[tuple[str, int], list[tuple[str, list[str]]]] = {}
        # "{" comes after letters and digits: what is named exactly goes before a parameter.
        for pattern in sorted(patterns):
            parts = pattern[1:].split("/")
            self._alike.setdefault((parts[0], len(parts)), []).append((pattern, parts))

    def find(self, segments: list[str]) -> Found | None:
        """The route of an address, if there is one."""
        for pattern, parts in self._alike.get((segments[0], len(segments)), ()):
            pairs = list(zip(parts, segments, strict=True))
            if all(given == part or (given and _is_parameter(part)) for part, given in pairs):
                named = {part[1:-1]: given for part, given in pairs if _is_parameter(part)}
                return Found(pattern=pattern, parameters=named)
        return None


def segments_of(path: str) -> list[str] | None:
    """A path's segments, each decoded once. None for a path that no address of ours can have: one that is not UTF-8,
    has control characters or slashes in a segment, leads upwards, or is far too long."""
    if not path.startswith("/"):
        return None
    segments = path[1:].split("/")
    if "%" in path:
        try:
            segments = [unquote(one, errors="strict") for one in segments]
        except UnicodeDecodeError:
            return None
    return segments if all(map(_is_plain, segments)) else None


def _is_plain(segment: str) -> bool:
    return (
        len(segment) <= LONGEST
        and segment.isprintable()
        and "/" not in segment
        and segment not in (".", "..")
    )


def _is_parameter(part: str) -> bool:
    return part.startswith("{")
