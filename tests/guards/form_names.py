"""Where the code knows a particular form: names from the files under `schemas/` in Python, pages and mails.

Names are a form's id, its noun and its fields, a workflow's name, its stages, panels, roles and the statuses that
its choices set. `force` is the one field that the code may know.

Many are plain English, and the code has a `role` and a `title` of its own. So a word that is also ours (a field of
our own values, a member of form files, a mail, an event of the timeline, a widget) is a fault only where it is used
as a form's: looked up in answers, or compared with a stage, a status, a role or a form. Any other name is a
fault wherever a literal, an attribute or a keyword is exactly it. Within a text, a name counts where nobody
would write it as English (`event_title`, `force-lead`), and the id or noun of a form counts as a word, also in the
plural. Comments, docstrings and the names of functions are not looked at; `claim` is also a verb.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment

KNOWN_FIELDS = frozenset({"force"})
_IS_ANSWERS = re.compile(r"(answers|personal|public|given|line)$")
_OF_A_FORM = re.compile(r"(form|form_id|stage|status|role|waiting_for|panel|passing|stands\.name)$")
_LOOKS_UP = frozenset({"get", "pop", "question"})
_TELLS = frozenset({"Status", "holds", "holds_for", "stage", "form"})


@dataclass
class Names:
    """What the files name: `nouns` are the words for whole forms, `others` everything else."""

    nouns: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def __contains__(self, word: str) -> bool:
        return word in self.nouns or word in self.others


def names_in(schemas: Path) -> Names:
    """The names in a folder like `schemas/`. The statuses and roles that the code itself gives are left out."""
    found = Names()
    for path in sorted((schemas / "forms").glob("*.json")):
        form = json.loads(path.read_text(encoding="utf-8"))
        found.nouns |= {form["id"], form["noun"]}
        found.others |= set(_fields(form["schema"])) - KNOWN_FIELDS
    for path in sorted((schemas / "workflows").glob("*.json")):
        workflow = json.loads(path.read_text(encoding="utf-8"))
        found.others |= {workflow["name"], *workflow.get("panels", ())}
        found.others |= {stage["name"] for stage in workflow["stages"]}
        found.others |= set(_roles(workflow))
        for choice in workflow["choices"].values():
            found.others |= {choice[key] for key in ("status", "passing") if key in choice}
    return found


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    for name, said in schema.get("properties", {}).items():
        yield name
        yield from _fields(said.get("items", {}))


def _roles(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("role"), str):
            yield node["role"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _roles(part)


def in_python(source: str, names: Names, ours: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each fault in a module."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if isinstance(parents.get(node), ast.Expr):
                continue  # a docstring
            for name in _said(node, parents, names, ours):
                yield line, name
        elif isinstance(node, ast.Attribute):
            word = node.attr.lower().replace("_", "-") if node.attr.isupper() else node.attr
            is_status = node.attr.isupper() and ast.unparse(node.value) == "Status"
            if word in names and (is_status or word not in ours) and word not in names.nouns:
                yield line, word
        elif isinstance(node, ast.keyword) and node.arg in names.others and node.arg not in ours:
            yield line, node.arg


def _said(
    node: ast.Constant, parents: dict[ast.AST, ast.AST], names: Names, ours: frozenset[str]
) -> Iterator[str]:
    if node.value in names:
        if node.value in names.nouns or node.value not in ours or _is_a_forms(node, parents):
            yield node.value
    else:
        yield from in_text(node.value, names, ours)


def _is_a_forms(node: ast.Constant, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a word that is also ours is meant as a form's."""
    parent = parents[node]
    if isinstance(parent, ast.Subscript):
        return bool(_IS_ANSWERS.search(ast.unparse(parent.value)))
    if isinstance(parent, ast.Call):
        called = parent.func
        if isinstance(called, ast.Attribute) and called.attr in _LOOKS_UP:
            return called.attr == "question" or bool(_IS_ANSWERS.search(ast.unparse(called.value)))
        return ast.unparse(called).split(".")[-1] in _TELLS
    while isinstance(parent, (ast.Tuple, ast.Set, ast.List)):
        parent = parents[parent]
    if isinstance(parent, ast.Compare):
        sides = [ast.unparse(side) for side in (parent.left, *parent.comparators)]
        return any(_OF_A_FORM.search(side) or _IS_ANSWERS.search(side) for side in sides)
    return False


def in_text(text: str, names: Names, ours: frozenset[str]) -> Iterator[str]:
    """Names that stand in a text."""
    for word in re.findall(r"[a-z][a-z_-]*[a-z]", text.lower()):
        if word in names.others and re.search("[_-]", word) and word not in ours:
            yield word
        elif word in names.nouns or word.removesuffix("s") in names.nouns:
            yield word.removesuffix("s")


def in_template(source: str, names: Names, ours: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each fault in a page or a mail text."""
    for line, kind, text in Environment(autoescape=True).lex(source):
        if kind == "data":
            yield from ((line, name) for name in in_text(text, names, ours))
        elif kind == "string":
            word = text[1:-1]
            if word in names.nouns or (word in names.others and word not in ours):
                yield line, word
            elif word not in names:
                yield from ((line, name) for name in in_text(word, names, ours))
        elif kind == "name" and text in names.others and text not in ours:
            yield line, text


def our_words(modules: Iterable[Path]) -> frozenset[str]:
    """Fields and methods of our own values, what our functions take, and the members that a form file may have."""
    found: set[str] = set()
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                targets = [part.targets[0] for part in node.body if isinstance(part, ast.Assign)]
                found |= {
                    target.id.lower().replace("_", "-") for target in targets if isinstance(target, ast.Name)
                }
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(node.name)
                found |= {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    return frozenset(found)
