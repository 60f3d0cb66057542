"""People using the running service over HTTP: a claimant, approvers with their mail and browser, staff."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener

from infra.local.options import ROOT
from infra.local.processes import free_port
from tests import child_logs

LEAD = "lead.kent@example.police.uk"
DEPUTY = "deputy.kent@example.police.uk"
PROGRAMME = "programme.manager@example.org"
FINANCE = "finance@example.org"
COORDINATOR = "coordinator.kent@example.police.uk"
REVIEWER = "idea.reviewer@example.org"
HOME_OFFICE, NPCC, COLLEGE = "home.office@example.org", "npcc@example.org", "college@example.org"
IDEA_FROM = "zuleika.quartermaine@example.police.uk"
CODE = re.compile(r"(?m)^ +([0-9A-Z]{6,10})$")
_sent = count(1)


def claim(**changes: Any) -> dict[str, Any]:
    """A claim's answers."""
    answers = {
        "force": "kent",
        "event_title": "Kent innovation day",
        "event_date": "2027-03-27",
        "venue_name": "Village hall",
        "venue_postcode": "ME14 1XX",
        "expected_attendance": 120,
        "cost_lines": [{"description": "Hall", "category": "venue-hire", "amount_pence": 120_000}],
        "purpose": "Officers bring ideas and try them out together.",
        "claimant_name": "Example Claimant",
        "claimant_email": "claimant@example.police.uk",
        "claimant_role": "Sergeant",
        "declaration": True,
    }
    return {**answers, **changes}


