"""Compares three JSON Schema validators on the claim form: `make bench-validators`.

Start-up is measured in fresh processes, hostile input in processes that are killed after a time limit. All times
are CPU time, which a busy machine changes less than time on the clock. The figures in
docs/adr/0003-jsonschema-rs-validates-submissions.md come from here.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import py_compile
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from bench.machine import ROOT, processors
from chalicelib.adapters.files.form_files import FormFiles

FORM = "funding-claim"
VALIDATORS = {
    "jsonschema": "jsonschema",
    "jsonschema-rs": "jsonschema_rs",
    "fastjsonschema": "fastjsonschema",
}
COMPILES = "fastjsonschema"
"""This one turns a schema into Python code, which can be done when the package is built."""
NEEDS = {
    "jsonschema": ("jsonschema", "jsonschema-specifications", "referencing", "rpds-py", "attrs"),
    "jsonschema-rs": ("jsonschema-rs",),
    "fastjsonschema": ("fastjsonschema",),
}
STARTS = 9
ROUNDS = 9
LIMIT_SECONDS = 20.0

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Each: what it is, its schema, its value, and whether a careful reader would call the value valid.
HOSTILE: dict[str, tuple[str, dict[str, Any], Any, bool]] = {
    "backtracking": ("pattern `^(a+)+$`, 28 characters", {"pattern": "^(a+)+$"}, "a" * 27 + "!", False),
    "unique": ("`uniqueItems`, 2,000 objects", {"uniqueItems": True}, [{"n": n} for n in range(2000)], True),
    "newline": ("`$` before a last line break", {"pattern": "^[A-Z]{2}[0-9]{4}$"}, "AB1234\n", False),
    "digits": (r"`\d` and Arabic digits", {"pattern": r"^\d{4}$"}, "\u0661\u0662\u0663\u0664", False),
    "header": ("`email` with CR LF", {"format": "email"}, "a@example.org\r\nBcc: b@example.org", False),
}

Problems = set[tuple[str, str]]
Check = Callable[[Any], Problems]


def main() -> None:
    """Measure everything and print one table; the other modes are this program's own fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", choices=VALIDATORS)
    parser.add_argument("--compiled", metavar="FOLDER", help="where the compiled schema is")
    parser.add_argument("--hostile", nargs=2, metavar=("VALIDATOR", "CASE"))
    given = parser.parse_args()
    if given.compiled:
        print(json.dumps(measure_compiled(given.compiled)))
    elif given.start:
        print(json.dumps(measure_start(given.start)))
    elif given.hostile:
        print(json.dumps(measure_hostile(*given.hostile)))
    else:
        print(report())


def report() -> str:
    """The table in Markdown, with the machine and the date."""
    check_that_they_agree()
    starts = start_times()
    columns = [[*starts[name], *speeds(name), *sizes(name), *attacks(name)] for name in VALIDATORS]
    names = [f"{name} {distribution(name).version}" for name in VALIDATORS]
    labels = [
        f"import, build, first check: median of {STARTS} fresh processes",
        "of which import",
        "the same, the schema compiled when the package is built",
        "a valid claim",
        "a claim with 10 wrong answers, all collected",
        "installed size, with what it needs",
        *(what for what, *_ in HOSTILE.values()),
    ]
    lines = [_row("", *names), _row("---", *["---:"] * len(names))]
    lines += [_row(label, *cells) for label, *cells in zip(labels, *columns)]
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {processors()}"
    return "\n".join([*lines, "", f"{date.today().isoformat()}. {machine}."])


def check_that_they_agree() -> None:
    """Comparing speed means something only where all find the same problems."""
    schema = _schema()
    for answers, count in ((valid_claim(), 0), (wrong_claim(), 10)):
        found = {name: checker(name, schema)(answers) for name in VALIDATORS}
        if len({frozenset(problems) for problems in found.values()}) != 1:
            raise SystemExit(f"the validators disagree: {found}")
        if len(found["jsonschema"]) != count:
            raise SystemExit(f"expected {count} problems: {found['jsonschema']}")


