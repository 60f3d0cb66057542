"""The fund in figures and as bars. The bars are SVG with attributes alone: our CSP refuses styles within a page."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.money.fund import Balance, Fund
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.values import value

MOST_BARS = 10
_WIDTH = 1000

COLOURS = {"Paid": "#0b6e4f", "Promised": "#1d2b4f", "Set aside": "#5694ca"}
"""What each part of a bar is filled with; what is left stays white. Beside each other they differ by 3 to 1 or more."""


@value
class Part:
    """A part of a bar, in thousandths of its length."""

    start: int
    width: int
    colour: str


@value
class Bar:
    """One balance: its parts, and the same in figures. `said` is what it shows, for those who do not see it."""

    name: str
    parts: tuple[Part, ...]
    figures: tuple[str, ...]
    said: str


@value
class Chart:
    """A fund's bars. `is_cut` where there are more forces than bars."""

    name: str
    bars: tuple[Bar, ...]
    is_cut: bool


def chart_of(fund: Fund, force_name: Callable[[str], str]) -> Chart:
    """The fund, then the shares of which most is used; where there is one share, also when nothing is."""
    used = {force: share.total - share.available for force, share in fund.forces.items()}
    shown = sorted(
        (force for force in fund.forces if used[force] or len(fund.forces) == 1),
        key=lambda force: (-used[force], force),
    )
    bars = [_bar("The whole fund", fund.balance)]
    bars += [_bar(force_name(force), fund.forces[force]) for force in shown[:MOST_BARS]]
    return Chart(name=fund.name, bars=tuple(bars), is_cut=len(shown) > MOST_BARS)


def _bar(name: str, balance: Balance) -> Bar:
    amounts = {
        "Paid": balance.spent - balance.returned,
        "Promised": balance.committed,
        "Set aside": balance.reserved,
    }
    parts, start = [], 0
    for what, pence in amounts.items():
        # What is more than nothing shows, however little it is.
        width = max(4, pence * _WIDTH // balance.total) if pence > 0 and balance.total > 0 else 0
        width = min(width, _WIDTH - start)
        if width:
            parts.append(Part(start=start, width=width, colour=COLOURS[what]))
        start += width
    left = pounds(balance.available)
    said = [f"{pounds(pence)} {what.lower()}" for what, pence in amounts.items()]
    return Bar(
        name=name,
        parts=tuple(parts),
        figures=(name, *(pounds(pence) for pence in amounts.values()), left, pounds(balance.total)),
        said=f"{name}: {', '.join(said)}, {left} left of {pounds(balance.total)}",
    )
