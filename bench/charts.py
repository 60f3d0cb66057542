"""Draws what `bench/results/latest.json` says: `python -m bench.charts` makes the pictures of docs/performance.md anew.

The same figures make the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from bench.__main__ import RESULTS
from bench.figures import Row
from bench.machine import ROOT

FOLDER = ROOT / "docs" / "images"
OURS, FLOOR, OTHER, GOAL = "#1d70b8", "#b1b4b6", "#f47738", "#d4351c"
"""Colours of the GOV.UK palette that are told apart without colour vision, too."""

mpl.rcParams.update(
    {
        "svg.hashsalt": "share-your-knowledge",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def main() -> None:
    """Every picture."""
    figures: list[Row] = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    for name, draw in PICTURES.items():
        picture = Picture(figsize=(8, 4), layout="constrained")
        draw(picture.subplots(), figures)
        picture.savefig(FOLDER / f"performance-{name}.svg", metadata={"Date": None, "Creator": None})
        print(f"docs/images/performance-{name}.svg")


def throughput(axes: Axes, figures: Sequence[Row]) -> None:
    """Accepted submissions each second, beside others."""
    ours = _matching(figures, r"(\d+) clients?: accepted")
    bars = [
        (f"{match[1]} client{'s' if match[1] != '1' else ''}", row["median"], OURS) for match, row in ours
    ]
    for other in ("n8n", "ODK"):
        row = _one(figures, "submissions", f"beside {other}")
        bars.append((f"{row['floor_name']}\n8 clients", row["floor"], OTHER))
    _bars(axes, bars, "submissions accepted each second")
    axes.axhline(300, color=GOAL, linestyle="--", linewidth=1)
    axes.annotate("goal with 8 clients", (0, 300), xytext=(-30, 4), textcoords="offset points", color=GOAL)


def cold_start(axes: Axes, figures: Sequence[Row]) -> None:
    """CPU to the first answer of a fresh process, over the floor."""
    rows = _matching(figures, r"(.+), CPU to the first answer")
    floor = rows[0][1]["floor"]
    names = [*(match[1] for match, _ in rows), "floor: Chalice, PynamoDB, one call"]
    values = [*(row["median"] for _, row in rows), floor]
    drawn = axes.barh(names, values, color=[OURS] * len(rows) + [FLOOR], height=0.6)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=-28, color="white")
    axes.invert_yaxis()
    axes.axvline(1.25 * floor, color=GOAL, linestyle="--", linewidth=1)
    axes.set_title("goal: 1.25 × floor", color=GOAL, fontsize=11, loc="right")
    axes.set_xlabel("CPU milliseconds to the first answer")


def growth(axes: Axes, figures: Sequence[Row]) -> None:
    """Medians as the table grows."""
    series: dict[str, list[tuple[int, float]]] = {}
    for match, row in _matching(figures, r"(.+), with ([\d,]+) submissions$"):
        points = series.setdefault(match[1], [(1_000, row["floor"])])
        points.append((int(match[2].replace(",", "")), row["median"]))
    for name in SHOWN:
        points = sorted(series[name])
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(0, 160)
    axes.set_xlabel("submissions in the table")
    axes.set_ylabel("milliseconds, median")
    axes.legend(frameon=False, fontsize=9, ncols=2)


SHOWN = ("list, first page", "board, national", "fund", "map", "ideas, first page", "search by words")


def _bars(axes: Axes, bars: Sequence[tuple[str, float, str]], label: str) -> None:
    names, values, colours = zip(*bars)
    drawn = axes.bar(names, values, color=colours, width=0.6)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=2)
    axes.set_ylabel(label)


def _matching(figures: Sequence[Row], pattern: str) -> list[tuple[re.Match[str], Row]]:
    found = [(re.search(pattern, row["name"]), row) for row in figures]
    return [(match, row) for match, row in found if match]


def _one(figures: Sequence[Row], part: str, words: str) -> Row:
    (row,) = [one for one in figures if part in one["part"].lower() and words in one["name"]]
    return row


PICTURES: dict[str, Callable[[Axes, Sequence[Row]], None]] = {
    "throughput": throughput,
    "cold-start": cold_start,
    "growth": growth,
}


if __name__ == "__main__":
    main()
