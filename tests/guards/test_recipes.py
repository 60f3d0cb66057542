"""The recipes of CONTRIBUTING.md work: each is followed in a copy of the repository, and its commands are run there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", GUIDE, re.MULTILINE | re.DOTALL))
STEP = re.compile(
    r"Copy `(?P<source>[^`]+)` to `(?P<target>[^`]+)`"
    r"|(?P<what>In|New file)\s`(?P<file>[^`]+)`(?:(?!```).)*?```(?P<kind>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NEEDED = ("chalicelib", "infra", "schemas", "vendor", "tests", "docs", "bench", ".chalice")


def steps(recipe: str) -> Iterator[re.Match[str]]:
    """What the recipe says to do, in order."""
    return STEP.finditer(RECIPES[recipe])


def commands(recipe: str) -> list[list[str]]:
    """The commands at its end."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", RECIPES[recipe], re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def edited(text: str, diff: str) -> str:
    """The text with a diff made in it: each part of it stands there once. Lines may be cut short."""
    for part in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = part.splitlines()
        old = "\n".join(line[1:] for line in lines if line[:1] in " -")
        new = "\n".join(line[1:] for line in lines if line[:1] in " +")
        assert text.count(old) == 1, f"{text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    return text


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as a developer has it, installed."""
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc", "images")
    for name in NEEDED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped, symlinks=True)
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, tmp_path)
    for name in ("Makefile", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def follow(recipe: str, copy: Path) -> None:
    """Do what the recipe says."""
    for step in steps(recipe):
        if step["source"]:
            source, target = copy / step["source"], copy / step["target"]
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        elif step["what"] == "New file":
            (copy / step["file"]).write_text(step["body"], encoding="utf-8")
        else:
            file = copy / step["file"]
            file.write_text(edited(file.read_text(encoding="utf-8"), step["body"]), encoding="utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_works(recipe: str, copy: Path) -> None:
    follow(recipe, copy)
    for command in commands(recipe):
        done = subprocess.run(
            [sys.executable, *command[1:]], cwd=copy, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_there_is_a_recipe_for_each_thing_that_is_often_added() -> None:
    assert {"A question", "A form", "An outcome", "A widget", "A mail", "A page", "A call to AWS"} <= set(
        RECIPES
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_has_steps_and_commands(recipe: str) -> None:
    assert list(steps(recipe))
    assert commands(recipe)
    said = len(re.findall(r"^```", RECIPES[recipe], re.MULTILINE)) // 2 - 1
    assert said == sum(step["source"] is None for step in steps(recipe)), "a block that nobody follows"


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:chalicelib|infra|schemas|tests)/[^` ]*)`", GUIDE)))
)
def test_what_the_guide_opens_is_there(path: str) -> None:
    is_made = any(path in (step["target"], step["file"]) for recipe in RECIPES for step in steps(recipe))
    assert is_made or (ROOT / path).exists()
