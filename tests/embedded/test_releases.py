"""A data folder says which release its data is of: earlier ones are brought up to date, later ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import data
from infra.local.data import opened
from infra.local.options import Refused

LATER = "is of a later release. Update this one, or start afresh in another: DATA_DIR=.local2 make run"
UNKNOWN = "is of a release that this one cannot upgrade. Start afresh in another: DATA_DIR=.local2 make run"


def mark_of(folder: Path) -> str:
    return (folder / "release").read_text()


def test_a_new_folder_is_marked_and_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path / "data"):
            assert mark_of(tmp_path / "data") == f"{data.RELEASE}\n"


@pytest.mark.parametrize("mark", [None, "1\n", "1"])
def test_a_folder_of_an_earlier_release_becomes_this_ones(tmp_path: Path, mark: str | None) -> None:
    (tmp_path / "dynamodb.sqlite").write_bytes(b"what the earlier release stored")
    if mark is not None:
        (tmp_path / "release").write_text(mark)
    with opened(tmp_path) as folder:
        assert mark_of(tmp_path) == f"{data.RELEASE}\n"
        assert folder.database.read_bytes() == b"what the earlier release stored"


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (str(data.RELEASE + 1), LATER),
        ("999999", LATER),
        ("0", UNKNOWN),
        ("", UNKNOWN),
        ("-2", UNKNOWN),
        ("٢", UNKNOWN),
        ("0.1.0", UNKNOWN),
    ],
)
def test_a_folder_of_any_other_release_is_refused_in_one_line_and_left_as_it_was(
    tmp_path: Path, mark: str, reason: str
) -> None:
    (tmp_path / "release").write_text(mark)
    with pytest.raises(Refused) as refused, opened(tmp_path):
        pass
    assert str(refused.value) == f"The data folder {tmp_path} {reason}"
    assert mark_of(tmp_path) == mark


def test_a_folder_without_a_mark_is_refused_once_its_release_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "OLDEST", 2)
    (tmp_path / "dynamodb.sqlite").touch()
    with pytest.raises(Refused, match="cannot upgrade"), opened(tmp_path):
        pass
    with opened(tmp_path / "new"):
        assert mark_of(tmp_path / "new") == f"{data.RELEASE}\n"


def test_a_mark_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    with pytest.raises(Refused, match="cannot be used: is a directory"), opened(tmp_path):
        pass
