"""A submission changes through a `Revision` alone: whoever stores one by hand can forget what belongs to it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import chalicelib
from chalicelib.services import changes

PRODUCT = Path(chalicelib.__file__).parent
OURS = {"AddSubmission", "ChangeSubmission", "MoveSubmission", "AddEntry", "KeepToken", "MoveMoney"}
ROOM = "services/revision.py"
ALSO = {("services/repair/balancing.py", "MoveMoney")}
"""A ledger line of a reference that no submission has any more: there is nothing to revise."""

HELPERS = {"with_entry", "next_revision"}
"""What a revision is made with, and tests use to make what they need."""


def built(source: str) -> set[str]:
    """Which of OURS and HELPERS the source calls."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    return names & (OURS | HELPERS)


def test_what_changes_a_submission_is_built_in_one_place() -> None:
    files = {
        str(file.relative_to(PRODUCT)): file.read_text(encoding="utf-8") for file in PRODUCT.rglob("*.py")
    }
    assert built(files.pop(ROOM)) == OURS | HELPERS
    elsewhere = {(name, one) for name, source in files.items() for one in built(source)}
    assert elsewhere == ALSO


@pytest.mark.parametrize(
    "source", ["ChangeSubmission(submission=one)", "changes.MoveMoney(movement=one)", "with_entry(one)"]
)
def test_the_guard_sees_what_is_built_by_hand(source: str) -> None:
    assert built(source)


def test_the_guard_names_changes_that_exist() -> None:
    assert all(hasattr(changes, name) for name in OURS)
