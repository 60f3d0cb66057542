"""What a cold start loads: each entry point, in a fresh process up to its first answer, imports nothing that it does
not need. These are names, not times; times are measured by `make bench PARTS=cold`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from bench import cold
from chalicelib.web.http.sections import SECTIONS
from infra.local import gateway

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

PROVIDERS = {
    *("authlib", "joserfc", "cryptography", "chalicelib.web.pages.people.providers"),
    *("chalicelib.adapters.openid", "chalicelib.adapters.dynamodb.identity_items"),
    *("chalicelib.services.people.openid", "chalicelib.domain.people.identities"),
}
"""What signing in with an OpenID provider takes, and nobody else."""
NOWHERE = {"boto3", "s3transfer", "requests", "jsonschema", "moto", "referencing", "email.headerregistry"}
NOWHERE |= PROVIDERS
"""What our code or a dependency might bring along, and nothing of ours needs to answer anything."""
PAGES = {
    "jinja2",
    "markupsafe",
    "govuk_frontend_jinja",
    "chalicelib.web.pages.render",
    "chalicelib.adapters.rendering.templates",
}
WORKBOOKS = {"xlsxwriter", "chalicelib.adapters.rendering.workbooks"}
CHECKING = {"jsonschema_rs"}
MAILING = {"chalicelib.adapters.aws.ses"}
FURTHER_AWS = {"chalicelib.adapters.aws.step_functions", "chalicelib.adapters.aws.bucket"}
CALLING_AWS = {"chalicelib.adapters.aws.clients", *FURTHER_AWS}
"""Whoever writes an entry, or checks one, calls KMS."""
ROOTS = {
    "chalicelib.services.records.daily_roots",
    "chalicelib.services.records.verifying",
    "chalicelib.adapters.aws.root_keys",
}
DESK = {
    *(
        "chalicelib.services.desk.overview",
        "chalicelib.services.desk.listing",
        "chalicelib.services.reports.exporting",
    ),
    *(
        "chalicelib.services.reports.digesting",
        "chalicelib.services.repair.reconciling",
        "chalicelib.services.ideas.publishing",
    ),
    *(
        "chalicelib.web.pages.desk.desk",
        "chalicelib.web.pages.desk.list_filters",
        "chalicelib.web.pages.reports.exports",
    ),
}
HTTP = {
    "chalicelib.web.http.views",
    "chalicelib.web.http.requests",
    "chalicelib.web.http.problems",
    "chalicelib.web.api.routes",
}
API = PAGES | WORKBOOKS | MAILING | DESK | FURTHER_AWS | ROOTS
SERVED = {f"chalicelib.web.{name}" for name in SECTIONS} | {"chalicelib.services.intake.submitting"}
BACKGROUND = HTTP | WORKBOOKS

FORBIDDEN: Mapping[str, set[str]] = {
    "intake": API | {"chalicelib.services.approvals.deciding", "chalicelib.services.records.status_view"},
    "task": API | CHECKING,
    "page": WORKBOOKS | MAILING | DESK | ROOTS | FURTHER_AWS | CHECKING | {"chalicelib.web.api.routes"},
    "nowhere": API | CALLING_AWS | CHECKING | SERVED,
    "nowhere_page": WORKBOOKS | MAILING | DESK | CALLING_AWS | CHECKING | SERVED,
    "ask_approver": BACKGROUND | PAGES | MAILING | DESK | ROOTS | FURTHER_AWS | CHECKING,
    "relay_workflow": BACKGROUND | PAGES | MAILING | DESK | CHECKING,
    "relay_mail": BACKGROUND | DESK | CHECKING | {"chalicelib.adapters.aws.step_functions"},
    "sweep": BACKGROUND | DESK | CHECKING,
    "mail_events": BACKGROUND | PAGES | MAILING | DESK | ROOTS | FURTHER_AWS | CHECKING,
    "follow_up": BACKGROUND | PAGES | MAILING | DESK | ROOTS | FURTHER_AWS | CHECKING,
    "write_roots": BACKGROUND
    | PAGES
    | MAILING
    | DESK
    | CHECKING
    | {"chalicelib.adapters.aws.step_functions"},
    "reconcile": BACKGROUND | PAGES | MAILING | CHECKING,
    "digest": BACKGROUND | PAGES | MAILING | CHECKING,
}
"""Of each entry point, besides NOWHERE. A module stands for those below it, too."""

NOT_THERE: Mapping[str, Message] = {"nowhere": Message(), "nowhere_page": Message()}
"""What is sent to an address that does not exist: by a program, and by a browser."""
NOT_THERE["nowhere_page"]["Accept"] = "text/html"

SCHEDULED = {
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
    **dict.fromkeys(("version", "account", "region", "time", "id"), ""),
    "resources": [],
}
START = """
import gc, json, sys
collects = gc.get_threshold()
planted, handler, file, expected, *sys.path[:0] = sys.argv[1:]
if planted:
    __import__(planted)
