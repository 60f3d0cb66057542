"""What Lambda gets: all that the app needs at run time, nothing else, and in a form that runs there."""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import json
import re
import zipfile
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

import botocore
import pytest

from infra.packaging import botocore_data, bundle, runtime, templates
from tests.guards.packaged import PYTHON, SERVICES_CALLED, SITE, builds_once, folder, functions, resources

pytestmark = builds_once

ROOT = Path(__file__).resolve().parents[2]
CHALICES_OWN = {"chalice/__init__.py", "chalice/app.py"}
COMPILED = "chalicelib/compiled/"
HASHED_AND_NEVER_CHECKED = 0b01
LARGEST_UNPACKED = 250 * 1024 * 1024
X86_64 = 62


@cache
def contents(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(folder() / name) as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def code() -> dict[str, bytes]:
    return contents("deployment.zip")


def layer() -> dict[str, bytes]:
    """The packages and the forms, by their path below `site-packages`."""
    found = contents("layer-deployment.zip")
    assert all(name.startswith(SITE) for name in found), f"Lambda's {PYTHON} looks elsewhere"
    return {name.removeprefix(SITE): content for name, content in found.items()}


def sources(contents: dict[str, bytes]) -> dict[str, bytes]:
    """What was written, without what was made from it."""
    return {name: content for name, content in contents.items() if "__pycache__" not in name.split("/")}


def ours(top: str) -> dict[str, bytes]:
    """Every file of a folder of ours, by its path: whatever is in it ships."""
    files = [one for one in (ROOT / top).rglob("*") if one.is_file() and "__pycache__" not in one.parts]
    return {str(one.relative_to(ROOT)): one.read_bytes() for one in files}


def test_every_file_of_the_app_is_packaged() -> None:
    expected = {"app.py": (ROOT / "app.py").read_bytes(), **ours("chalicelib")}
    others = {name for name in sources(code()) if not name.startswith(COMPILED)} - expected.keys()
    assert sorted(others) == sorted(CHALICES_OWN)
    assert sorted(expected.keys() - code().keys()) == []
    assert [name for name in expected if code()[name] != expected[name]] == []


@pytest.mark.parametrize("kind", ["web/templates/", "web/static/", "adapters/rendering/mail_texts/"])
def test_what_is_read_at_run_time_is_among_it(kind: str) -> None:
    assert [name for name in code() if name.startswith(f"chalicelib/{kind}")]


def test_every_module_has_its_bytecode_beside_it() -> None:
    """Of this Python, which is the one that it will run on, and never compared with a source that has no date."""
    for zipped in (code(), contents("layer-deployment.zip")):
        modules = {name for name in zipped if name.endswith(".py")}
        assert {name for name in zipped if name.endswith(".pyc")} == set(map(cache_from_source, modules))
        for name in modules:
            header = zipped[cache_from_source(name)][:16]
            assert header[:4] == importlib.util.MAGIC_NUMBER, name
            assert int.from_bytes(header[4:8], "little") == HASHED_AND_NEVER_CHECKED, name
            assert header[8:] == importlib.util.source_hash(zipped[name]), name


def test_every_template_is_packaged_compiled_as_it_is_now(tmp_path: Path) -> None:
    templates.compile_into(tmp_path)
    made = {f"{COMPILED}{one.relative_to(tmp_path)}": one.read_bytes() for one in tmp_path.rglob("*.py")}
    packaged = {name: content for name, content in sources(code()).items() if name.startswith(COMPILED)}
    assert sorted(packaged.keys() ^ made.keys()) == []
    assert [name for name in made if made[name] != packaged[name]] == []
    names = {kind: len(one.list_templates()) for kind, one in templates.environments().items()}
    assert {kind: len([name for name in made if name.split("/")[2] == kind]) for kind in names} == names


def test_aws_is_described_as_far_as_it_is_called() -> None:
    """botocore knows more than 400 services: what it says of ours, word for word, without the documentation."""
    assert set(botocore_data.SERVICES) == SERVICES_CALLED
    data = {name: content for name, content in layer().items() if name.startswith("botocore/data/")}
    assert {name.split("/")[2] for name in data if name.count("/") > 2} == SERVICES_CALLED
    installed = Path(botocore.__file__).parents[1]
    for name, content in data.items():
        original = (installed / name).read_bytes()
        if name.endswith(".json.gz"):
            told = botocore_data.undocumented(json.loads(gzip.decompress(original)))
            assert json.loads(gzip.decompress(content)) == told, name
        elif name != "botocore/data/endpoints.json":
            assert content == original, name


def test_a_member_called_documentation_stays_and_so_does_the_text_that_botocore_asks_for() -> None:
    model = {
        "documentation": "words",
        "members": {"documentation": {"documentation": "words", "shape": "S"}},
        "clientContextParams": {"ForcePathStyle": {"documentation": "words", "type": "boolean"}},
    }
    assert botocore_data.undocumented(model) == {
        "members": {"documentation": {"shape": "S"}},
        "clientContextParams": {"ForcePathStyle": {"documentation": "", "type": "boolean"}},
    }


def test_the_built_styles_and_script_are_packaged() -> None:
    for name in bundle.BUILT:
        assert len(code()[f"chalicelib/web/static/{name}"]) > 10_000, name


def test_every_form_and_schema_is_packaged_through_the_link() -> None:
    assert (ROOT / "vendor" / "schemas").resolve() == ROOT / "schemas"
    packaged = {name: content for name, content in sources(layer()).items() if name.startswith("schemas/")}
    assert packaged == ours("schemas")


def test_the_layer_holds_the_pinned_packages_and_nothing_else() -> None:
    records = [name for name in layer() if name.endswith(".dist-info/RECORD")]
    found = {match[1]: match[2] for name in records if (match := re.match(r"(.+?)-([^-]+)\.dist-info", name))}
    installed = {runtime.normalised(name): version for name, version in found.items()}
    assert installed == {name: pin.version for name, pin in runtime.pins().items()}
    recorded = {line.rsplit(",", 2)[0] for name in records for line in layer()[name].decode().splitlines()}
    others = {name for name in sources(layer()) if name.strip('"') not in recorded}
    others = {name for name in others if not name.startswith("schemas/")}
    assert others == set()


def test_nothing_of_the_tests_tools_and_documents_is_packaged() -> None:
    names = [*code(), *(name for name in layer() if name.startswith("schemas/"))]
    tops = {name.split("/")[0] for name in names}
    assert tops == {"app.py", "__pycache__", "chalice", "chalicelib", "schemas"}
    assert not [name for name in names if name.endswith((".md", ".scss")) or "/." in name]


def test_it_fits_into_a_function() -> None:
    assert sum(len(one) for one in [*code().values(), *layer().values()]) < LARGEST_UNPACKED


def test_native_code_is_for_lambdas_processor_and_c_library() -> None:
    newest = runtime.GLIBC[runtime.python_version()]
    native = {name: content for name, content in layer().items() if name.endswith(".so")}
    assert any(name.startswith("jsonschema_rs/") for name in native)
    for name, content in native.items():
        assert content[:4] == b"\x7fELF", name
        assert int.from_bytes(content[18:20], "little") == X86_64, name
        needed = {int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)}
        assert max(needed, default=0) <= newest, name
    for name, content in layer().items():
        if name.endswith(".dist-info/WHEEL"):
            tags = re.findall(r"Tag: \S+-(\S+)$", content.decode(), re.MULTILINE)
            assert all(tag == "any" or tag.endswith("x86_64") for tag in tags), name


