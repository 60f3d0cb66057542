"""`make export`: the digests of this week so far, and their files, from the embedded run that is on.

The run's web process is asked by POST, and calls the handler that the schedule calls. The app has no such page.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from email.message import Message

from infra.local import lambdas, schedules
from infra.local.answers import Answer, made, problem
from infra.local.options import Options, Refused

PATH = "/local/export"
HANDLER = "app.digest"
_ASKED = "X-Make-Export"
"""No page of another site can send this header without being let, and nobody lets it."""

_HERE = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")


def answer(method: str, headers: Message) -> Answer:
    """Make them; what the handler says is the answer."""
    if not _HERE.fullmatch(headers.get("Host", "")) or _ASKED not in headers:
        return problem(403, "This is for `make export` on this machine only.")
    if method != "POST":
        return problem(405, "This takes POST.", headers={"Allow": "POST"})
    time.sleep(1 - time.time() % 1)  # a period ends on a second: what came in this one is to be in it
    done = lambdas.call(HANDLER, schedules.event("digest", so_far=True), lambdas.Context("digest"))
    return made(200, "application/json", json.dumps(done).encode())


def main() -> int:
    """Ask the run; 2 where there is none."""
    try:
        address = Options.from_env(os.environ).address
        request = urllib.request.Request(address + PATH, method="POST", headers={_ASKED: "yes"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310 - our own address
            queued = json.load(response)["queued"]
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except urllib.error.HTTPError as error:
        print(f"The run answered {error.code}: see its log.", file=sys.stderr)
        return 1
    except urllib.error.URLError:
        print(f"Nothing answers at {address}. Start the run: make run", file=sys.stderr)
        return 2
    if queued:
        print(f"{queued} digests are on their way: {address}/local/mail")
    else:
        print("Nothing has been sent in yet, so there is nothing to export.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
