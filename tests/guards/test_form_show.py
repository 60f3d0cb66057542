"""A form in words holds everything that its files say."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.form import Form
from infra.forms.__main__ import main
from infra.forms.check import SCHEMAS
from infra.forms.show import show
from tests.forms import FOLDER

FORMS = FormFiles().all()
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)


def told(form: Form) -> str:
    """The form in words, on one line."""
    return re.sub(r"\s+", " ", show(form.id))


@each_form
def test_every_question_column_hint_and_choice_is_in_it(form: Form) -> None:
    words = told(form)
    for question in form.questions():
        for one in (question, *question.columns):
            assert f"{one.label} [{one.name}, {one.widget.word}]" in words
            assert one.hint in words
            assert one.options == () or one.options[0].label in words
    for page in form.pages:
        assert f"Page: {page.title}" in words
    for stage in form.workflow.stages:
        assert f"{stage.title} [{stage.name}" in words
        for choice in stage.choices:
            assert choice.label in words


@each_form
def test_all_outcomes_that_are_kept_and_all_columns_are_in_it(form: Form) -> None:
    words = told(form)
    data = json.loads((SCHEMAS / "forms" / f"{form.id}.v{form.version}.json").read_text(encoding="utf-8"))
    assert data["retention"]
    for outcome in data["retention"]:
        assert re.search(rf"{outcome} [0-9]+ (year|month|day)s?[;.]", words), outcome
    for _, heading in form.export:
        assert heading in words.partition("Exported: ")[2]


@pytest.mark.parametrize(
    "words",
    [
        "Must be answered; 20 to 4,000 characters; on several lines",
        "Must be answered; a whole number from 1 to 5,000.",
        "May be left out; a reference of ours; matches ^DAY-.",
        "Must be answered; must be ticked.",
        "Must be answered; 1 to 20 rows.",
        "One of 43: Avon and Somerset Constabulary; Bedfordshire Police;",
        "Addresses must be at police.uk, college.police.uk, or below.",
        "One innovation lead (of the force) is asked. Deputy: deputy innovation lead (of the force).",
        "5 working days to decide, the deputy 3 working days; then the coordinators are told.",
        "are told. Reminded 1 working day before the end.",
        "Approve the claim: on to programme; reserves the money.",
        "on to finance from £5,000; else ends as approved, which commits the money.",
        "Reject the claim: ends as rejected, which frees the money; a reason must be given.",
        "Ask for changes first: back to the submitter for changes.",
        "Changes: 20 working days; then it lapses. Reminded 10 working days and 3 working days before the end.",
        "to the first one where force or event_date or cost_lines changed.",
        "Money: from the fund ptf, reserved at force-lead.",
        "Published: nothing.",
    ],
)
def test_a_claim_in_words(words: str) -> None:
    assert words in told(FormFiles().form("funding-claim"))


@pytest.mark.parametrize(
    "words",
    [
        "Seen by: everybody, where a submission is published.",
        "Where withhold_name is ticked, only by: coordinator (national), national idea reviewer (national).",
        "2 must choose alike, else 'no-majority' stands.",
        "Publish the idea: on to national-review; meanwhile it is published.",
        "No majority (nobody chooses it): on to casting.",
        "Only what somebody chose at leaders may be chosen.",
        "May be left out; yes if ticked.",
        "Any address is taken.",
        "Money: none.",
        "Published: title, improvement, category, scale, tried, force, role.",
    ],
)
def test_an_idea_in_words(words: str) -> None:
    assert words in told(FormFiles().form("idea"))


def test_the_command_prints_it_and_says_where_there_is_no_such_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "idea"]) == 0
    assert capsys.readouterr().out == show("idea")
    assert main(["show", "mood"]) == 2
    assert main(["show", "idea", "--version", "7"]) == 2
    assert "This form has no version 7" in capsys.readouterr().err


def test_what_a_choice_asks_for_is_told_and_each_widget_by_its_word(tmp_path: Path) -> None:
    folder = shutil.copytree(SCHEMAS, tmp_path / "schemas")
    shutil.copytree(FOLDER / "forms", folder / "forms", dirs_exist_ok=True)
    shutil.copytree(FOLDER / "workflows", folder / "workflows", dirs_exist_ok=True)
    shown = re.sub(r"\s+", " ", show("everything", folder=folder))
    assert "Approve the request: on to programme; asks for Day, Room." in shown
    assert "[contact_email, email]" in shown
