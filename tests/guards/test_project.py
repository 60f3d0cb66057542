"""What people forget about the project: documents, sizes, statuses, docstrings."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.domain import errors
from chalicelib.settings import MissingSetting, Settings
from chalicelib.web.api.shapes import moment
from chalicelib.web.http import problems
from tests.builders import MONDAY

ROOT = Path(__file__).resolve().parents[2]
MODULES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
REFUSALS = sorted(
    (one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.Refused)),
    key=lambda one: one.__name__,
)
ENV = {
    "BASE_URL": "https://ideas.example.org/",
    "TABLE_NAME": "share",
    "SIGNING_KEYS": "b:" + "s" * 40 + ",a:" + "t" * 40,
    "STATE_MACHINE_ARN_PREFIX": "arn:aws:states:eu-west-2:123456789012:stateMachine:",
    "MAIL_FROM": "from@example.org",
    "MAIL_REPLY_TO": "people@example.org",
    "EXPORTS_BUCKET": "share-exports",
    "MAC_KEYS": "kms:arn:aws:kms:eu-west-2:123456789012:key/1",
    "ROOT_KEYS": "kms:arn:aws:kms:eu-west-2:123456789012:key/2",
    "ROOTS_BUCKET": "share-roots",
}


def an_error(kind: type[errors.Refused]) -> errors.Refused:
    if kind is errors.InvalidAnswers:
        return errors.InvalidAnswers([errors.Problem(pointer="/a", code="required", message="A is missing")])
    if kind is errors.KeyReused:
        return errors.KeyReused()
    if kind is errors.MethodNotAllowed:
        return errors.MethodNotAllowed(["GET", "HEAD"])
    if kind is errors.TooMany:
        return errors.TooMany("Slow down.", retry_after=7)
    return kind("Said in words.")


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_is_under_400_lines_and_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 400
    assert ast.get_docstring(ast.parse(text))


def test_tests_are_under_400_lines_too_or_nearly() -> None:
    folders = ("unit", "contract", "fakes", "guards")
    ours = [f for folder in folders for f in (ROOT / "tests" / folder).rglob("*.py")]
    long = {f.name: len(f.read_text(encoding="utf-8").splitlines()) for f in ours}
    assert not {name: lines for name, lines in long.items() if lines > 600}


@pytest.mark.parametrize("field", [one.name for one in fields(Settings)])
def test_every_setting_is_documented_for_operators(field: str) -> None:
    assert field.upper() in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_settings_are_read_from_the_environment() -> None:
    settings = Settings.from_env({**ENV, "RELAY_GRACE_SECONDS": "20"})
    assert settings.base_url == "https://ideas.example.org"
    assert settings.signing_keys == ("s" * 40, "t" * 40)
    assert (settings.relay_grace_seconds, settings.working_day_seconds) == (20, 0)
    assert Settings.from_env({**ENV, "UNDO_SECONDS": "90"}).undo_seconds == 90


def test_a_number_that_is_left_empty_is_the_default() -> None:
    empty = {"WORKING_DAY_SECONDS": "", "RELAY_GRACE_SECONDS": "", "UNDO_SECONDS": ""}
    for settings in (Settings.from_env(ENV), Settings.from_env({**ENV, **empty})):
        assert (settings.working_day_seconds, settings.relay_grace_seconds) == (0, 60)
        assert settings.undo_seconds == 600


def test_no_seconds_to_undo_switch_it_off() -> None:
    assert Settings.from_env({**ENV, "UNDO_SECONDS": "0"}).undo_seconds == 0


def test_what_is_set_is_how_long_a_decision_may_be_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.dynamodb.tables.connect", lambda _: None)
    for seconds in (90, 0):
        parts = wiring.build(Settings.from_env({**ENV, "UNDO_SECONDS": str(seconds)}))
        assert parts.undo_for == timedelta(seconds=seconds)


def test_limits_are_set_from_outside_and_nothing_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.dynamodb.tables.connect", lambda _: None)
    wait = timedelta(seconds=2)
    limits = wiring.build(Settings.from_env(ENV)).limits
    assert (limits.mailbox_an_hour, limits.force_an_hour, limits.form_wait) == (20, 200, wait)
    none = {"MAILBOX_QUOTA": "0", "FORCE_QUOTA": "0", "FORM_SECONDS": "0"}
    limits = wiring.build(Settings.from_env({**ENV, **none})).limits
    assert (limits.mailbox_an_hour, limits.force_an_hour, limits.form_wait) == (0, 0, timedelta(0))


def test_everything_missing_is_named_at_once_and_no_secret_is() -> None:
    with pytest.raises(MissingSetting) as caught:
        Settings.from_env({"SIGNING_KEYS": "a:too-short", "RELAY_GRACE_SECONDS": "soon", "TABLE_NAME": "t"})
    for name in (
        "BASE_URL",
        "STATE_MACHINE_ARN_PREFIX",
        "MAIL_FROM",
        "MAIL_REPLY_TO",
        "EXPORTS_BUCKET",
        "MAC_KEYS",
        "ROOT_KEYS",
        "ROOTS_BUCKET",
        "SIGNING_KEYS (id:secret",
        "RELAY_GRACE_SECONDS",
    ):
        assert name in str(caught.value)
    assert "TABLE_NAME" not in str(caught.value)
    assert "too-short" not in str(caught.value)


@pytest.mark.parametrize("number", ["-1", "1.5", "ten", " ", "١", "99999999"])
@pytest.mark.parametrize(
    "name",
    [
        *("WORKING_DAY_SECONDS", "RELAY_GRACE_SECONDS", "UNDO_SECONDS"),
        *("MAILBOX_QUOTA", "FORCE_QUOTA", "FORM_SECONDS", "SOURCE_QUOTA"),
        *("UNCONFIRMED_DAYS", "UNPROVEN_MAIL_QUOTA"),
    ],
)
def test_a_number_that_is_none_is_refused(name: str, number: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        Settings.from_env({**ENV, name: number})


@pytest.mark.parametrize(
    "kind", [one for one in REFUSALS if one is not errors.Refused], ids=lambda one: one.__name__
)
def test_every_refusal_has_a_status_a_title_and_one_shape(kind: type[errors.Refused]) -> None:
    error = an_error(kind)
    response = problems.problem(error)
    body = json.loads(response.body)
    assert response.status_code == body["status"] == problems.status_of(error)
    assert 400 <= response.status_code < 600
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(body) <= {"type", "title", "status", "detail", "code", "errors", "changes"}
    assert ("errors" in body) == isinstance(error, errors.InvalidAnswers)
    assert ("changes" in body) == isinstance(error, errors.ClaimChanged)
    assert body["title"]
    assert body["detail"] == str(error)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", body["code"])
    if response.status_code in (429, 503) or kind is errors.StillRunning:
        assert int(response.headers["Retry-After"]) > 0
    if response.status_code == 405:
        assert response.headers["Allow"] == "GET, HEAD"
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_statuses_are_those_that_were_promised() -> None:
    found = {
        kind.__name__: problems.status_of(an_error(kind)) for kind in REFUSALS if kind is not errors.Refused
    }
    assert found == {
        "AlreadyDecided": 409,
        "ClaimChanged": 409,
        "Conflict": 409,
        "DecidedByAnother": 409,
        "DecidedEarlierStage": 403,
        "DoesNotFit": 409,
        "Expired": 410,
        "Forbidden": 403,
        "Gone": 410,
        "InvalidAnswers": 422,
        "KeyReused": 422,
        "LikelyDuplicate": 409,
        "LinkedAlready": 409,
        "MethodNotAllowed": 405,
        "MistypedReference": 404,
        "NoLongerUndoable": 409,
        "NotAsked": 403,
        "NotAsWritten": 409,
        "NotAskedHere": 403,
        "NotFound": 404,
        "NotSignedIn": 401,
        "NotVouchedFor": 403,
        "NotWithThisToken": 403,
        "LinkEnded": 410,
        "LinkOver": 410,
        "LinkReplaced": 410,
        "Overtaken": 410,
        "OwnSubmission": 403,
        "Reassigned": 410,
        "RoleGivenUp": 403,
        "StillRunning": 409,
        "TooLarge": 413,
        "TooMany": 429,
        "Unavailable": 503,
        "Unreadable": 400,
        "UnsupportedMediaType": 415,
    }


def test_every_refusal_has_words_of_its_own_above_it_and_a_code_of_its_own() -> None:
    kinds = [kind for kind in REFUSALS if kind is not errors.Refused]
    bodies = [json.loads(problems.problem(an_error(kind)).body) for kind in kinds]
    assert len({body["title"] for body in bodies}) == len({body["code"] for body in bodies}) == len(kinds)


def test_wrong_answers_are_listed_with_pointers() -> None:
    body = json.loads(problems.problem(an_error(errors.InvalidAnswers)).body)
    assert body["errors"] == [{"pointer": "/a", "code": "required", "message": "A is missing"}]


def test_what_is_different_now_is_listed() -> None:
    one = errors.Difference(heading="Venue", before="County Hall", after="Town Hall")
    body = json.loads(problems.problem(errors.ClaimChanged("It changed.", [one])).body)
    (shown,) = body["changes"]
    assert {"County Hall", "Town Hall", "Venue"} <= set(shown.values())


def test_our_own_fault_tells_nothing_but_a_number() -> None:
    body = json.loads(problems.unforeseen("abc123", as_json=True).body)
    assert (body["status"], body["request_id"]) == (500, "abc123")


def test_times_are_utc_to_the_second() -> None:
    assert moment(MONDAY.replace(microsecond=5)) == "2027-01-11T09:30:00Z"
    assert moment(None) is None


def test_no_two_test_files_share_a_name() -> None:
    """The folders are no packages: of two files of one name, pytest would collect the first."""
    names = Counter(file.name for file in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_keys_are_made_and_read_in_one_module() -> None:
    """A `#` elsewhere in the adapters is a key that docs/data-model.md and keys.py do not know of."""
    adapters = ROOT / "chalicelib" / "adapters"
    others = [file for file in adapters.rglob("*.py") if file.name != "keys.py"]
    found = [
        f"{file.name}:{node.lineno}"
        for file in others
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"#|[A-Z][A-Z-]+#.*", node.value)
    ]
    assert found == []


def test_every_decision_is_in_the_index_of_the_documents_under_its_title() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((adr/\S+\.md)\)$", index, re.MULTILINE)
    titles = {
        file: file.read_text(encoding="utf-8").splitlines()[0]
        for file in sorted((ROOT / "docs" / "adr").glob("*.md"))
    }
    assert [(f"# {number}. {title}", path) for number, title, path in listed] == [
        (title, f"adr/{file.name}") for file, title in titles.items()
    ]
