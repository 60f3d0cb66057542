"""What a form's schema may hold, so that every reader reads it alike: all bounded, nothing slow, nothing unchecked.

Readers are ECMA-262 (JSON Schema's own dialect, and what a browser has), Python's `re` and Rust's regex
(jsonschema-rs). A pattern is held to what is the same in all three.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.people.people import ROLE_NAMES

if sys.version_info >= (3, 11):
    from re import _constants as ops
    from re import _parser as parser
else:
    import sre_constants as ops
    import sre_parse as parser

FORMATS = frozenset({"date", "mailbox", "reference"})
"""Those with a checker (domain/forms/answers.py)."""

MOST_CHARACTERS = 10_000
MOST_ITEMS = 100
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format", "enum", "x-list"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset({"const"}),
    "array": frozenset({"minItems", "maxItems", "items"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
}
_ANYWHERE = frozenset(
    {"type", "$comment", "x-personal", "x-for-approvers", "x-public", "x-multiline", "x-stored"}
)
_WITHHELD = frozenset({"x-withheld-by", "x-withheld-seen-by"})
_ROLES = frozenset(ROLE_NAMES) - {"claimant", "leaders"}
"""Those that somebody can hold: nobody registers a claimant, and the leaders' panel is made of its members."""

_AT_THE_TOP = frozenset({"$schema"})
_ESCAPES = frozenset(r"^$\.*+?()[]{}|-n")
_EVERY_CHARACTER = frozenset(range(0x250))
"""Of all characters, those that a pattern of ours may tell apart."""

_FEW = 8
"""Repeats of so few are no danger to each other, however they overlap."""


