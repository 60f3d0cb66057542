"""Bodies of a submission that are not taken: whole lists of them, and a good one mutated."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from tests.hostile.cases import MARK, SUBMIT, Case, answers, posted
from tests.hostile.texts import REFUSED
from tests.whole.visitor import claim


def refused_bodies() -> Iterator[Case]:
    """Bodies of a submission that are not taken."""
    for name, text in REFUSED.items():
        for field in ("event_title", "claimant_role"):
            # Two more ways to say the same: as they are, and as escapes.
            yield Case(f"{field}: {name}", posted(answers(**{field: text})))
        escaped = json.dumps(claim(venue_name=text, purpose=f"We try {MARK} out.")).encode()
        yield Case(f"escaped: {name}", posted(escaped))
    for address in (
        *("a@b", "@b.example", "a@", "a b@c.example", "a@b.example, c@d.example", "A <a@b.example>"),
        *(
            "a@b.example\r\nBcc: c@d.example",
            "a@b.example\n",
            '"a b"@c.example',
            "a@[127.0.0.1]",
            "a@1.2.3.4",
        ),
        *("é@b.example", "a@bücher.example", "a@b..example", ".a@b.example", "a" * 65 + "@b.example", "null"),
        *("a@" + "b" * 64 + ".example", "a@b.example\u0000", "a@b.example%0aBcc:c", "a@b_c.example"),
    ):
        yield Case(f"address {address[:20]!r}", posted(answers(claimant_email=address)))
    yield from _wrong_kinds()
    yield from _not_json()
    yield from _bombs()


def _wrong_kinds() -> Iterator[Case]:
    values = (None, True, 0, -1, 1.5, "", "x", [], {}, [[]], [None], {"": 1}, {"$ref": "#"}, 10**15 - 1, "1")
    for name in ("force", "event_date", "expected_attendance", "cost_lines", "claimant_email", "declaration"):
        for value in values:
            if (name, value) != ("declaration", True) and (name, value) != ("declaration", 1):
                yield Case(f"{name} is {value!r}", posted(answers(**{name: value})))
    for amount in (0, -1, 10_000_001, 1.5, 1e-9, "100", "1e5", None, True, [1], 999_999_999_999_999):
        line = {"description": MARK, "category": "other", "amount_pence": amount}
        yield Case(f"amount {amount!r}", posted(answers(cost_lines=[line])))
    for day in (
        "2027-02-29",
        "0000-01-01",
        "2027-13-01",
        "27/3/2027",
        "2027-3-27",
        "２０２７-03-27",
        "2027-03-27T00",
    ):
        yield Case(f"day {day}", posted(answers(event_date=day)))
    for name in (
        "__proto__",
        "constructor",
        "Force",
        "force ",
        "fοrce",
        "event_title\u200b",
        "pk",
        "$schema",
        "",
    ):
        yield Case(f"a member {name!r}", posted(answers(**{name: MARK})))
    for reference in ("DAY-0000-0000", "CLM-7K3F-9QXN", "DAY-", "day-7k3f-9qxy", "DAY-7K3F-9QXY\n"):
        yield Case(f"day {reference!r}", posted(answers(innovation_day=reference)))


def _not_json() -> Iterator[Case]:
    good = answers().decode()
    marked = f'"{MARK}"'
    for name, text in {
        "nothing": "",
        "spaces": "  \n",
        "a number": "1",
        "null": "null",
        "a string": marked,
        "a list": f"[{marked}]",
        "not closed": good[:-1],
        "closed twice": good + "}",
        "two values": good + good,
        "comma at the end": good[:-1] + ",}",
        "single quotes": good.replace('"', "'"),
        "a comment": "/* x */" + good,
        "javascript": f"({good})",
        "a callback": f"x({good})",
        "lines": good + "\n" + good,
        "xml": f"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>{MARK}&b;</a>",
        "yaml": f"!!python/object/apply:os.system ['echo {MARK}']",
        "a form": f"force=kent&purpose={MARK}",
        "NaN": good.replace("120,", "NaN,", 1),
        "Infinity": good.replace("120,", "-Infinity,", 1),
        "too large a number": good.replace("120,", "1e999,", 1),
        "ten to the 400": good.replace("120,", f"1{'0' * 400},", 1),
        "minus nothing": good.replace("120,", "-0,", 1),
        "nearly a whole number": good.replace("120,", "120.0000000001,", 1),
        "leading zero": good.replace("120,", "0120,", 1),
        "hex": good.replace("120,", "0x78,", 1),
        "underscore": good.replace("120,", "1_20,", 1),
        "half a character": good.replace(MARK, MARK + "\\ud800", 1),
        "the other half": good.replace(MARK, MARK + "\\udc00\\ud800", 1),
        "twice": good[:-1] + ', "force": "essex"}',
        "twice, escaped": good[:-1] + ', "f\\u006frce": "essex"}',
        "twice, within": good.replace('"amount_pence"', '"amount_pence": 1, "amount_pence"', 1),
        "byte order mark": "\ufeff" + good,
        "escape of a control": good.replace(MARK, MARK + "\\u0000", 1),
        "a control as it is": good.replace(MARK, MARK + "\x01", 1),
        "a bad escape": good.replace(MARK, MARK + "\\x41", 1),
    }.items():
        yield Case(name, posted(text.encode("utf-8", "surrogatepass")))
    mark, whole = MARK.encode(), good.encode()
    for name, piece in {
        "overlong slash": b"\xc0\xaf",
        "overlong null": b"\xe0\x80\x80",
        "cut off": b"\xf0\x9f\x98",
        "a surrogate": b"\xed\xa0\x80",
        "beyond unicode": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "alone": b"\x80",
        "never": b"\xfe\xff",
        "latin-1": b"\xe9",
    }.items():
        yield Case(f"bytes: {name}", posted(whole.replace(mark, mark + piece, 1)))
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"):
        yield Case(codec, posted(good.encode(codec)))
        yield Case(
            f"{codec}, said so", posted(good.encode(codec), Content_Type=f"application/json; charset={codec}")
        )


def _bombs() -> Iterator[Case]:
    def full(name: str, body: bytes | str) -> Case:
        body = body.encode() if isinstance(body, str) else body
        return Case(name, posted(body[: 64 * 1024]), full=True)

    def rows(row: str) -> bytes:
        kept = [row] * ((64 * 1024 - 700) // (len(row.encode()) + 2))
        return answers().replace(b'"cost_lines": [', f'"cost_lines": [{", ".join(kept)}, '.encode(), 1)

    room = 64 * 1024 - 700
    yield Case("100,000 lists", posted(b"[" * 100_000))
    yield full("lists to the brim", b"[" * 64 * 1024)
    yield full("objects to the brim", b'{"a":' * 13_000)
    yield full("closing to the brim", b"]" * 64 * 1024)
    yield full("nine levels, all over", answers(cost_lines=json.loads("[" * 8 + "]" * 8)) + b" " * room)
    yield full("digits", b'{"a": ' + b"9" * 65_000 + b"}")
    yield full("digits after a point", b'{"a": 0.' + b"3" * 65_000 + b"}")
    yield full("exponent", b'{"a": 1e' + b"9" * 65_000 + b"}")
    yield full("numbers", b"[" + b"1," * 32_000 + b"1]")
    yield full("quotes", b'"' * 65_000)
    yield full("backslashes", b'"' + b"\\" * 65_000 + b'"')
    yield full("escapes", b'"' + b"\\u00e9" * 10_000 + b'"')
    yield full("spaces", answers() + b" " * room + b"x")
    yield full("names", json.dumps({f"n{number}": 1 for number in range(5_400)}))
    yield full("names, and a claim", answers(**{f"n{number}": 1 for number in range(4_500)}))
    yield full("names that nearly are one", json.dumps({"e\u0301" * 3 + str(n): 1 for n in range(2_000)}))
    yield full("one name", json.dumps({"n" * 65_000: 1}))
    yield full("one word", answers(purpose="x" * room))
    yield full("one title", answers(event_title="<" * room))
    yield full("one address", answers(claimant_email="a." * (room // 2) + "@b.example"))
    yield full("an address of labels", answers(claimant_email="a@" + "b." * (room // 2) + "example"))
    yield full("line ends", answers(purpose="\r\n" * (room // 4)))
    yield full("a postcode", answers(venue_postcode="A" * room))
    yield full("phone", answers(claimant_phone="0" * room))
    yield full("spaces before nothing", answers(event_title=" " * room))
    yield full("marks", answers(purpose="z" + "\u0345\u0301\u0316\u0327\u0334" * (room // 10)))
    yield full("marks, two by two", answers(purpose="\u0301\u0316" * (room // 4)))
    yield full("marks, thirty by thirty", answers(purpose=("z" + "\u0301\u0316" * 15) * (room // 61)))
    yield full("marks in a name", json.dumps({"\u0301\u0316" * (room // 4): 1}, ensure_ascii=False))
    yield full("hangul", answers(purpose="\u1112\u1167\u11a8" * (room // 9)))
    yield full("what grows when composed", answers(purpose="\ufb2c\U0001d160" * (room // 7)))
    yield full("emoji", answers(purpose="👨‍👩‍👧‍👦" * (room // 25)))
    for row in ("{}", "1", '"\\u0001"', '{"x":1}', '""', "[[[[]]]]", "null"):
        yield full(f"rows of {row}", rows(row))
    yield Case("one byte too many", posted(answers() + b" " * (64 * 1024 + 1 - len(answers()))), full=True)
    yield Case("a megabyte", posted(answers(purpose="x" * 1024 * 1024)))


def mutated(count: int, seed: int) -> Iterator[Case]:
    """A good request, each time with some bytes flipped, cut, doubled or put in."""
    chance = random.Random(seed)
    pieces = (
        b"\x00",
        b"\r\n",
        b"\xff",
        b'"',
        b"{",
        b"[",
        b"}",
        b",",
        b":",
        b"\\u0000",
        b"1e999",
        b"null",
        b" " * 99,
        "\u202e".encode(),
    )
    for number in range(count):
        whole = bytearray(
            answers(claimant_email=f"mutated-{number}@example.police.uk", event_title=f"Day {number}")
        )
        in_head = chance.random() < 0.25
        if in_head:
            whole = bytearray(posted(bytes(whole)))
        for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
            # The request line names who else answers on this machine: it stays.
            at = chance.randrange(len(SUBMIT) + 16 if in_head else 0, len(whole))
            how = chance.randrange(5)
            if how == 0:
                whole[at] ^= 1 << chance.randrange(8)
            elif how == 1:
                del whole[at : at + chance.randrange(1, 9)]
            elif how == 2:
                whole[at:at] = chance.choice(pieces)
            elif how == 3:
                end = at + chance.randrange(1, 60)
                whole[at:at] = whole[at:end]
            else:
                whole[at] = chance.randrange(256)
            if len(whole) < 200:
                break
        yield Case(f"mutated {number}", bytes(whole) if in_head else posted(bytes(whole)))
