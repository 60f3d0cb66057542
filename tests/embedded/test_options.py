"""What the run is told by its environment, and how it refuses what it cannot use: one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.options import SEEDS, Options, Refused


@pytest.mark.parametrize("content", ["[", "{}", "3", '{"people": [], "funds": []}'])
def test_a_seeds_file_that_says_too_little_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "seeds.json"
    file.write_text(content)
    with pytest.raises(Refused, match=str(file)) as refused:
        Options.from_env({"SEEDS_FILE": str(file)})
    assert "\n" not in str(refused.value)


def test_our_own_seeds_are_planted_unless_told_otherwise() -> None:
    assert Options.from_env({}).seeds_file == SEEDS
    assert Options.from_env({"SEEDS_FILE": ""}).seeds_file is None


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "８０００"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(Refused, match="PORT"):
        Options.from_env({"PORT": port})
