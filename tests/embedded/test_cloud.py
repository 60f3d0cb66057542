"""State machine files are filled in as CloudFormation fills them."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import lambdas
from infra.local.cloud import UnknownName, definition


def test_names_are_filled_in_inside_strings(tmp_path: Path) -> None:
    file = tmp_path / "x.asl.json"
    file.write_text('{"Resource": "${AskApproverArn}", "Path": "$.a"}')
    assert definition(file, {"AskApproverArn": "arn:1"}) == '{"Resource": "arn:1", "Path": "$.a"}'


def test_an_unknown_name_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.asl.json"
    file.write_text('{"Resource": "${AskAproverArn}"}')
    with pytest.raises(UnknownName, match=r"x\.asl\.json names AskAproverArn; the app has: AskApproverArn"):
        definition(file, {"AskApproverArn": "arn:1"})


def test_a_handler_that_lambda_would_not_find_is_refused() -> None:
    lambdas.check("dumps", "json.dumps")
    with pytest.raises(lambdas.NoHandler, match="relay_mail is packaged with the handler json.relay"):
        lambdas.check("relay_mail", "json.relay")
