"""Which route an address belongs to. API Gateway knows two paths, `/` and `/{proxy+}`; the rest is found here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from chalicelib.domain.values import value

LONGEST = 512
"""Characters in a segment. What we put into addresses is far shorter."""

Node = dict[str, Any]
"""A segment of the patterns: what may follow it, and under `_END` the pattern that ends here."""

_ANY, _END = "{", "/"
"""No pattern has a segment like these."""


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
    """Patterns, as a tree of their segments: an address costs a look-up or two for each segment, however many routes
    there are."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.count = len(patterns)
        self._tree: Node = {}
        for pattern in patterns:
            node = self._tree
            for part in pattern[1:].split("/"):
                node = node.setdefault(_ANY if _is_parameter(part) else part, {})
            node[_END] = pattern

    def find(self, segments: list[str]) -> Found | None:
        """The route of an address, if there is one. What is named exactly goes before a parameter."""
        pattern = _followed(self._tree, segments)
        if pattern is None:
            return None
        pairs = zip(pattern[1:].split("/"), segments, strict=True)
        return Found(
            pattern=pattern, parameters={part[1:-1]: given for part, given in pairs if _is_parameter(part)}
        )


def _followed(node: Node, segments: list[str]) -> str | None:
    """The pattern at the end of the segments. A parameter is never empty."""
    if not segments:
        return node.get(_END)
    first, rest = segments[0], segments[1:]
    for key in (first, _ANY) if first else (first,):
        if key in node and (found := _followed(node[key], rest)) is not None:
            return found
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
