"""Charts for mails: bars with their numbers, as PNG. What they show stands in the mail's text, too.

Pillow is imported when the first chart is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from chalicelib.domain.reports.exports import plain

WIDTH = 960
"""Pixels. Shown 600 wide at most, so that it is sharp; and on a telephone its words are still 12 pixels high."""

_TEXT_SIZE = 36
_LINE = 100
_BAR_TOP, _BAR = 46, 36
_TITLE = 84
_MARGIN = 8
_INK, _BAR_COLOUR, _PAPER, _AXIS = "#0b0c0c", "#1a65a6", "#ffffff", "#8a9297"
_GREYS = 13  # with the other two, 16 colours: half a byte for each pixel
_LONGEST_LABEL = 40

Group = tuple[str, Sequence[tuple[str, int]]]
"""A title, and the label and number of each bar below it."""


def bars(groups: Sequence[Group]) -> bytes:
    """A PNG of groups from the top; in each, a bar is as long as its share of the group, so that a small group is
    seen beside a large one. A group without bars is left out."""
    from PIL import Image, ImageDraw, ImageFont

    shown = [(title, rows) for title, rows in groups if rows]
    font = ImageFont.load_default(_TEXT_SIZE)
    height = _MARGIN * 2 + sum(_TITLE + _LINE * len(rows) for _, rows in shown)
    image = Image.new("RGB", (WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(image)
    top = _MARGIN
    for title, rows in shown:
        total = sum(number for _, number in rows)
        words = f"{plain(title)[:_LONGEST_LABEL]}: {total:,}"
        draw.text((_MARGIN, top + _TITLE // 2), words, fill=_INK, font=font, anchor="lm", stroke_width=1)
        _group(draw, font, rows, total, top=top + _TITLE)
        top += _TITLE + _LINE * len(rows)
    content = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(content, format="PNG")
    return content.getvalue()


def _palette() -> Any:
    """The few colours of a chart, with greys for the edges of letters. Finding them in each picture takes longer
    than drawing it."""
    from PIL import Image, ImageColor

    ink, paper = ImageColor.getrgb(_INK), ImageColor.getrgb(_PAPER)
    greys = [
        [round(dark + (light - dark) * step / _GREYS) for dark, light in zip(ink, paper)]
        for step in range(_GREYS + 1)
    ]
    image = Image.new("P", (1, 1))
    colours = [ImageColor.getrgb(_BAR_COLOUR), ImageColor.getrgb(_AXIS), *greys]
    image.putpalette([part for colour in colours for part in colour])
    return image


def _group(draw: Any, font: Any, rows: Sequence[tuple[str, int]], total: int, *, top: int) -> None:
    """The bars of one scale."""
    widest = max(draw.textlength(f"{number:,}", font=font) for _, number in rows)
    room = WIDTH - _MARGIN * 3 - round(widest) - 16
    for line, (label, number) in enumerate(rows):
        end = _MARGIN + (max(4, round(room * number / total)) if number else 0)
        _bar(draw, font, plain(label)[:_LONGEST_LABEL], f"{number:,}", top=top + line * _LINE, end=end)


def _bar(draw: Any, font: Any, label: str, number: str, *, top: int, end: int) -> None:
    """The label above its bar, the number at the bar's end."""
    draw.text((_MARGIN, top + _BAR_TOP // 2), label, fill=_INK, font=font, anchor="lm")
    bar, bottom = top + _BAR_TOP, top + _BAR_TOP + _BAR
    if end > _MARGIN:
        draw.rectangle([(_MARGIN, bar), (end, bottom)], fill=_BAR_COLOUR)
    draw.line([(_MARGIN, bar - 4), (_MARGIN, bottom + 4)], fill=_AXIS, width=3)
    draw.text((end + 16, (bar + bottom) // 2), number, fill=_INK, font=font, anchor="lm")
