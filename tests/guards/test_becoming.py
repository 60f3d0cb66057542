"""Signing in as anybody is for the embedded run alone: nothing that is deployed can do it."""

from __future__ import annotations

import ast
import zipfile
from functools import cache
from pathlib import Path

import pytest

from app import app
from tests.guards.packaged import builds_once, folder, template

ROOT = Path(__file__).resolve().parents[2]
SIGNING_IN = "chalicelib/services/people/signing_in.py"

MAY_MENTION = {
    "open_session": {SIGNING_IN},
    "add_session": {
        SIGNING_IN,
        "chalicelib/services/ports/sign_in.py",
        "chalicelib/adapters/dynamodb/accounts.py",
    },
    "AddSession": {
        SIGNING_IN,
        "chalicelib/services/people/openid.py",
        "chalicelib/services/changes.py",
        "chalicelib/adapters/dynamodb/changes.py",
    },
}
"""The ways to a session, and where they may be spoken of."""


def mentions(source: str, name: str) -> list[str]:
    """The functions in which a name is called, imported, read or defined; empty for the module itself."""
    return [function for said, function in _named(source) if name in said]


@cache
def _named(source: str) -> list[tuple[set[object], str]]:
    """What each node names, and the function in which it stands. Read once: each name is looked for in all sources."""
    tree = ast.parse(source)
    functions = [one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = {id(inner): function.name for function in functions for inner in ast.walk(function)}
    return [
        (
            {
                getattr(node, "id", None),
                getattr(node, "attr", None),
                getattr(node, "name", None),
                node.value if isinstance(node, ast.Constant) else None,
            },
            inside.get(id(node), ""),
        )
        for node in ast.walk(tree)
    ]


def test_the_guard_sees_every_way_to_speak_of_a_function() -> None:
    for code in (
        "from a import f",
        "from a import f as g",
        "a.f(1)",
        "g = f",
        "getattr(a, 'f')",
        "def f(): ...",
        "a.b.f",
    ):
        assert mentions(code, "f"), code
    assert mentions("def g():\n    return a.f(1)", "f") == ["g"]
    assert not mentions("from a import other\n# f\n'say f'", "f")


@pytest.mark.parametrize("name", sorted(MAY_MENTION))
def test_only_signing_in_opens_a_session(name: str) -> None:
    files = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
    found = {
        str(file.relative_to(ROOT)) for file in files if mentions(file.read_text(encoding="utf-8"), name)
    }
    assert found == MAY_MENTION[name]


def test_the_app_opens_a_session_for_whoever_has_a_mailed_code_or_link_and_for_nobody_else() -> None:
    source = (ROOT / SIGNING_IN).read_text(encoding="utf-8")
    assert set(mentions(source, "open_session")) == {"open_session"}, "it is for the embedded run"
    assert set(mentions(source, "add_session")) == {"open_session"}
    assert set(mentions(source, "_session_begins")) == {"_session_begins", "guessed", "pressed"}
    # Empty: imported by the module. In `guessed` of `prove_claimant` the session is a submitter's.
    assert set(mentions(source, "AddSession")) == {"", "_session_begins", "guessed"}


def test_the_app_has_no_route_below_local() -> None:
    assert not [route for route in app.routes if route.split("/")[1].startswith("local")]


@builds_once
def test_the_package_holds_nothing_of_the_embedded_run() -> None:
    for name in ("deployment.zip", "layer-deployment.zip"):
        with zipfile.ZipFile(folder() / name) as archive:
            paths = archive.namelist()
        assert paths
        assert not [
            path
            for path in paths
            if "infra" in path.split("/") or path.endswith(("local_pages.py", "mail_pages.py"))
        ]


@builds_once
def test_the_deployed_api_has_no_path_below_local() -> None:
    bodies = [
        one["Properties"]["DefinitionBody"]["paths"]
        for one in template()["Resources"].values()
        if one["Type"] == "AWS::Serverless::Api"
    ]
    assert [len(paths) > 0 for paths in bodies] == [True]
    assert not [path for path in bodies[0] if path.startswith("/local")]
