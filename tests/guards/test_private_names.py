"""Private names of libraries: who may use them, and what those of PynamoDB do in the version that is pinned."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamodb import private, tables

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    ROOT / "app.py",
    *sorted((ROOT / "chalicelib").rglob("*.py")),
    *sorted((ROOT / "infra").rglob("*.py")),
]
ALLOWED = {
    "chalicelib/adapters/dynamodb/private.py": "PynamoDB",
    "chalicelib/web/http/sections.py": "Chalice: its handler answers unknown addresses by itself",
    "infra/forms/schema_lint.py": "Python: its parser of patterns",
    "infra/local/lambdas.py": "moto: the hook for our handlers",
    "infra/local/moto_repairs.py": "moto: repairs, each with its test",
}
"""The modules that use private names of a library, and whose."""

PUBLIC = {"os._exit"}  # Python documents it


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def defined_in(tree: ast.AST) -> set[str]:
    """The private names that a module gives to something of its own."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            found.add(node.attr)
    return {name for name in found if is_private(name)}


def is_own(value: ast.AST) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def foreign_names(tree: ast.AST, ours: set[str]) -> Iterator[str]:
    """The private names that a module uses and does not define. `ours` are those of all modules: a class may inherit
    from another module of ours."""
    here = defined_in(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            known = ours if is_own(node.value) else here
            is_super = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
            is_patch = isinstance(node.ctx, ast.Store) and not is_own(node.value)
            if (is_super or is_patch or node.attr not in known) and ast.unparse(node) not in PUBLIC:
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (one.name for one in node.names if is_private(one.name))


@pytest.fixture(scope="module")
def users() -> dict[str, list[str]]:
    trees = {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in MODULES}
    ours = set().union(*map(defined_in, trees.values()))
    found = {path: list(foreign_names(tree, ours)) for path, tree in trees.items()}
    return {path: names for path, names in found.items() if names}


def test_private_names_of_libraries_are_used_in_few_modules(users: dict[str, list[str]]) -> None:
    assert {path: names for path, names in users.items() if path not in ALLOWED} == {}


def test_no_module_is_allowed_private_names_without_need(users: dict[str, list[str]]) -> None:
    assert set(users) == set(ALLOWED)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Row._connection = None", ["Row._connection"]),
        ("model._get()._rest", ["model._get()._rest", "model._get"]),
        ("def _run(): ...\nTheirs._run = _run", ["Theirs._run"]),
        ("from moto import _hidden", ["_hidden"]),
        ("class A(B):\n def _go(self): return super()._go()", ["super()._go"]),
        ("class A:\n def go(self): return self._theirs", ["self._theirs"]),
        ("class A:\n def go(self): self._own = 1\n def get(self): return self._own", []),
        ("def _of(a): ...\nclass A:\n def go(self): return self._inherited", []),
        ("import os\nos._exit(1)", []),
    ],
)
def test_the_guard_tells_private_names_of_others_from_our_own(source: str, found: list[str]) -> None:
    tree = ast.parse(source)
    assert list(foreign_names(tree, defined_in(tree) | {"_inherited"})) == found


class ByName(GlobalSecondaryIndex["Thing"]):
    class Meta:
        index_name = "by-name"
        projection = KeysOnlyProjection()

    name = UnicodeAttribute(hash_key=True)


class Thing(Model):
    class Meta:
        table_name = "things"
        region = "eu-west-2"

    pk = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    named = ByName()


class SpecialThing(Thing):
    special = UnicodeAttribute()


def test_a_models_connection_is_made_once_and_its_heirs_share_it() -> None:
    private.forget_connection(Thing)
    made = private.connection_of(Thing)
    assert private.connection_of(Thing) is made
    assert private.connection_of(SpecialThing) is made


def test_a_forgotten_connection_is_made_anew() -> None:
    made = private.connection_of(Thing)
    private.forget_connection(Thing)
    assert private.connection_of(Thing) is not made


def test_a_connection_has_the_one_session_that_its_client_is_made_with() -> None:
    connection = private.connection_of(Thing)
    assert connection.session is connection.session
    made = connection.session.create_client("dynamodb", region_name="eu-west-2")
    assert made.meta.service_model.service_name == "dynamodb"


def test_the_indexes_of_a_model_are_known_by_name() -> None:
    assert list(private.indexes_of(Thing)) == ["by-name"]
    assert set(private.indexes_of(tables.Row)) == {"due", "force", "listed", "everywhere", "public"}


def test_an_index_is_defined_as_dynamodb_wants_it() -> None:
    assert private.definition_of(private.indexes_of(Thing)["by-name"]) == {
        "index_name": "by-name",
        "key_schema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "projection": {"ProjectionType": "KEYS_ONLY"},
        "attribute_definitions": [{"AttributeName": "name", "AttributeType": "S"}],
    }
