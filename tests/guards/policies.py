"""The policies of our functions, and what IAM makes of their statements, as far as ours go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parents[2] / ".chalice" / "policies"
NAMES = sorted(file.stem for file in POLICIES.glob("*.json"))

PLACES: Mapping[str, Any] = {
    "table": {"Fn::GetAtt": ["Table", "Arn"]},
    "index/due": {"Fn::Sub": "${Table.Arn}/index/due"},
    "index/force": {"Fn::Sub": "${Table.Arn}/index/force"},
    "index/listed": {"Fn::Sub": "${Table.Arn}/index/listed"},
    "index/everywhere": {"Fn::Sub": "${Table.Arn}/index/everywhere"},
    "index/public": {"Fn::Sub": "${Table.Arn}/index/public"},
    "machine": {
        "Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}_*"
    },
    "execution": {
        "Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${AWS::StackName}_*"
    },
    "mail": [
        {"Fn::Sub": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailDomain}"},
        {
            "Fn::Sub": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}"
            ":configuration-set/${MailSettings}"
        },
    ],
    "files": {"Fn::Sub": "${Exports.Arn}/*"},
    "bucket": {"Fn::GetAtt": ["Exports", "Arn"]},
    "roots' files": {"Fn::Sub": "${Roots.Arn}/*"},
    "roots' bucket": {"Fn::GetAtt": ["Roots", "Arn"]},
    "mac-key": {"Fn::GetAtt": ["MacKey", "Arn"]},
    "root-key": {"Fn::GetAtt": ["RootKey", "Arn"]},
    "any": "*",
}


def own_statements(name: str) -> list[dict[str, Any]]:
    """What the function's policy file says."""
    return list(json.loads((POLICIES / f"{name}.json").read_text(encoding="utf-8"))["Statement"])


Statement = Mapping[str, Any]

LEADING = "dynamodb:LeadingKeys"
_PATTERNS = "ForAllValues:StringLike"


def patterns(statement: Statement) -> list[str] | None:
    """The partition keys that a statement is for; None where it is for all of them."""
    given = statement.get("Condition", {}).get(_PATTERNS, {}).get(LEADING)
    return [given] if isinstance(given, str) else given


def permits(statements: Iterable[Statement], action: str, resource: Any, keys: Sequence[str]) -> bool:
    """Whether a call to DynamoDB is allowed that touches these partition keys."""
    return any(
        action in statement["Action"] and resource == statement["Resource"] and _holds(statement, keys)
        for statement in statements
    )


def _holds(statement: Statement, keys: Sequence[str]) -> bool:
    """`ForAllValues` also holds where there is no key at all; `Null: false` asks for one."""
    for operator, conditions in statement.get("Condition", {}).items():
        assert list(conditions) == [LEADING], f"{conditions} is not understood here"
        if operator == "Null":
            assert conditions[LEADING] == "false"
            if not keys:
                return False
        else:
            assert operator == _PATTERNS, f"{operator} is not understood here"
            wanted = patterns(statement) or []
            if not all(any(_is_like(key, one) for one in wanted) for key in keys):
                return False
    return True


def _is_like(key: str, pattern: str) -> bool:
    assert not set(pattern) & set("?["), "IAM and fnmatch agree on `*` alone"
    return fnmatchcase(key, pattern)


def uses(statement: Statement) -> Iterator[tuple[str, str]]:
    """Each action with each pattern of keys that a statement allows."""
    for action in statement["Action"]:
        for pattern in patterns(statement) or []:
            yield action, pattern
