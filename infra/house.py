"""The house: which modules stand in which layer and capability, drawn from the code → docs/images/house.svg.

`make pictures` draws it again; a guard compares. A room that is a folder stands here by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from infra import pictures

CODE = pictures.ROOT / "chalicelib"
PICTURE = pictures.IMAGES / "house.svg"

CAPABILITIES = (
    "forms",
    "intake",
    "approvals",
    "ideas",
    "money",
    "delivery",
    "people",
    "desk",
    "reports",
    "records",
)
LAYERS = {"pages": Path("web/pages"), "services": Path("services"), "domain": Path("domain")}
"""What is divided by capability, from the outside in."""

SHARED = {
    "web, for all pages": (Path("web/api"), Path("web/http"), Path("web/widgets")),
    "adapters": tuple(Path("adapters") / one for one in ("dynamodb", "aws", "files", "rendering", "signing")),
}
"""What is not."""

_HEAD = 'bgcolor="#1d70b8"'
_ROOM = 'bgcolor="#f3f2f1"'


def capabilities() -> list[str]:
    """Every capability that a layer has a room for, the usual order first."""
    found = {room.name for folder in LAYERS.values() for room in _folders(CODE / folder)}
    found -= {"ports"}
    return [*(one for one in CAPABILITIES if one in found), *sorted(found - set(CAPABILITIES))]


def modules(room: Path) -> list[str]:
    """The modules of a room, and the folders in it, each with a slash."""
    if not room.is_dir():
        return []
    files = (one.stem for one in room.glob("*.py") if one.stem != "__init__")
    return sorted([*files, *(f"{one.name}/" for one in _folders(room))])


def dot() -> str:
    """The picture as Graphviz reads it: one table."""
    rows = [_head("", *LAYERS)]
    for capability in capabilities():
        rooms = [modules(CODE / folder / capability) for folder in LAYERS.values()]
        rows.append(_cells(capability, rooms))
    for name, folders in SHARED.items():
        said = [line for folder in folders for line in _folder_lines(folder)]
        rows.append(f"<tr>{_name(name)}<td align='left' colspan='3'>{_lines(said)}</td></tr>")
    table = f"<table border='0' cellborder='1' cellspacing='0' cellpadding='6' color='#b1b4b6'>{''.join(rows)}</table>"
    return f"digraph house {{\n{pictures.DEFAULTS}\nhouse [shape=plain, style=solid, label=<{table}>]\n}}\n"


def draw() -> str:
    """The picture as SVG."""
    return pictures.draw(dot())


def _head(*texts: str) -> str:
    cells = (f"<td {_HEAD}><font color='#ffffff'><b>{text or ' '}</b></font></td>" for text in texts)
    return f"<tr>{''.join(cells)}</tr>"


def _cells(capability: str, rooms: Sequence[Sequence[str]]) -> str:
    cells = (f"<td align='left' {_ROOM if room else ''}>{_lines(_few(room))}</td>" for room in rooms)
    return f"<tr>{_name(capability)}{''.join(cells)}</tr>"


def _name(text: str) -> str:
    return f"<td align='left'><b>{escape(text)}</b></td>"


def _folder_lines(folder: Path) -> list[str]:
    first, *others = _few(modules(CODE / folder), a_line=8)
    return [f"{folder.name}: {first}", *others]


def _few(names: Sequence[str], a_line: int = 3) -> list[str]:
    """So many names a line."""
    return [", ".join(names[start : start + a_line]) for start in range(0, len(names), a_line)]


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{escape(line)}<br align='left'/>" for line in lines) or " "


def _folders(room: Path) -> list[Path]:
    return (
        sorted(one for one in room.iterdir() if one.is_dir() and any(one.glob("*.py")))
        if room.is_dir()
        else []
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE.relative_to(pictures.ROOT))
