"""What a form or workflow file cannot mean is refused, by the file's name and the place in it."""

from __future__ import annotations

import json
import shutil
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from infra.forms.__main__ import main
from infra.forms.check import SCHEMAS, check

CLAIM, IDEA = "forms/funding-claim.v1.json", "forms/idea.v1.json"
CLAIMS, IDEAS = "workflows/funding-claim.v1.json", "workflows/idea-escalation.v1.json"
GONE = object()
"""Takes a member out."""

A_QUESTION = {"name": "mood", "label": "Mood", "widget": "text"}
FORCE, COSTS, CATEGORY = "pages/0/questions/0", "pages/1/questions/0", "pages/1/questions/0/columns/1"

Broken = tuple[str, str, Any, str, str]
"""File, the member that is changed (`a/b/0`; `+` appends), its new value; the place and the words of the fault."""

FORMS: list[Broken] = [
    (CLAIM, "mood", "good", "", "'mood' was unexpected"),
    (CLAIM, "noun", GONE, "", '"noun" is a required property'),
    (CLAIM, "id", "claims", "", "the file must be called claims.v1.json"),
    (IDEA, "reference_prefix", "CLM", "reference_prefix", "the form 'funding-claim' has the same"),
    (CLAIM, "schema/properties/force/type", "strong", "schema/properties/force/type", "is not valid"),
    (CLAIM, "schema/properties/mood", {"type": "boolean"}, "schema/mood", "no question asks for it"),
    (CLAIM, "schema/properties/mood", {"type": "number"}, "schema/mood", "type 'number' is none of"),
    (CLAIM, "schema/required/+", "mood", "schema/required", "there is no field 'mood'"),
    (CLAIM, "pages/0/questions/+", A_QUESTION, "pages/0/questions/7/name", "there is no field 'mood'"),
    (CLAIM, "pages/0/questions/1/name", "force", "pages", "two questions ask for 'force'"),
    (CLAIM, "pages/0/questions/1/name", "csrf", "pages/0/questions/1/name", "a field of the page itself"),
    (CLAIM, "pages/1/id", "the-day", "pages", "two pages have the id 'the-day'"),
    (CLAIM, f"{COSTS}/columns/+", A_QUESTION, f"{COSTS}/columns/3/name", "no field 'mood' in 'cost_lines'"),
    (CLAIM, f"{COSTS}/columns/0", GONE, "schema/cost_lines/*/description", "no column asks for it"),
    (CLAIM, f"{FORCE}/options_from", "ranks", f"{FORCE}/options_from", "not the list of the field (forces)"),
    (CLAIM, f"{FORCE}/options_from", GONE, f"{FORCE}/options_from", "not the list of the field (forces)"),
    (CLAIM, "schema/properties/force/x-list", "ranks", "schema", "there is no list 'ranks'"),
    (CLAIM, f"{CATEGORY}/options/0", GONE, f"{CATEGORY}/options", "not what the field's enum allows"),
    (CLAIM, f"{CATEGORY}/options/0/value", "hall", f"{CATEGORY}/options", "not what the field's enum allows"),
    (CLAIM, f"{CATEGORY}/options", GONE, f"{CATEGORY}/options", "there is nothing to select"),
    (CLAIM, f"{CATEGORY}/widget", "textarea", f"{CATEGORY}/widget", "x-multiline and textarea go together"),
    (CLAIM, f"{FORCE}/errors/required", GONE, f"{FORCE}/errors", "no words for 'required', which can happen"),
    (CLAIM, f"{FORCE}/errors/enum", GONE, f"{FORCE}/errors", "no words for 'enum', which can happen"),
    (CLAIM, f"{FORCE}/errors/minimum", "More", f"{FORCE}/errors/minimum", "this cannot happen"),
    (CLAIM, f"{FORCE}/errors/enum", "Of {place}", f"{FORCE}/errors/enum", "only {limit} and {label}"),
    (CLAIM, "title_field", "mood", "title_field", "there is no field 'mood'"),
    (CLAIM, "title_field", "claimant_name", "title_field", "it is personal"),
    (CLAIM, "title_field", "claimant_phone", "title_field", "'claimant_phone' is not required"),
    (CLAIM, "email_field", "mood", "email_field", "there is no field 'mood'"),
    (CLAIM, "email_field", "event_title", "email_field", "of the format 'mailbox'"),
    (CLAIM, "restart_if_changed/+", "mood", "restart_if_changed", "there is no field 'mood'"),
    (CLAIM, "restart_if_changed", ["cost_lines"], "restart_if_changed", "it must name 'force'"),
    (CLAIM, "restart_if_changed", ["force"], "restart_if_changed", "the amount depends on 'cost_lines'"),
    (CLAIM, "schema/properties/claimant_name/x-public", True, "schema/claimant_name", "personal and public"),
    (CLAIM, "retention/forgotten", "P1Y", "retention/forgotten", "there is no status 'forgotten'"),
    (CLAIM, "export/columns/0/field", "mood", "export/columns/0/field", "there is no mood"),
    (CLAIM, "export/columns/0/field", "claimant_name", "export/columns/0/field", "claimant_name is personal"),
    (CLAIM, "export/columns", [], "export/columns", "there are none"),
    (CLAIM, "workflow", "claims.v1", "workflow", "the workflow 'claims.v1' is not there"),
    (CLAIM, "workflow", "funding-claim", "workflow", "does not match"),
    (CLAIM, "workflow", "idea-escalation.v1", "reserve_at", "the workflow has no stage 'force-lead'"),
    (IDEA, "workflow", "funding-claim.v1", "workflow", "finance is for amounts, and the form has no fund"),
    (CLAIM, "fund", GONE, "", '"fund" is a required property'),
    (
        CLAIM,
        "amount/column",
        "mood",
        "amount",
        "there is no column 'mood' of the widget money in 'cost_lines'",
    ),
    (
        CLAIM,
        "amount/group",
        "mood",
        "amount",
        "there is no column 'amount_pence' of the widget money in 'mood'",
    ),
    (IDEA, "publishes/at", "mood", "publishes/at", "the workflow has no stage 'mood'"),
    (
        IDEA,
        "publishes/filter",
        "title",
        "publishes/filter",
        "'title' is no public field of the widget select",
    ),
    (CLAIM, "reserve_at", "mood", "reserve_at", "the workflow has no stage 'mood'"),
    (CLAIM, "reserve_at", "programme", "reserve_at", "no later stage commits every amount"),
    (CLAIM, "reserve_at", "finance", "reserve_at", "not every amount comes to this stage"),
]
WORKFLOWS: list[Broken] = [
    (CLAIMS, "fund", "ptf", "", "'fund' was unexpected"),
    (CLAIMS, "version", 2, "", "the file must be called funding-claim.v2.json"),
    (CLAIMS, "stages/1/name", "force-lead", "stages", "two stages are called 'force-lead'"),
    (CLAIMS, "stages/1/name", "changes", "stages/1/name", "a meaning of its own"),
    (CLAIMS, "stages/0/from_pence", 5, "stages/0/from_pence", "every submission starts here"),
    (CLAIMS, "stages/0/choices/+", "adopt", "stages/0/choices", "there is no choice 'adopt'"),
    (CLAIMS, "choices/reject/status", "refused", "choices/reject/status", "there is no status 'refused'"),
    (CLAIMS, "choices/reject/status", "lapsed", "choices/reject/status", "nobody can choose 'lapsed'"),
    (CLAIMS, "choices/reject/needs_reason", False, "choices/reject/needs_reason", "gives the reason"),
    (CLAIMS, "choices/reject/passing", "published", "choices/reject/passing", "cannot have it"),
    (
        CLAIMS,
        "choices/reject/label",
        "Approve the claim",
        "choices",
        "two have the label 'Approve the claim'",
    ),
    (CLAIMS, "choices/request-changes/status", "noted", "choices/request-changes/status", "cannot have it"),
    (CLAIMS, "choices/approve/status", GONE, "choices/approve/status", "needs a status to end with"),
    (IDEAS, "choices/publish/passing", "famous", "choices/publish/passing", "there is no status 'famous'"),
    (IDEAS, "stages/0/choices", ["decline", "refer"], "choices/publish", "no stage offers it"),
    (IDEAS, "stages/0/choices", ["decline", "refer"], "stages/0/choices", "none of them advances"),
    (CLAIMS, "stages/0/choices", ["approve", "request-changes"], "stages/0/choices", "none of them ends"),
    (IDEAS, "stages/0/choices/+", "no-majority", "stages/0/choices", "nobody can ever choose 'no-majority'"),
    (IDEAS, "choices/publish/is_offered", False, "stages/0/choices", "nobody can ever choose 'publish'"),
    (IDEAS, "choices/note/is_offered", False, "stages/1/choices", "fewer than two can be chosen"),
    (IDEAS, "stages/2/quorum", 4, "stages/2/quorum", "4 of 3 seats can never agree"),
    (CLAIMS, "stages/0/quorum", 2, "stages/0/quorum", "one person is asked"),
    (IDEAS, "stages/2/without_quorum", "note", "stages/2/without_quorum", "'note' is none of the stage's"),
    (IDEAS, "choices/no-majority/is_offered", True, "stages/2/without_quorum", "nothing may be approved"),
    (IDEAS, "stages/2/asks/panel", "board", "stages/2/asks/panel", "there is no panel 'board'"),
    (IDEAS, "stages/2/asks/panel", "board", "panels/leaders", "no stage asks this panel"),
    (
        IDEAS,
        "stages/3/choices_given_at",
        "board",
        "stages/3/choices_given_at",
        "no stage 'board' comes before",
    ),
    (
        IDEAS,
        "stages/3/choices",
        ["adopt", "decline"],
        "stages/3/choices_given_at",
        "could not be chosen here",
    ),
    (CLAIMS, "stages/0/asks/role", "mascot", "stages/0/asks/role", "has no words in ROLE_NAMES"),
    (CLAIMS, "stages/0/deputy/role", "mascot", "stages/0/deputy/role", "has no words in ROLE_NAMES"),
    (CLAIMS, "stages/0/deputy/role", "innovation-lead", "stages/0/deputy", "that of whoever is asked"),
    (IDEAS, "panels/leaders/0/asks/role", "npcc-leader", "stages/2/asks", "could not be told apart"),
    (
        IDEAS,
        "panels/leaders/0/deputy/role",
        "npcc-leader",
        "stages/2/asks",
        "one seat's deputy sits in another",
    ),
    (CLAIMS, "stages/0/reminder_days", [3], "stages/0/reminder_days", "comes before the time begins"),
    (CLAIMS, "amending/reminder_days", [20], "amending/reminder_days", "comes before the time begins"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCHEMAS, tmp_path / "schemas", ignore=shutil.ignore_patterns("*.py", "__*")))