import app
answer = getattr(app, handler)(json.load(open(file)), None)
assert str(answer.get("statusCode", 200)) in expected.split() and not answer.get("batchItemFailures"), answer
assert gc.get_threshold() == collects, "garbage is looked for again once there is an answer"
print(json.dumps(sorted(sys.modules)))
"""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Fresh processes, and the events that they are asked with."""

    events: Mapping[str, list[Any]]
    env: Mapping[str, str]
    folder: Path

    def modules(self, name: str, *, planted: str = "", path: str = "", **env: str) -> set[str]:
        """All that is loaded once an entry point has answered; `planted` is imported before anything else. `path`:
        another page than the entry point's own."""
        handler, event = self._asked(name)
        if path:
            context = {**event["requestContext"], "resourcePath": path}
            event = {**event, "path": path, "pathParameters": None, "requestContext": context}
        file = self.folder / "event.json"
        file.write_text(json.dumps(event), encoding="utf-8")
        places = [str(ROOT), str(ROOT / "vendor"), sysconfig.get_path("purelib")]
        # Without `site`: what is installed for development may load modules of its own at every start.
        expected = "404" if name in NOT_THERE else "200 201"
        command = [sys.executable, "-I", "-S", "-c", START, planted, handler, str(file), expected, *places]
        done = subprocess.run(
            command, env={**self.env, **env}, cwd=ROOT, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stdout.splitlines()[-1]))

    def _asked(self, name: str) -> tuple[str, Any]:
        of = {"ask_approver": "ask", "relay_workflow": "workflow", "relay_mail": "mail"}
        if name in ("intake", "task", "page"):
            return "app", self.events[name].pop()
        if name in NOT_THERE:
            return "app", gateway.event("GET", "/nowhere", NOT_THERE[name], None)
        if name in of:
            return name, self.events[of[name]].pop()
        return name, {"Records": []} if name == "mail_events" else SCHEDULED


@pytest.fixture(scope="module")
def starts(dynamodb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    folder = tmp_path_factory.mktemp("starts")
    with cold.stand_in() as cloud:
        env = {**cold.environ(dynamodb, cloud), "TABLE_NAME": "starts", "PATH": os.environ["PATH"]}
        yield Starts(events=cold.events(3, folder / "events.json", env), env=env, folder=folder)


def found(loaded: set[str], forbidden: set[str]) -> set[str]:
    """Which of the forbidden modules are loaded, or have one below them that is."""
    return {name for name in forbidden for one in loaded if one == name or one.startswith(f"{name}.")}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_start_loads_nothing_that_it_does_not_need(starts: Starts, name: str) -> None:
    assert found(starts.modules(name), NOWHERE | FORBIDDEN[name]) == set()


@pytest.mark.parametrize("ways", ["code", "both"])
def test_the_sign_in_page_loads_nothing_that_only_the_way_back_from_a_provider_needs(
    starts: Starts, ways: str
) -> None:
    issuer = {
        "id": "k",
        "name": "K",
        "issuer": "https://k.example",
        "client_id": "c",
        "domains": ["k.example"],
    }
    env = {"OIDC_ISSUERS": json.dumps([issuer]), "OIDC_SECRETS": "k:s"} if ways == "both" else {}
    loaded = starts.modules("page", path="/sign-in", SIGN_IN=ways, **env)
    assert "chalicelib.web.pages.people.sign_in" in loaded
    assert found(loaded, NOWHERE) == set()


def test_what_is_imported_all_the_same_is_found(starts: Starts) -> None:
    loaded = starts.modules("intake", planted="jinja2.nodes")
    assert found(loaded, NOWHERE | FORBIDDEN["intake"]) == {"jinja2", "markupsafe"}


def test_every_function_is_looked_at() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    functions = set(config["lambda_functions"]) - {"api_handler"}
    assert functions == FORBIDDEN.keys() - {"intake", "task", "page", *NOT_THERE}


def test_what_is_forbidden_is_there_to_be_imported() -> None:
    """A module that was renamed would be forbidden for nothing."""
    ours = {
        name for names in (NOWHERE, *FORBIDDEN.values()) for name in names if name.startswith("chalicelib.")
    }
    assert [name for name in ours if not (ROOT / name.replace(".", "/")).with_suffix(".py").exists()] == []


def test_every_address_is_in_a_section_that_is_loaded_for_it() -> None:
    from app import app

    for path, methods in app.routes.items():
        sections = {name for name, firsts in SECTIONS.items() if {*_firsts(path)} & {*firsts}}
        for entry in methods.values():
            assert entry.view_function.__module__.removeprefix("chalicelib.web.") in sections, path


def _firsts(path: str) -> tuple[str, str]:
    segments = path.split("/")[1:]
    return segments[0], "/".join(segments[:2])


def test_every_module_with_a_blueprint_is_a_section() -> None:
    web = ROOT / "chalicelib" / "web"
    modules = {one: ".".join(one.relative_to(web).with_suffix("").parts) for one in web.rglob("*.py")}
    blueprints = {
        name for one, name in modules.items() if " = Blueprint(__name__)" in one.read_text(encoding="utf-8")
    }
    assert blueprints == {*SECTIONS, "http.views"}
