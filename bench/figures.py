"""A figure: what was measured in several runs, beside its floor or what it is compared with, and its goal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""A figure as `bench/results/latest.json` has it."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure should be. `of_ratio`: the goal is for the ratio to the floor, not for the figure itself."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def is_met(self, figure: Figure) -> bool:
        """Whether the median keeps to it."""
        value = figure.ratio if self.of_ratio else figure.median
        if value is None:
            return False
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {shown(self.limit)}{' × floor' if self.of_ratio else ''}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `runs` and `floor` hold one value for each run, in `unit`; `floor_name` says what the
    floor is, measured in the same run on the same machine, or whose figure `floor` is where it is another product's."""

    part: str
    name: str
    unit: str
    runs: Sequence[float]
    floor: Sequence[float] = ()
    floor_name: str = ""
    goal: Goal | None = None

    @property
    def median(self) -> float:
        """Of the runs."""
        return statistics.median(self.runs)

    @property
    def ratio(self) -> float | None:
        """Median over the floor's median."""
        if not self.floor or not statistics.median(self.floor):
            return None
        return self.median / statistics.median(self.floor)

    @property
    def spread(self) -> float:
        """Largest less smallest run, as a part of the median."""
        return (max(self.runs) - min(self.runs)) / self.median if self.median else 0.0

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no goal."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self) else "missed"

    def as_row(self) -> Row:
        """With all that was worked out of it."""
        return {
            "part": self.part,
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "runs": list(self.runs),
            "floor": statistics.median(self.floor) if self.floor else None,
            "floor_runs": list(self.floor),
            "floor_name": self.floor_name,
            "ratio": self.ratio,
            "spread": self.spread,
            "goal": str(self.goal) if self.goal else "",
            "verdict": self.verdict,
        }


def table(rows: Iterable[Row]) -> str:
    """All of them in Markdown."""
    lines = [
        "| Figure | This product | Floor, or who else | Ratio | Spread | Goal | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    part = ""
    for row in rows:
        if row["part"] != part:
            part = row["part"]
            lines.append(f"| **{part[0].upper()}{part[1:]}** | | | | | | |")
        lines.append(f"| {' | '.join(_cells(row))} |")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row["name"],
        f"{shown(row['median'])} {row['unit']}".strip(),
        f"{shown(row['floor'])} ({row['floor_name']})" if row["floor"] is not None else "",
        f"{row['ratio']:.2f}" if row["ratio"] is not None else "",
        f"{row['spread']:.0%}" if len(row["runs"]) > 1 else "",
        row["goal"],
        row["verdict"],
    )


def shown(value: float) -> str:
    """With three figures that count, and no more."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
