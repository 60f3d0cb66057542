"""Posted HTML forms that no page of ours sends."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from tests.hostile.cases import FORM_TYPE, MARK, PAGE, Case, answers, typed_fields
from tests.hostile.texts import REFUSED
from tests.hostile.wire import request


def refused_forms(key: str) -> Iterator[Case]:
    """Posted HTML forms that are not taken. `key` is one that a page of ours brought."""

    def sent(target: str, body: bytes | str, **headers: str) -> bytes:
        body = body.encode("latin-1") if isinstance(body, str) else body
        return request("POST", target, body, **{"Content_Type": FORM_TYPE, "Accept": "text/html", **headers})

    yield Case("no fields", sent(PAGE, ""))
    yield Case("no key", sent(PAGE, urlencode({"purpose": MARK})))
    for wrong in ("", "x", key[:-1], key + "A", key[::-1], "\x00", "é", key.upper(), "." * 9000):
        yield Case(f"key {wrong[:9]!r}", sent(PAGE, urlencode({**typed_fields(), "key": wrong})))
    for name, text in REFUSED.items():
        fields = {**typed_fields(event_title=text), "key": key}
        yield Case(f"event_title: {name}", sent(PAGE, urlencode(fields)))
    for name, body in {
        "not encoded": "purpose=é",
        "overlong": "purpose=%c0%af",
        "a surrogate": "purpose=%ed%a0%80",
        "half an escape": "purpose=%&a=%4",
        "twice": f"key={key}&force=kent&force=essex",
        "a name of controls": "a%00b=1&%0d%0aX=y",
        "301 fields": "&".join(f"a{number}=1" for number in range(301)),
        "only ampersands": "&" * 65_000,
        "only equals": "=" * 65_000,
        "semicolons": "a=1;b=2;" * 5000,
        "brackets": "cost_lines[0][amount]=1&cost_lines[]=2",
        "rows far away": "&".join(f"cost_lines-{10**n}-description=x" for n in range(60)),
        "rows of every number": "&".join(f"cost_lines-{number}-description=x" for number in range(290)),
        "rows below nothing": "cost_lines--1-description=x&cost_lines-0x1-description=y&cost_lines-٣-description=z",
        "remove what is not there": f"key={key}&action=remove-line-99999999999999999999",
        "marks": "purpose=z" + "%CC%96%CC%81" * 5000,
        "one field": "purpose=" + "x" * 65_000,
        "too large": "purpose=" + "x" * 66_000,
        "a day": f"key={key}&event_date-day=٣&event_date-month=1e1&event_date-year=-2027",
        "a number": f"key={key}&expected_attendance={'9' * 5000}&cost_lines-0-amount_pence={'1,' * 5000}1",
        "json": answers().decode(),
    }.items():
        yield Case(f"form: {name}", sent(PAGE, body.encode()), full=len(body) > 50_000)
    for kind in ("multipart/form-data; boundary=x", "application/json", "text/plain", ""):
        yield Case(
            f"form as {kind!r}", sent(PAGE, urlencode({**typed_fields(), "key": key}), Content_Type=kind)
        )
    foreign = urlencode({**typed_fields(), "key": key})
    yield Case("from elsewhere", sent(PAGE, foreign, Origin="http://evil.example"))
    for target in (
        *(
            "/tasks/kent.CLM-7K3F-9QXN.1",
            "/desk/submissions/CLM-7K3F-9QXN/note",
            "/status/x/withdraw",
            "/away",
        ),
        *("/sign-out", "/status/x/code", "/status/x/amend", "/tasks/%00/reassign", "/forms/%2e%2e"),
    ):
        yield Case(f"not signed in: {target}", sent(target, urlencode({"csrf": MARK, "decision": "approve"})))
    for address in (
        "",
        "x",
        "a@b.example\r\nBcc: c@d.example",
        "a" * 60_000,
        "e" + "\u0316\u0301" * 900 + "@b.example",
        "a@b\x00",
    ):
        yield Case(
            f"sign in as {address[:9]!r}",
            sent("/sign-in", urlencode({"address": address, "next": "//evil.example"})),
        )
    for code in ("", "0" * 60_000, "٣٣٣٣٣٣", "-00001", "000000\x00"):
        yield Case(
            f"code {code[:9]!r}", sent("/sign-in/code", urlencode({"code": code}), Cookie="asked=guessed")
        )