def checker(name: str, schema: dict[str, Any]) -> Check:
    """Builds the validator as the product would, our two formats included. Checks to (pointer, keyword) pairs."""
    from chalicelib.domain.intake.references import is_reference
    from chalicelib.domain.people.mailboxes import is_mailbox

    formats: dict[str, Callable[[str], bool]] = {"mailbox": is_mailbox, "reference": is_reference}
    return {
        "jsonschema": _with_jsonschema,
        "jsonschema-rs": _with_rust,
        "fastjsonschema": _with_generated_code,
    }[name](schema, formats)


def _with_jsonschema(schema: dict[str, Any], formats: dict[str, Callable[[str], bool]]) -> Check:
    from jsonschema import Draft202012Validator, FormatChecker

    known = FormatChecker()
    for name, is_right in formats.items():
        known.checks(name)(lambda value, is_right=is_right: not isinstance(value, str) or is_right(value))
    validator = Draft202012Validator(schema, format_checker=known)

    def check(answers: Any) -> Problems:
        return {
            (_pointer(error.absolute_path), str(error.validator)) for error in validator.iter_errors(answers)
        }

    return check


def _with_rust(schema: dict[str, Any], formats: dict[str, Callable[[str], bool]]) -> Check:
    from jsonschema_rs import Draft202012Validator

    validator = Draft202012Validator(schema, validate_formats=True, formats=formats)

    def check(answers: Any) -> Problems:
        return {(_pointer(error.instance_path), error.kind.name) for error in validator.iter_errors(answers)}

    return check


def _with_generated_code(schema: dict[str, Any], formats: dict[str, Callable[[str], bool]]) -> Check:
    """It knows drafts up to 7 and 2019-09, and takes 2020-12 for 7: our forms use nothing in which they differ."""
    import fastjsonschema

    # `use_default` would write into the answers.
    validate = fastjsonschema.compile(schema, formats=formats, use_default=False, fast_fail=False)
    return _checks_with(validate)


def _checks_with(validate: Callable[[Any], Any]) -> Check:
    from fastjsonschema import JsonSchemaValuesException

    def check(answers: Any) -> Problems:
        try:
            validate(answers)
        except JsonSchemaValuesException as error:
            return {(_pointer(one.path[1:]), str(one.rule)) for one in error.errors}
        return set()

    return check


def start_times() -> dict[str, list[str]]:
    """All in turn, so that a slow moment of the machine meets all of them."""
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in VALIDATORS}
    compiled: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        _compile_into(Path(folder))
        for _ in range(STARTS):
            for name in VALIDATORS:
                measured[name].append(_in_fresh_process("--start", name))
            compiled.append(_in_fresh_process("--compiled", folder))
    return {
        name: [
            _median(runs, "total_ms"),
            _median(runs, "import_ms"),
            _median(compiled, "total_ms") if name == COMPILES else "",
        ]
        for name, runs in measured.items()
    }


def _median(runs: list[dict[str, float]], name: str) -> str:
    return f"{statistics.median(one[name] for one in runs):.0f} ms"


def _compile_into(folder: Path) -> None:
    """A module of the form's schema, with its bytecode, as a package would have it."""
    import fastjsonschema

    formats = dict.fromkeys(("mailbox", "reference"), bool)
    code = fastjsonschema.compile_to_code(_schema(), formats=formats, use_default=False, fast_fail=False)
    module = folder / "compiled_form.py"
    module.write_text(code, encoding="utf-8")
    py_compile.compile(str(module), doraise=True)


def measure_compiled(folder: str) -> dict[str, float]:
    """As measure_start, with the schema compiled already."""
    importlib.import_module("chalicelib.domain.forms.answers")
    sys.path.insert(0, folder)
    began = time.process_time()
    compiled = importlib.import_module("compiled_form")
    from chalicelib.domain.intake.references import is_reference
    from chalicelib.domain.people.mailboxes import is_mailbox

    formats = {"mailbox": is_mailbox, "reference": is_reference}
    if _checks_with(lambda answers: compiled.validate(answers, formats))(valid_claim()):
        raise SystemExit("the compiled schema refuses what is valid")
    return {"total_ms": (time.process_time() - began) * 1e3}


