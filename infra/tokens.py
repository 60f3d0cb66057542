"""Makes, lists and revokes bearer tokens of a deployed table.

    TABLE_NAME=… python -m infra.tokens make PERSON NAME --scopes read manage --days 30
    TABLE_NAME=… python -m infra.tokens list PERSON
    TABLE_NAME=… python -m infra.tokens revoke PERSON ID

PERSON is the id in the people file. `make` prints the token: it is not shown again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from chalicelib.domain.approvals.deadlines import spoken_time
from chalicelib.domain.errors import InvalidAnswers, Refused
from chalicelib.domain.people.person_changes import COMMAND
from chalicelib.domain.people.tokens import USUAL_DAYS, Scope, Token
from chalicelib.services.people import tokens
from chalicelib.services.ports import Parts
from infra.table import parts_of


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, 1 refused, 2 where something is missing."""
    given = _parser().parse_args(arguments)
    table = os.environ.get("TABLE_NAME")
    if not table:
        sys.stderr.write("Set TABLE_NAME to the name of the table.\n")
        return 2
    try:
        _do(parts_of(table), given)
    except InvalidAnswers as error:
        sys.stderr.write("".join(f"{problem.message}\n" for problem in error.problems))
        return 1
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.tokens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make a token and print it")
    make.add_argument("person")
    make.add_argument("name")
    make.add_argument("--scopes", nargs="+", required=True, choices=[scope.value for scope in Scope])
    make.add_argument("--days", type=int, default=USUAL_DAYS)
    listing = commands.add_parser("list", help="list the tokens of a person")
    listing.add_argument("person")
    revoke = commands.add_parser("revoke", help="revoke a token")
    revoke.add_argument("person")
    revoke.add_argument("id")
    return parser


def _do(parts: Parts, given: argparse.Namespace) -> None:
    if given.command == "make":
        person = parts.people.person(given.person)
        if person is None:
            raise Refused("There is no person with this id.")
        made = tokens.make(parts, person, name=given.name, scopes=given.scopes, days=given.days, by=COMMAND)
        print(made.secret)
    elif given.command == "list":
        for token in tokens.live_tokens(parts, given.person):
            print(_line(token))
    elif not tokens.revoke(parts, given.person, given.id, by=None, actor=COMMAND):
        raise Refused("This person has no token with this id.")


def _line(token: Token) -> str:
    scopes = " ".join(sorted(scope.value for scope in token.scopes))
    used = f"last used {spoken_time(token.last_used_at)}" if token.last_used_at else "never used"
    return f"{token.id}  {token.name}  {scopes}  expires {spoken_time(token.expires_at)}  {used}"


if __name__ == "__main__":
    sys.exit(main())
