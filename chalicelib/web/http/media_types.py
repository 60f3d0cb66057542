"""The two headers about media types that we read, as RFC 9110 has them: `Content-Type` and `Accept`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARAMETER = re.compile(r';[ \t]*([^;,=" \t]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;, \t]*)')
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""What we read as UTF-8. US-ASCII is a part of it."""
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def is_text_of(content_type: str, expected: str) -> bool:
    """Whether a body of this `Content-Type` is of the media type `expected`, in UTF-8.

    No charset means UTF-8. Other parameters do not matter.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    charsets = (value for name, value in _parameters(content_type) if name == "charset")
    return media_type == expected and all(one.lower() in _UTF_8 for one in charsets)


def prefers_page(accept: str) -> bool:
    """Whether a caller wants HTML rather than JSON. Browsers name HTML; a program that names neither wants JSON."""
    page = data = 0.0
    for media_type, weight in _accepted(accept):
        if media_type in _PAGES:
            page = max(page, weight)
        elif media_type.endswith(("/json", "+json")):
            data = max(data, weight)
    return page > 0 and page >= data


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for one in accept.split(","):
        weights = [value for name, value in _parameters(one) if name == "q"]
        yield one.partition(";")[0].strip().lower(), _weight(weights[0]) if weights else 1.0


def _weight(given: str) -> float:
    return float(given) if re.fullmatch(r"[01](\.[0-9]{0,3})?", given) else 0.0


def _parameters(header: str) -> Iterator[tuple[str, str]]:
    """Names in lower case, and values without their quotes."""
    for name, value in _PARAMETER.findall(header):
        is_quoted = value.startswith('"') and value.endswith('"') and len(value) > 1
        yield name.lower(), re.sub(r"\\(.)", r"\1", value[1:-1]) if is_quoted else value