def measure_start(name: str) -> dict[str, float]:
    """In a process that has imported none: time to import, and to have a validator that has checked once."""
    schema = _schema()
    importlib.import_module("chalicelib.domain.forms.answers")  # what all need for the formats
    began = time.process_time()
    importlib.import_module(VALIDATORS[name])
    imported = time.process_time()
    checker(name, schema)(valid_claim())
    done = time.process_time()
    return {"import_ms": (imported - began) * 1e3, "total_ms": (done - began) * 1e3}


def speeds(name: str) -> list[str]:
    """Microseconds for each kind of claim, with the validator built."""
    check = checker(name, _schema())
    return [f"{_microseconds(check, answers):,.0f} µs" for answers in (valid_claim(), wrong_claim())]


def _microseconds(check: Check, answers: Any) -> float:
    check(answers)
    best = []
    for _ in range(ROUNDS):
        began, count = time.process_time(), 0
        while time.process_time() - began < 0.2:
            check(answers)
            count += 1
        best.append((time.process_time() - began) / count * 1e6)
    return statistics.median(best)


def sizes(name: str) -> list[str]:
    """Of the files that pip installs, byte code aside."""
    total = 0
    for needed in NEEDS[name]:
        one = distribution(needed)
        paths = [
            Path(str(one.locate_file(file))) for file in one.files or () if "__pycache__" not in file.parts
        ]
        total += sum(path.stat().st_size for path in paths if path.is_file())
    return [f"{total / 1e6:.1f} MB"]


def attacks(name: str) -> list[str]:
    """What comes of each hostile value, and when."""
    return [_attack(name, case) for case in HOSTILE]


def _attack(name: str, case: str) -> str:
    wanted = HOSTILE[case][3]
    try:
        found = _in_fresh_process("--hostile", name, case, within=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"stopped after {LIMIT_SECONDS:.0f} s"
    words = "accepted" if found["valid"] else "refused"
    verdict = words if found["valid"] == wanted else f"**{words}, wrongly**"
    took = found["seconds"]
    return f"{verdict}, {took:.1f} s" if took >= 0.1 else f"{verdict}, {_few_ms(took)}"


def _few_ms(seconds: float) -> str:
    return "under 1 ms" if seconds < 0.001 else f"{seconds * 1e3:.0f} ms"


def measure_hostile(name: str, case: str) -> dict[str, float]:
    """One check of one hostile value, the validator being built already."""
    _, rule, value, _ = HOSTILE[case]
    check = checker(name, {"$schema": DIALECT, **rule})
    began = time.process_time()
    problems = check(value)
    return {"valid": not problems, "seconds": time.process_time() - began}


def _in_fresh_process(*arguments: str, within: float | None = None) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.validators", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def valid_claim() -> dict[str, Any]:
    """A claim as the form wants it, with three cost lines."""
    return {
        "force": "kent",
        "event_title": "Kent innovation day",
        "event_date": "2027-03-25",
        "venue_name": "Maidstone Leisure Centre",
        "venue_postcode": "ME15 7RN",
        "expected_attendance": 120,
        "cost_lines": [
            {"description": "Hall for one day", "category": "venue-hire", "amount_pence": 150_000},
            {"description": "Lunch for 120", "category": "catering", "amount_pence": 96_000},
            {"description": "Two microphones", "category": "av-equipment", "amount_pence": 12_050},
        ],
        "purpose": "Officers and staff bring ideas from the front line and work them out in groups.",
        "claimant_name": "Alex Example",
        "claimant_email": "alex@example.police.uk",
        "claimant_role": "Inspector",
        "declaration": True,
    }


def wrong_claim() -> dict[str, Any]:
    """The same with ten wrong answers, each of another kind."""
    claim = valid_claim()
    del claim["venue_name"]
    claim["cost_lines"][1]["amount_pence"] = 0
    return {
        **claim,
        "force": "atlantis",
        "event_title": "x" * 151,
        "event_date": "2027-02-30",
        "venue_postcode": "nowhere",
        "expected_attendance": "many",
        "purpose": "Too short",
        "claimant_email": "a@example.org, b@example.org",
        "declaration": False,
    }


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = dict(FormFiles().form(FORM).schema)
    return schema


def _pointer(path: Any) -> str:
    return "".join(f"/{step}" for step in path)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
