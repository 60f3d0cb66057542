"""The small app has a wiring and a table of its own. All else is the product's: the app finds its routes with it."""

from pathlib import Path

__path__.append(str(Path(__file__).resolve().parents[4] / "chalicelib"))
