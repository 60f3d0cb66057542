"""Addresses that are guessed, cut, and made up."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.cases import quote_wide

_ELSEWHERE = (
    ("GET", "http://evil.example/health"),
    ("GET", "//evil.example/"),
    ("OPTIONS", "*"),
    ("OPTIONS", "/api/v1/forms/funding-claim/submissions"),
    ("OPTIONS", "/desk/submissions"),
    ("GET", "/desk/submissions/?q=%0d%0aX:y"),
    ("GET", "/tasks/%F0%9F%92%A3/undo"),
    ("GET", "/status/%E2%82%AC%0a/"),
    ("GET", "/sign-in?next=//evil.example"),
    ("GET", "/sign-in?next=%0d%0aSet-Cookie:x=y"),
    ("GET", "/static/../app.py"),
    ("GET", "/static/%2e%2e/%2e%2e/app.py"),
    ("GET", "/static/app.js%00.css"),
    ("HEAD", "/forms/funding-claim"),
    ("GET", "/local/mail/%2e%2e.html"),
    ("GET", "/local/mail.json?to=%00"),
)
SECRETS = (
    "QUEUE",
    "a" * 43,
    "kent.CLM-7K3F-9QXN." + "A" * 43,
    "kent.CLM-7K3F-9QXN",
    "." * 200,
    "%00",
    "é",
    "..%2f..%2fx",
)


def reads(real_status: str, real_reference: str) -> Iterator[tuple[str, str]]:
    """Addresses that are only looked at, by somebody who guesses. Each is answered, and changes nothing."""
    guesses = (
        *(
            "%00",
            "%2e%2e",
            "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "..;",
            "%c0%af",
            "%ed%a0%80",
            "%ff",
            "%",
            "%zz",
            "%0d%0aX:y",
        ),
        *(
            "' OR 1=1",
            "<script>",
            "{{7*7}}",
            "__proto__",
            "\u202e",
            "💣",
            "a" * 5000,
            "S:PERSON#",
            "#",
            "-1",
            "0",
            "null",
        ),
        *SECRETS,
    )
    below = (
        *(
            "/api/v1/forms/",
            "/api/v1/status/",
            "/api/v1/submissions/",
            "/api/v1/tasks/",
            "/api/v1/funds/",
            "/api/v1/",
        ),
        *(
            "/forms/",
            "/status/",
            "/tasks/",
            "/ideas/",
            "/static/",
            "/exports/funding-claim/",
            "/desk/submissions/",
            "/",
        ),
    )
    for path in below:
        for guess in guesses:
            yield "GET", path + quote_wide(guess).replace(" ", "%20").replace("#", "%23")
    token, _, tail = real_status.rpartition(".")
    for wrong in (f"{token}.{tail[:-1]}", f"{token}.{tail}A", f"{token}.{tail[::-1]}", f"essex{token[4:]}.{tail}",
                  f"{token}..{tail}", f"{token.lower()}.{tail}", real_status + "%0a", real_status + "%00"):  # fmt: skip
        yield "GET", f"/api/v1/status/{wrong}"
        yield "GET", f"/status/{wrong}"
    for wrong in (
        real_reference[:-1],
        real_reference + "A",
        real_reference[::-1],
        real_reference.replace("CLM", "DAY"),
    ):
        yield "GET", f"/api/v1/submissions/{wrong}"
    short = ["%00", "%ff", "-1", "0", "101", "1e1", "٣", "true", "[]", "'", "%F0%9F%92%A3", "#", "x%23y"]
    values = ("", *short, "9" * 400, "a" * 6000, "e" + "%CC%96%CC%81" * 3000)
    for name in (
        "form",
        "status",
        "stage",
        "force",
        "assignee",
        "overdue",
        "q",
        "limit",
        "cursor",
        "x",
        "%00",
    ):
        for value in values:
            yield "GET", quote_wide(f"/api/v1/submissions?{name}={value}")
            if name in ("force", "limit", "cursor", "x"):
                yield "GET", quote_wide(f"/api/v1/ideas?{name}={value}")
                yield "GET", quote_wide(f"/ideas?{name}={value}")
            if name in ("q", "cursor", "status"):
                yield "GET", quote_wide(f"/desk/submissions?{name}={value}")
    yield "GET", "/api/v1/submissions?limit=1&limit=2&limit[]=3&&=&limit"
    yield "GET", "/api/v1/ideas?" + "&".join(f"a{number}=1" for number in range(5000))
    yield from _ELSEWHERE
