"""Charts for mails: bars with their numbers, as PNG. What they show stands in the mail's text, too.

Pillow is imported when the first chart is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from chalicelib.domain.exports import plain

WIDTH = 960
"""Pixels. Shown 600 wide at most, so that it is sharp; and on a telephone its words are still 12 pixels high."""

_TEXT_SIZE = 36
_LINE = 112
_BAR_TOP, _BAR = 52, 40
_MARGIN = 8
_INK, _BAR_COLOUR, _PAPER, _AXIS = "#0b0c0c", "#1a65a6", "#ffffff", "#8a9297"
_LONGEST_LABEL = 40


def bars(rows: Sequence[tuple[str, int]]) -> bytes:
    """A PNG with one bar for each label and number, from the top; bars are as long as their numbers are large."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_TEXT_SIZE)
    image = Image.new("RGB", (WIDTH, _MARGIN * 2 + _LINE * len(rows)), _PAPER)
    draw = ImageDraw.Draw(image)
    widest = max((draw.textlength(f"{number:,}", font=font) for _, number in rows), default=0)
    room = WIDTH - _MARGIN * 3 - round(widest) - 16
    most = max((number for _, number in rows), default=0)
    for line, (label, number) in enumerate(rows):
        top = _MARGIN + line * _LINE
        end = _MARGIN + (max(4, round(room * number / most)) if number else 0)
        _bar(draw, font, plain(label)[:_LONGEST_LABEL], f"{number:,}", top=top, end=end)
    content = io.BytesIO()
    image.quantize(32).save(content, format="PNG", optimize=True)
    return content.getvalue()


def _bar(draw: Any, font: Any, label: str, number: str, *, top: int, end: int) -> None:
    """The label above its bar, the number at the bar's end."""
    draw.text((_MARGIN, top + _BAR_TOP // 2), label, fill=_INK, font=font, anchor="lm")
    bar, bottom = top + _BAR_TOP, top + _BAR_TOP + _BAR
    if end > _MARGIN:
        draw.rectangle([(_MARGIN, bar), (end, bottom)], fill=_BAR_COLOUR)
    draw.line([(_MARGIN, bar - 4), (_MARGIN, bottom + 4)], fill=_AXIS, width=3)
    draw.text((end + 16, (bar + bottom) // 2), number, fill=_INK, font=font, anchor="lm")
