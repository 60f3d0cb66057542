"""What is not plain, bounded text is refused before anything looks at it, each with words of its own: over HTTP."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from website import FORM_TYPE, Answer, Website, a_claim, a_filled_form, heading, words

PATH = "/api/v1/forms/funding-claim/submissions"
FORM = "/forms/funding-claim"


def send_form(website: Website, body: bytes, content_type: str = FORM_TYPE, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return website._ask("POST", FORM, body, {"content-type": content_type, **named})


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"x" * 65_537, 413, "64 KB"),
        (b"\xff{}", 400, "UTF-8"),
        (b"\xef\xbb\xbf{}", 400, "byte order mark"),
        (b"{", 400, "not valid JSON"),
        (b"[" * 9 + b"]" * 9, 400, "nested"),
        (b'{"force": 1, "force": 2}', 400, "same field twice"),
        ('{"é": 1, "é": 2}'.encode(), 400, "same field twice"),
        (b'{"a": NaN}', 400, "NaN"),
        (b'{"a": -Infinity}', 400, "Infinity"),
        (b'{"a": 1234567890123456}', 400, "15 digits"),
        (b'{"a": 1e999}', 400, "too large"),
        (b'{"a": "\\ud800"}', 400, "half of a character"),
        (b'{"a\\u0000": 1}', 400, "cannot be shown"),
        ('{"\u202ea": 1}'.encode(), 400, "cannot be shown"),
    ],
)
def test_json_is_read_strictly(website: Website, body: bytes, status: int, said: str) -> None:
    answer = website.send_json(PATH, body)
    found = json.loads(answer.text)
    assert (answer.status, found["status"]) == (status, status)
    assert said in found["detail"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\x00b", "control-characters"),
        ("a\tb", "control-characters"),
        ("a\u202eb", "control-characters"),
        ("a\u2067b", "control-characters"),
        ("a\u2028b", "control-characters"),
        ("a\nb", "line-breaks"),
        ("\u00a0\u200b", "pattern"),
    ],
)
def test_characters_that_hide_or_turn_round_are_refused_at_their_place(
    website: Website, text: str, code: str
) -> None:
    answer = website.send_json(PATH, json.dumps({**a_claim(), "venue_name": text}).encode())
    found = json.loads(answer.text)
    assert answer.status == 422
    assert [(one["pointer"], one["code"]) for one in found["errors"]] == [("/venue_name", code)]


def test_what_was_typed_is_kept_but_for_its_normal_form(website: Website) -> None:
    typed = "  Cafe\u0301 \u2019Ŵ\u2019  ½ﬁ  "
    answer = website.send_json(PATH, json.dumps({**a_claim(), "venue_name": typed}).encode())
    case = website.parts.records.of("kent").case(json.loads(answer.text)["reference"])
    assert case.submission.answers["venue_name"] == "  Caf\u00e9 \u2019Ŵ\u2019  ½ﬁ  "


@pytest.mark.parametrize(
    "given",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=utf-8",
        'Application/Json ; CHARSET="UTF-8"',
    ],
)
def test_the_media_type_is_read_in_any_case(website: Website, given: str) -> None:
    assert website.send_json(PATH, json.dumps(a_claim()).encode(), content_type=given).status == 201


@pytest.mark.parametrize(
    "given", ["", "text/json", "application/jsonp", "application/json; charset=utf-16", FORM_TYPE]
)
def test_another_media_type_is_refused(website: Website, given: str) -> None:
    answer = website.send_json(PATH, json.dumps(a_claim()).encode(), content_type=given)
    assert answer.status == 415
    assert "application/json" in json.loads(answer.text)["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"venue_name=%ff", "not UTF-8"),
        (b"venue_name=%c3", "not UTF-8"),
        (b"venue_name=%ed%a0%80", "not UTF-8"),
        (b"venue_name=%c0%80", "not UTF-8"),
        (b"%ff=x", "not UTF-8"),
        ("venue_name=Tŷ".encode(), "percent-encoded"),
        (b"&".join(b"a%d=1" % n for n in range(301)), "300 fields"),
        (b"force=kent&force=essex", "same field twice"),
        (b"venue%00name=x", "cannot be shown"),
        (b"venue%0Aname=x", "cannot be shown"),
        (b"%e2%80%aevenue_name=x", "cannot be shown"),
    ],
)
def test_a_form_is_read_strictly(website: Website, body: bytes, said: str) -> None:
    answer = send_form(website, body)
    assert answer.status == 400
    assert heading(answer) == "We could not read this"
    assert said in words(answer)


def test_a_form_of_300_fields_is_read(website: Website) -> None:
    assert send_form(website, b"&".join(b"a%d=1" % n for n in range(300))).status == 422


def test_a_form_that_is_too_large_is_refused(website: Website) -> None:
    answer = send_form(website, b"purpose=" + b"x" * 65_536)
    assert answer.status == 413
    assert "64 KB" in words(answer)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
        f"{FORM_TYPE}; charset=latin-1",
    ],
)
def test_a_form_of_another_kind_is_refused(website: Website, given: str) -> None:
    assert send_form(website, b"force=kent", given).status == 415


def test_a_form_that_is_compressed_is_refused(website: Website) -> None:
    assert send_form(website, b"force=kent", content_encoding="gzip").status == 415


@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding"])
def test_a_header_on_two_lines_that_disagree_is_refused(
    website: Website, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """API Gateway gives the last line in `headers`, and all of them beside it."""
    from chalice.app import Request

    original = Request.to_original_event
    lines = {"Content-Type": ["text/html", FORM_TYPE], "Content-Encoding": ["gzip", "identity"]}[name]
    many = {"multiValueHeaders": {name: lines}}
    monkeypatch.setattr(Request, "to_original_event", lambda self: {**original(self), **many})
    assert send_form(website, b"force=kent").status == 415


def test_the_forms_media_type_is_read_in_any_case(website: Website) -> None:
    body = urlencode({**a_filled_form(), "key": website.form_key()}).encode()
    assert send_form(website, body, "Application/X-WWW-Form-Urlencoded; Charset=UTF-8").status == 303