def change(file: Path, where: str, new: Any) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    *path, last = [int(step) if step.isdecimal() else step for step in where.split("/")]
    around: Any = reduce(lambda inner, step: inner[step], path, data)
    if new is GONE:
        del around[last]
    elif last == "+":
        around.append(new)
    else:
        around[last] = new
    file.write_text(json.dumps(data), encoding="utf-8")


def test_our_own_files_have_no_fault() -> None:
    assert check() == []


@pytest.mark.parametrize(
    "broken", [*FORMS, *WORKFLOWS], ids=lambda one: f"{one[0].partition('/')[2]}:{one[1]}:{one[4]}"
)
def test_what_a_file_cannot_mean_is_refused_by_name_and_place(folder: Path, broken: Broken) -> None:
    file, where, new, place, words = broken
    change(folder / file, where, new)
    found = [fault for fault in check(folder) if fault.file == f"schemas/{file}" and fault.place == place]
    assert [fault for fault in found if words in fault.message], "\n".join(map(str, check(folder)))


def test_the_money_moves_only_by_approved_and_rejected(folder: Path) -> None:
    change(folder / CLAIMS, "choices/approve/status", "adopted")
    words = "the choice 'approve' must end with 'approved', which moves the money"
    assert [str(fault) for fault in check(folder)] == [f"schemas/{CLAIM}: workflow: {words}"]


def test_a_form_whose_workflow_has_faults_says_so(folder: Path) -> None:
    change(folder / CLAIMS, "stages/0/quorum", 2)
    assert [str(fault) for fault in check(folder)] == [
        "schemas/forms/funding-claim.v1.json: workflow: the workflow 'funding-claim.v1' has faults",
        "schemas/workflows/funding-claim.v1.json: stages/0/quorum: one person is asked",
    ]


@pytest.mark.parametrize("file", [CLAIM, CLAIMS])
def test_a_file_that_is_no_json_is_named(folder: Path, file: str) -> None:
    (folder / file).write_text("{", encoding="utf-8")
    assert any(str(fault).startswith(f"schemas/{file}: it is not JSON: ") for fault in check(folder))


def test_the_command_prints_the_faults_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out == ""
    change(folder / IDEA, f"{FORCE}/label", 5)
    assert main(["check", str(folder)]) == 1
    assert (
        "schemas/forms/idea.v1.json: pages/0/questions/0/label: 5 is not of type" in capsys.readouterr().out
    )