def schema_faults(schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a form's schema, each with the field where it is."""
    found = list(_field_faults(schema, "", extra=_AT_THE_TOP))
    fields: Any = schema.get("properties")
    for name, field in fields.items() if isinstance(fields, dict) else ():
        found += [f"/{name}: {fault}" for fault in _withheld_faults(field, fields)]
    if schema.get("type") != "object":
        found.append("/: the answers are an object")
    return found


def _field_faults(field: Any, where: str, *, extra: frozenset[str] = frozenset()) -> Iterator[str]:
    if not isinstance(field, dict):
        yield f"{where or '/'}: a schema is an object"
        return
    kind = field.get("type", "boolean" if isinstance(field.get("const"), bool) else None)
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        yield f"{where or '/'}: type {kind!r} is none of {', '.join(_KEYWORDS)}"
        return
    for keyword in sorted(set(field) - _KEYWORDS[kind] - _ANYWHERE - extra):
        yield f"{where or '/'}: {keyword} is not for {kind}s here"
    yield from (f"{where or '/'}: {fault}" for fault in _own_faults(kind, field))
    for name, inner in field.get("properties", {}).items() if kind == "object" else ():
        # Only a question may be withheld, never one column of its rows.
        yield from _field_faults(inner, f"{where}/{name}", extra=_WITHHELD if not where else frozenset())
    if kind == "array" and "items" in field:
        yield from _field_faults(field["items"], f"{where}/*")


def _withheld_faults(field: Any, fields: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(field, dict) or not _WITHHELD & set(field):
        return
    wish = fields.get(field.get("x-withheld-by", ""), {})
    if (wish.get("type"), wish.get("x-personal"), field.get("x-personal")) != ("boolean", True, True):
        yield "x-withheld-by names a personal yes-or-no answer, of a personal field"
    named = field.get("x-withheld-seen-by")
    if not isinstance(named, list) or not named:
        yield "x-withheld-seen-by says which roles see what is withheld"
        return
    for one in named:
        if not isinstance(one, dict) or set(one) != {"role", "at"} or one["at"] not in ("force", "national"):
            yield "x-withheld-seen-by names each role with where it is held"
        elif one["role"] not in _ROLES:
            yield f"x-withheld-seen-by: {one['role']!r} is no role"


def _own_faults(kind: str, field: Mapping[str, Any]) -> Iterator[str]:
    if field.get("x-stored") and field.get("format") != "reference":
        yield "x-stored is for references"
    if field.get("x-multiline") and kind != "string":
        yield "x-multiline is for strings"
    if kind == "string":
        yield from _string_faults(field)
    elif kind == "integer":
        if not all(
            _is_whole(field.get(name)) and abs(field[name]) < 10**15 for name in ("minimum", "maximum")
        ):
            yield "an integer has a minimum and a maximum"
    elif kind == "array":
        if not _is_whole(field.get("maxItems")) or not 0 < field["maxItems"] <= MOST_ITEMS:
            yield f"an array has maxItems, {MOST_ITEMS} at most"
        if "items" not in field:
            yield "an array says what its items are"
    elif kind == "object":
        if field.get("additionalProperties") is not False:
            yield "an object takes no other properties"
        if not set(field.get("required", ())) <= set(field.get("properties", {})):
            yield "what is required is a property"
        for name in field.get("properties", {}):
            if not re.fullmatch("[a-z][a-z0-9_]*", name):
                yield f"{name!r} is no name of a field"


def _string_faults(field: Mapping[str, Any]) -> Iterator[str]:
    is_bounded = _is_whole(field.get("maxLength")) and 0 < field["maxLength"] <= MOST_CHARACTERS
    if not is_bounded and "enum" not in field:
        yield f"a string has maxLength, {MOST_CHARACTERS} at most"
    if "enum" in field and not (field["enum"] and all(isinstance(one, str) for one in field["enum"])):
        yield "an enum lists strings"
    if "format" in field and field["format"] not in FORMATS:
        yield f"nothing checks the format {field['format']!r}"
    if "pattern" in field:
        yield from pattern_faults(field["pattern"], multiline=bool(field.get("x-multiline")))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def pattern_faults(pattern: Any, *, multiline: bool = False) -> Iterator[str]:
    """Why a pattern is not read alike by all, or is slow."""
    if not isinstance(pattern, str):
        yield "a pattern is text"
        return
    yield from _spelling_faults(pattern)
    try:
        parsed: Any = parser.parse(pattern)
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError, FutureWarning, DeprecationWarning):
        yield "the pattern is none"
        return
    if parsed.state.groupdict:
        yield "a named group"
    if parsed.state.flags & ~re.UNICODE.value:
        yield "an inline flag"
    nodes = list(parsed)
    if not nodes or nodes[0] != (ops.AT, ops.AT_BEGINNING):
        yield "not anchored: it must begin with ^"
    for place, (op, value) in enumerate(nodes):
        if op is ops.AT and value is ops.AT_BEGINNING and place != 0:
            yield "^ stands at the beginning alone"
        if op is ops.AT and value is ops.AT_END:
            if place != len(nodes) - 1:
                yield "$ stands at the end alone"
            if multiline:  # Python's $ also matches before a last line break, which single lines do not have
                yield "$ is not the same everywhere where there are line breaks"
    yield from _node_faults([node for node in nodes if node[0] is not ops.AT or not _is_anchor(node[1])])
    yield from _slow_faults(nodes)


def _is_anchor(place: Any) -> bool:
    return place in (ops.AT_BEGINNING, ops.AT_END)


def _spelling_faults(pattern: str) -> Iterator[str]:
    """What is seen in the text alone: Python reads it as something else than it is written."""
    for escaped in re.findall(r"\\(.)", pattern, re.DOTALL):
        if escaped not in _ESCAPES:
            yield f"the escape \\{escaped}"
    bare = re.sub(r"\\.", "", pattern, flags=re.DOTALL)
    for inside in re.findall(r"\[(\^?\]?[^\]]*)\]", bare):
        if "[" in inside or "&&" in inside or "--" in inside or "~~" in inside:
            yield "a class within a class"
        if inside.startswith(("]", "^]")):
            yield "a class that begins with ]"
    outside = re.sub(r"\[\^?\]?[^\]]*\]", "", bare)
    if re.search(r"\{(?![0-9]+(,[0-9]*)?\})", outside) or re.search(r"(?<![0-9,])\}", outside):
        yield "a brace that is no repeat"
    if re.search(r"\(\?(?!:)", outside):
        yield "a group that does more than group"
    if any(ord(character) < 0x20 or 0xD800 <= ord(character) < 0xE000 for character in pattern):
        yield "a character that should be escaped"


def _node_faults(nodes: Sequence[Any]) -> Iterator[str]:
    """What is not the same to all readers, or what we have no need of."""
    for op, value in nodes:
        if op in (ops.LITERAL, ops.NOT_LITERAL):
            continue
        if op is ops.IN:
            for kind, _ in value:
                if kind not in (ops.LITERAL, ops.RANGE, ops.NEGATE):
                    yield "a class such as \\d, which is not the same everywhere: write it out"
        elif op is ops.MAX_REPEAT:
            yield from _node_faults(value[2])
        elif op is ops.SUBPATTERN:
            yield from _node_faults(value[3])
        elif op is ops.BRANCH:
            for branch in value[1]:
                yield from _node_faults(branch)
        elif op is ops.ANY:
            yield "a dot, which is not the same everywhere: write a class"
        else:
            yield f"{str(op).lower()}, which not all readers have"


# Slow: two ways to read the same text, again and again


def _slow_faults(nodes: Sequence[Any]) -> Iterator[str]:
    for op, value in nodes:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            _, most, body = value
            if most > 1 and any(_varies(one) for one in body):
                yield "a repeat within a repeat"
            yield from _slow_faults(body)
        elif op is ops.SUBPATTERN:
            yield from _slow_faults(value[3])
        elif op is ops.BRANCH:
            for branch in value[1]:
                yield from _slow_faults(branch)
    yield from _neighbour_faults(_flat(nodes))


def _flat(nodes: Sequence[Any]) -> list[Any]:
    """Groups that are not repeated are their contents."""
    found: list[Any] = []
    for op, value in nodes:
        found += _flat(value[3]) if op is ops.SUBPATTERN else [(op, value)]
    return found


def _neighbour_faults(nodes: Sequence[Any]) -> Iterator[str]:
    """Two long repeats of the same characters, between which nothing tells where one ends."""
    for place, (op, value) in enumerate(nodes):
        if not _is_long_repeat(op, value):
            continue
        mine = _characters(value[2])
        for other_op, other in nodes[place + 1 :]:
            if _is_long_repeat(other_op, other) and mine & _characters(other[2]):
                yield "two repeats of the same characters side by side"
                break
            between = _characters([(other_op, other)])
            if not _may_be_empty(other_op, other) and not mine & between:
                break


def _is_long_repeat(op: Any, value: Any) -> bool:
    return op in (ops.MAX_REPEAT, ops.MIN_REPEAT) and value[0] != value[1] and value[1] > _FEW


def _varies(node: Any) -> bool:
    op, value = node
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        return bool(value[0] != value[1]) or any(_varies(one) for one in value[2])
    if op is ops.SUBPATTERN:
        return any(_varies(one) for one in value[3])
    return op is ops.BRANCH


def _may_be_empty(op: Any, value: Any) -> bool:
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        return value[0] == 0 or all(_may_be_empty(*one) for one in value[2])
    if op is ops.SUBPATTERN:
        return all(_may_be_empty(*one) for one in value[3])
    if op is ops.BRANCH:
        return any(all(_may_be_empty(*one) for one in branch) for branch in value[1])
    return op is ops.AT


def _characters(nodes: Sequence[Any]) -> frozenset[int]:
    """The characters that may stand anywhere in what these match; of an unknown node, all."""
    found: set[int] = set()
    for op, value in nodes:
        if op is ops.LITERAL:
            found.add(value)
        elif op is ops.NOT_LITERAL:
            found |= _EVERY_CHARACTER - {value}
        elif op is ops.IN:
            found |= _in_class(value)
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            found |= _characters(value[2])
        elif op is ops.SUBPATTERN:
            found |= _characters(value[3])
        elif op is ops.BRANCH:
            found |= set().union(*(_characters(branch) for branch in value[1]))
        elif op is not ops.AT:
            found |= _EVERY_CHARACTER
    return frozenset(found)


def _in_class(items: Sequence[Any]) -> frozenset[int]:
    found: set[int] = set()
    for op, value in items:
        if op is ops.LITERAL:
            found.add(value)
        elif op is ops.RANGE:
            found |= set(range(value[0], value[1] + 1))
        elif op is not ops.NEGATE:
            found |= _EVERY_CHARACTER
    return frozenset(_EVERY_CHARACTER - found if items[0][0] is ops.NEGATE else found)
