"""Which Python the functions run on, and the packages they have: exactly those of runtime.txt, checked by hash.

`python -m infra.packaging.runtime` writes runtime.txt anew after a change of requirements.txt.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = Path(__file__).with_name("runtime.txt")
REQUIREMENTS = ROOT / "requirements.txt"
CACHE = ROOT / ".make" / "wheels"

GLIBC = {"3.11": 26, "3.12": 34, "3.13": 34, "3.14": 34}
"""Lambda's Pythons, and which glibc 2.x each has (Amazon Linux 2, then 2023)."""

BUILDERS_ONLY = "chalice"
"""Chalice copies the two modules that run into the package by itself; the rest of it builds and deploys."""

HEAD = """\
# The packages that run on Lambda, with what they need. Made by `python -m infra.packaging.runtime`.
# One hash for each file that one of Lambda's Pythons (x86_64) takes; nothing else is packaged.
"""


class CannotPackage(Exception):
    """Said in one line to whoever runs `make package`."""


@dataclass
class Pin:
    """One package in one version."""

    version: str
    hashes: set[str] = field(default_factory=set)


def python_version() -> str:
    """The Python that packages is the one that will run: what was tested is what is deployed."""
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    if found not in GLIBC:
        raise CannotPackage(f"Python {found} packages nothing: Lambda has {', '.join(GLIBC)}")
    return found


def pins() -> dict[str, Pin]:
    """What runtime.txt says, by normalised name."""
    found: dict[str, Pin] = {}
    for line in PINS.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([a-z0-9-]+)==(\S+) ", line)
        if match:
            found[match[1]] = Pin(match[2], set(re.findall(r"--hash=sha256:([0-9a-f]+)", line)))
    return found


def normalised(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> dict[str, str]:
    """The pins of requirements.txt that run."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    found = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {normalised(name): version.strip() for name, version in found.items() if name != BUILDERS_ONLY}


def unpack_into(folder: Path, python: str) -> None:
    """Put all packages into a folder, as pip would install them. From the cache where it has them."""
    with tempfile.TemporaryDirectory() as fetched:
        command = ["download", "--no-deps", "--require-hashes", "--requirement", str(PINS), "--dest", fetched]
        command += _platform(python)
        if _pip([*command, "--no-index", "--find-links", str(CACHE)]).returncode:
            answer = _pip(command)
            if answer.returncode:
                raise CannotPackage(f"pip could not fetch the packages: {_last_error(answer.stderr)}")
        for wheel in sorted(Path(fetched).glob("*.whl")):
            _keep(wheel)
            _unpack(wheel, folder)


def _keep(wheel: Path) -> None:
    """For the next time. Whoever packages at the same moment finds the file whole, or not at all."""
    content, kept = wheel.read_bytes(), CACHE / wheel.name
    if kept.exists() and kept.read_bytes() == content:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as partial:
        partial.write(content)
    Path(partial.name).replace(kept)


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        if any(".data/" in name for name in archive.namelist() if "/scripts/" not in name):
            raise CannotPackage(f"{wheel.name} wants to be installed in parts, which is not done here")
        for name in archive.namelist():
            if ".data/" not in name:  # scripts: nobody runs them on Lambda
                archive.extract(name, folder)


def _platform(python: str) -> list[str]:
    glibc = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC[python], 4, -1)]
    tags = [*glibc, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
    abis = ["cp" + python.replace(".", ""), "abi3", "none"]
    return [
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", python),
        *(part for tag in tags for part in ("--platform", tag)),
        *(part for abi in abis for part in ("--abi", abi)),
    ]


def _pip(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603


def _last_error(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else text.strip()[-300:]


def resolve() -> dict[str, Pin]:
    """What requirements.txt needs today, on every Python of Lambda. Asks the package index."""
    found: dict[str, Pin] = {}
    asked = [f"{name}=={version}" for name, version in wanted().items()]
    for python in GLIBC:
        for name, version, digest in _report(asked, python):
            pin = found.setdefault(name, Pin(version))
            if pin.version != version:
                raise CannotPackage(f"{name} is {pin.version} for one Python and {version} for another")
            pin.hashes.add(digest)
    return found


def _report(asked: list[str], python: str) -> Iterator[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        command = ["install", "--dry-run", "--ignore-installed", "--target", folder, "--report", "-"]
        answer = _pip([*command, *_platform(python), *asked])
        if answer.returncode:
            raise CannotPackage(f"pip could not resolve the packages: {_last_error(answer.stderr)}")
        for one in json.loads(answer.stdout)["install"]:
            metadata, archive = one["metadata"], one["download_info"]["archive_info"]
            yield normalised(metadata["name"]), metadata["version"], archive["hashes"]["sha256"]


def digest(content: bytes) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Write runtime.txt."""
    lines = [
        " ".join([f"{name}=={pin.version}", *(f"--hash=sha256:{one}" for one in sorted(pin.hashes))])
        for name, pin in sorted(resolve().items())
    ]
    PINS.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
