"""Who is registered in this run: the people of its seeds file, who are planted at every start."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.domain.people.people import Person


@lru_cache(maxsize=1)
def people(seeds_file: Path | None) -> tuple[Person, ...]:
    """The people of the file, in its order; nobody without a file. Raises BadSeeds."""
    if seeds_file is None:
        return ()
    # Found when needed: another app, without people, may be the one that runs.
    seeds = importlib.import_module("infra.local.seeds")
    return tuple(seeds.people(seeds.read(seeds_file)))


def names(seeds_file: Path | None) -> dict[str, str]:
    """Their names, by address in lower case."""
    return {person.address.casefold(): person.name for person in people(seeds_file)}
