"""The code knows no form by name: with another id, other stages and other fields, a claim goes its whole way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.form import Form
from infra.forms.check import check
from infra.local.options import ROOT
from tests.builders import claim_answers, submitted
from tests.unit.scenes import a_scene, check_promises

NEW_NAMES = {
    "funding-claim": "grant-request",
    "force-lead": "first-look",
    "programme": "second-look",
    "finance": "third-look",
    "event_title": "called",
    "cost_lines": "outlays",
    "amount_pence": "price",
    "purpose": "why",
    "claimant_email": "write_to",
    "innovation_day": "belongs_to",
}


def renamed(text: str) -> str:
    for name, new in NEW_NAMES.items():
        text = text.replace(f'"{name}"', f'"{new}"').replace(f'"{name}.v1"', f'"{new}.v1"')
    return text.replace('"second-look": "innovation-days"', '"programme": "innovation-days"')


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """Our own files, in which the claim has other names everywhere."""
    for path in (ROOT / "schemas").rglob("*.json"):
        to = tmp_path / "schemas" / path.relative_to(ROOT / "schemas")
        to = to.with_name(to.name.replace("funding-claim", "grant-request"))
        to.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        is_claim = "funding-claim" in path.name
        to.write_text(renamed(text) if is_claim else text, encoding="utf-8")
    # An export's column for the amount is the record's own.
    form = tmp_path / "schemas" / "forms" / "grant-request.v1.json"
    text = form.read_text(encoding="utf-8")
    form.write_text(text.replace('"field": "price"', '"field": "amount_pence"'), encoding="utf-8")
    return tmp_path / "schemas"


def answers(form: Form) -> dict[str, object]:
    given = {NEW_NAMES.get(name, name): value for name, value in claim_answers().items()}
    rows = claim_answers()["cost_lines"]
    given["outlays"] = [{NEW_NAMES.get(name, name): value for name, value in row.items()} for row in rows]
    return {name: value for name, value in given.items() if form.question(name)}


def test_the_renamed_files_have_no_fault(schemas: Path) -> None:
    assert [str(fault) for fault in check(schemas)] == []


def test_a_claim_with_other_names_is_approved_and_its_money_committed(schemas: Path) -> None:
    forms = FormFiles(schemas)
    form = forms.form("grant-request")
    there = a_scene()
    there = replace(there, parts=replace(there.parts, forms=forms), form=form)
    receipt = submitted(there.parts, form, answers(form))
    there.approve_up_to(receipt.reference, "the end")
    one = there.case(receipt.reference).submission
    assert (one.form, one.status.value, one.title) == (
        "grant-request",
        "approved",
        claim_answers()["event_title"],
    )
    assert set(one.approved_by) >= {"first-look", "second-look"}
    assert (
        one.committed_pence
        == one.amount_pence
        == sum(row["amount_pence"] for row in claim_answers()["cost_lines"])
    )
    check_promises(there)
