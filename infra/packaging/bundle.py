"""The package that Lambda runs and the template that Chalice makes, from a copy of what ships and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import botocore

from chalicelib.adapters.rendering.templates import COMPILED
from infra.packaging import botocore_data, bytecode, templates
from infra.packaging.runtime import ROOT, CannotPackage, python_version, unpack_into

STAGE = "aws"
BUILT = ("govuk.css", "govuk-frontend.js")
ZIPS = {"deployment.zip": "/var/task", "layer-deployment.zip": "/opt"}
"""And where Lambda unpacks them."""

MIDNIGHT = (1980, 1, 1, 0, 0, 0)
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")

CHALICE = """
import sys
from chalice.cli import main
sys.argv = ['chalice', *sys.argv[1:]]
sys.exit(main())
"""


def make(out: Path) -> Path:
    """Write both zips into a folder. Returns the template there, as Chalice merged it with infra/resources.yaml."""
    static = ROOT / "chalicelib" / "web" / "static"
    missing = [name for name in BUILT if not (static / name).is_file()]
    if missing:
        raise CannotPackage(f"{' and '.join(missing)} not built yet: make install")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        _copy_what_ships(project)
        unpack_into(project / "vendor", python_version())
        botocore_data.cut_down(project / "vendor" / "botocore" / "data")
        templates.compile_into(project / "chalicelib" / COMPILED.name)
        _chalice(project, out)
    for name, unpacked_at in ZIPS.items():
        settle(out / name, unpacked_at)
    return out / "sam.yaml"


def _copy_what_ships(project: Path) -> None:
    """A folder of its own: Chalice ships every file it finds, compiled ones of other Pythons included, and takes
    an old package for a new one where only a file's name has changed (aws/chalice#1611)."""
    shutil.copytree(ROOT / "chalicelib", project / "chalicelib", ignore=NOT_SHIPPED)
    shutil.copytree(ROOT / "vendor", project / "vendor", ignore=NOT_SHIPPED)  # follows the link to schemas/
    shutil.copytree(ROOT / ".chalice" / "policies", project / ".chalice" / "policies")
    shutil.copy(ROOT / ".chalice" / "config.json", project / ".chalice" / "config.json")
    shutil.copy(ROOT / "app.py", project / "app.py")
    (project / "requirements.txt").write_text("# all in vendor/\n", encoding="utf-8")


def _chalice(project: Path, out: Path) -> None:
    resources = ROOT / "infra" / "resources.yaml"
    command = ["package", "--stage", STAGE, "--merge-template", str(resources), str(out)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", CHALICE, *command],
        cwd=project,
        env=chalices_environment(os.environ),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise CannotPackage(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")


def chalices_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment that Chalice packages in. Nobody's AWS settings count, and coverage does not follow: it would
    report on the copy's files, which are gone when it does."""
    kept = {name: value for name, value in env.items() if not name.startswith(("AWS_", "COVERAGE_"))}
    return {
        **kept,
        "AWS_DEFAULT_REGION": "eu-west-2",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "vendor",
        # Chalice itself makes clients of services that we do not call: it has the data that is installed here.
        "AWS_DATA_PATH": str(Path(botocore.__file__).parent / "data"),
    }


def settle(file: Path, unpacked_at: str) -> None:
    """Write a zip again, with bytecode, and so that the same content makes the same bytes: sorted, undated, modes as
    Lambda needs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        bytecode.beside(folder, unpacked_at)
        contents = {str(one.relative_to(folder)): one for one in folder.rglob("*") if one.is_file()}
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(contents):
                entry = zipfile.ZipInfo(path, date_time=MIDNIGHT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, contents[path].read_bytes())