def test_functions_run_on_the_python_that_packaged_them() -> None:
    assert {one["Properties"]["Runtime"] for one in functions().values()} == {PYTHON}
    assert {tuple(one["Properties"]["Architectures"]) for one in functions().values()} == {("x86_64",)}
    (one,) = resources("AWS::Serverless::LayerVersion").values()
    assert one["Properties"]["CompatibleRuntimes"] == [PYTHON]


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for number, names in enumerate((["b.py", "a.py"], ["a.py", "b.py"])):
        file = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name, (2026, 11, 1 + number, 0, 0, 0)), f"# {name}")
        bundle.settle(file, "/var/task")
        made.append(file.read_bytes())
    assert made[0] == made[1]


def test_what_is_packaged_is_pinned_and_is_what_the_tests_run() -> None:
    """After a change of requirements.txt: .venv/bin/python -m infra.packaging.runtime"""
    pins = {name: pin.version for name, pin in runtime.pins().items()}
    wanted = runtime.wanted()
    assert {name: pins.get(name) for name in wanted} == wanted
    assert all(pin.hashes for pin in runtime.pins().values())
    dev = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)$", dev, re.MULTILINE))
    assert {name: version for name, version in pins.items() if name not in wanted} == {
        name: version for name, version in listed.items() if name in pins
    }, "requirements-dev.txt pins what the pinned packages bring with them"
    assert {name: importlib.metadata.version(name) for name in pins} == pins