def eventually(fact: Callable[[], Any], *, within: float = 20.0) -> Any:
    """What `fact` gives once it gives something."""
    deadline = time.monotonic() + within
    while not (found := fact()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return found


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Service:
    """The whole embedded run, with a data folder and a port of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._settings = {"UNDO_SECONDS": "0", **settings}  # else each step waits for the one before
        self.said = ""
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        """Start it and wait until it says that it runs."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.run"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "DATA_DIR": str(self.data), **self._settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                return self.process
        raise AssertionError(self.process.communicate()[1])

    def kill_everything(self) -> None:
        """`kill -9` of the supervisor and of every process it started."""
        ids = [self.process.pid, *_children_of(self.process.pid)]
        for process_id in ids:
            os.kill(process_id, signal.SIGKILL)
        self.process.communicate(timeout=20)
        eventually(lambda: not any(_is_alive(process_id) for process_id in ids))

    def stop(self) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill_everything()
            raise

    def mails(self, to: str, about: str) -> list[dict[str, str]]:
        """Mails to an address whose subject holds `about`, or whose notification id begins with it, oldest first."""
        _, mails = Browser(self.address).get("/local/mail.json")
        theirs = [mail for mail in mails if mail["to"] == to]
        found = [mail for mail in theirs if about in mail["subject"] or mail["id"].startswith(about)]
        return sorted(found, key=lambda mail: mail["sent_at"])

    def mail(self, to: str, about: str, *, after: int = 0) -> dict[str, str]:
        """The newest of those, once there are more than `after`."""
        found = eventually(
            lambda: (m := self.mails(to, about)) if len(self.mails(to, about)) > after else None
        )
        return dict(found[-1])

    @property
    def as_staff(self) -> dict[str, str]:
        """The header that shows the demonstration token."""
        return {"Authorization": "Bearer " + (self.data / "demo-token").read_text().strip()}

    def staff(self, path: str) -> Any:
        """A staff API answer."""
        status, body = Browser(self.address, **self.as_staff).get(path)
        assert status == 200, body
        return body


class Browser:
    """Keeps cookies, follows no redirect, and gives every answer's status and body (JSON where it is JSON)."""

    def __init__(self, address: str, **headers: str) -> None:
        self._address = address
        self._headers = headers
        self.cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies), _NoRedirects)

    def get(self, path: str) -> tuple[int, Any]:
        """GET."""
        return self._send(Request(self._url(path), headers=self._headers))

    def post_json(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """POST a JSON body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers, **headers}
        return self._send(Request(self._url(path), data=data, headers=headers))

    def press(self, path: str, /, **fields: str) -> tuple[int, Any]:
        """Open a page and post its form, hidden fields included, with `fields`."""
        status, page = self.get(path)
        assert status == 200, (status, page)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        return self.post_form(path, **{**hidden, **fields})

    def post_form(self, path: str, /, **fields: str) -> tuple[int, Any]:
        """POST an HTML form."""
        return self._send(Request(self._url(path), data=urlencode(fields).encode(), headers=self._headers))

    def sign_in(self, service: Service, address: str) -> None:
        """With the code that is mailed."""
        before = len(service.mails(address, "sign-in code"))
        assert self.post_form("/sign-in", address=address)[0] == 303
        text = service.mail(address, "sign-in code", after=before)["text"]
        code = re.search(r"\b[0-9]{6}\b", text)
        assert code is not None
        assert self.post_form("/sign-in/code", code=code[0])[0] == 303

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self._address + path

    def _send(self, request: Request) -> tuple[int, Any]:
        try:
            with self._opener.open(request, timeout=10) as response:
                return response.status, _body(response)
        except HTTPError as error:
            with error:
                return error.code, _body(error)
        finally:
            child_logs.keep(self.cookies)


def submit(service: Service, *, confirmed: bool = True, **changes: Any) -> dict[str, Any]:
    """Post a claim, another one than those before, and confirm it with the mailed code; its receipt."""
    purpose = f"{claim()['purpose']} ({next(_sent)})"
    status, receipt = Browser(service.address).post_json(
        "/api/v1/forms/funding-claim/submissions", claim(**{"purpose": purpose, **changes})
    )
    assert status == 201, receipt
    if confirmed:
        confirm(service, receipt, to=str(changes.get("claimant_email") or claim()["claimant_email"]))
    return dict(receipt)


def share(service: Service, **changes: Any) -> dict[str, Any]:
    """Post an idea and confirm it with the mailed code; its receipt."""
    answers = {
        "title": "One template for all handovers",
        "improvement": "Each shift writes its handover in a way of its own. One template would save half an hour.",
        "category": "processes",
        "force": "kent",
        "role": "officer",
        "scale": "national",
        "contact_name": "Zuleika Quartermaine",
        "contact_email": IDEA_FROM,
        **changes,
    }
    status, receipt = Browser(service.address).post_json("/api/v1/forms/idea/submissions", answers)
    assert status == 201, receipt
    confirm(service, receipt, to=str(answers["contact_email"]))
    return dict(receipt)


def confirm(service: Service, receipt: dict[str, Any], *, to: str, within: float = 20.0) -> None:
    """Type the mailed code, as a program does. `within`: how long its mail may take, in seconds."""

    def post(code: str) -> bool:
        status, answer = Browser(service.address).post_json(receipt["confirm_url"], {"code": code})
        assert status in (200, 422), answer
        return status == 200

    type_newest_code(service, to, post, within=within)


def type_newest_code(
    service: Service, to: str, attempt: Callable[[str], bool], *, within: float = 20.0
) -> None:
    """Try the code that was mailed to this address last, until one is right. It is good for this also where it was
    mailed for something else; where it is not, the newest mail is still on its way."""
    tried: set[str] = set()

    def typed() -> bool:
        codes = [mail for mail in service.mails(to, "mail.") if CODE.search(mail["text"])]
        if not codes or codes[-1]["id"] in tried:
            return False
        tried.add(codes[-1]["id"])
        return attempt(CODE.findall(codes[-1]["text"])[0])

    eventually(typed, within=within)


def decide(service: Service, address: str, reference: str, decision: str, comment: str = "") -> Any:
    """As the asked person does: open the mail's link, sign in with the code, read, decide."""
    link = task_link(service.mail(address, asked(reference))["text"])
    browser = Browser(service.address)
    assert browser.get(link)[0] == 303, "nobody sees a task without signing in"
    browser.sign_in(service, address)
    task = "/api/v1/tasks/" + link.rpartition("/")[2]
    status, shown = browser.get(task)
    assert status == 200, shown
    body = {"decision": decision, "comment": comment, "seen": shown["seen"]}
    status, outcome = browser.post_json(task + "/decision", body)
    assert status == 200, outcome
    return outcome


def asked(reference: str, force: str = "kent") -> str:
    """What the notification ids of mails that ask somebody to decide this claim begin with."""
    return f"mail.asked.{force}.{reference}"


def task_link(text: str) -> str:
    """The one link of a mail that asks somebody to decide."""
    links = re.findall(r"http://\S+", text)
    assert len(links) == 1, links
    return str(links[0])


def status_of(receipt: dict[str, Any]) -> Any:
    """What the claimant sees."""
    address, _, token = receipt["status_url"].partition("/status/")
    status, shown = Browser(address).get(f"/api/v1/status/{token}")
    assert status == 200
    return shown


def _body(response: Any) -> Any:
    raw = response.read()
    return json.loads(raw) if "json" in response.headers.get("Content-Type", "") else raw.decode()


def _children_of(process_id: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    direct = [child for child, parent in pairs if parent == process_id]
    return direct + [below for child in direct for below in _children_of(child)]


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
