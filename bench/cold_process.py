"""One fresh process up to its first answer. bench/cold.py runs it with nothing but the packaged code:

    python -I -S -B bench/cold_process.py WHAT FILE PATH...

WHAT is a handler such as `app.app`, or a floor; FILE holds the handler's event; the paths are where Lambda looks for
modules. It writes one line when it has its answer, and ends at once: what a process does on its way out, Lambda's
never do.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` is an import of its own
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Answer once."""
    what, file, *sys.path[:0] = sys.argv[1:]
    if what in FLOORS:
        FLOORS[what]()
    else:
        _handle(what, file)
    os.write(1, b"answered\n")
    os._exit(0)


def _handle(what: str, file: str) -> None:
    import json

    module, _, name = what.rpartition(".")
    handler = getattr(__import__(module), name)
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib is an import of its own
        event = json.load(opened)
    answer = handler(event, None)
    if answer.get("statusCode", 200) not in (200, 201) or answer.get("batchItemFailures"):
        raise SystemExit(f"{what} answered {answer}")


def _floor() -> None:
    """Chalice, PynamoDB, and one call to DynamoDB."""
    import chalice  # noqa: F401

    _one_call()


def _with_workflows() -> None:
    """And one call to Step Functions, by a client that shares what PynamoDB's has loaded already."""
    import chalice  # noqa: F401

    client = _one_call().create_client("stepfunctions")
    client.start_execution(stateMachineArn=os.environ["STATE_MACHINE_ARN_PREFIX"] + "floor", name="floor")


def _with_mail() -> None:
    """And one call to SES, in the same way."""
    import chalice  # noqa: F401

    client = _one_call().create_client("ses")
    mail = {"Source": "a@example.org", "Destinations": ["b@example.org"]}
    client.send_raw_email(**mail, RawMessage={"Data": b"From: a@example.org\r\n\r\nFloor\r\n"})


def _with_page() -> None:
    """And Jinja, with one line for a template."""
    import chalice  # noqa: F401

    _one_call()
    from jinja2 import Environment

    Environment(autoescape=True).from_string("<p>{{ word }}</p>").render(word="Floor")


def _one_call() -> Any:
    """PynamoDB's, for an item that is not there. Returns its botocore session."""
    from pynamodb.attributes import UnicodeAttribute
    from pynamodb.models import Model

    class Row(Model):
        class Meta:
            table_name = os.environ["TABLE_NAME"]

        pk = UnicodeAttribute(hash_key=True)
        sk = UnicodeAttribute(range_key=True)

    try:
        Row.get("nobody", "nothing")
    except Row.DoesNotExist:
        return Row._get_connection().connection.session
    raise SystemExit("there is something where nothing should be")


FLOORS = {
    "floor": _floor,
    "packaged floor": _floor,
    "packaged floor with Step Functions": _with_workflows,
    "packaged floor with SES": _with_mail,
    "packaged floor with Jinja": _with_page,
}


if __name__ == "__main__":
    main()
