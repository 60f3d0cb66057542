"""`make export` on the real thing: the digest that a chief constable reads, and the way from it to the files."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from infra.local.options import ROOT
from tests.whole.visitor import COORDINATOR, Browser, Service, decide, share, submit

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("life")]

CHIEF = "chief.kent@example.police.uk"


def test_a_digest_of_claims_and_ideas_comes_at_once_and_leads_to_the_files(service: Service) -> None:
    claim = submit(service, event_title="=1+1 ideas at Dover")["reference"]
    idea = share(service, title="Bikes for all neighbourhood teams")["reference"]
    share(service, title="A secret that nobody has published")
    decide(service, COORDINATOR, idea, "publish", "A good one.")

    made = subprocess.run(
        [sys.executable, "-m", "infra.local.export"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(service.port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "digests are on their way" in made.stdout
    mail = service.mail(CHIEF, "mail.digest.kent")
    assert mail["subject"].startswith("Claims and ideas of Kent Police, ")
    assert claim in mail["text"]
    assert "Bikes for all neighbourhood teams\nnational idea reviewer, by " in mail["text"]
    assert "secret" not in mail["text"] + mail["html"]
    assert 'bgcolor="#1a65a6"' in mail["html"]

    files = re.findall(r"http://\S+/exports/\S+", mail["text"])
    assert [file.split("/exports/")[1].split("/")[0] for file in files] == ["funding-claim", "idea"]
    browser = Browser(service.address)
    assert browser.get(files[0])[0] == 303, "nobody gets them without signing in"
    browser.sign_in(service, CHIEF)
    status, listed = browser.get("/exports")
    assert status == 200
    for file in files:
        assert f'href="{file.removeprefix(service.address)}"' in listed
    status, table = browser.get(f"{files[0]}/csv")
    assert status == 200
    assert table.startswith("\ufeffReference,Force,Name of the day,")
    assert f"{claim},Kent Police,'=1+1 ideas at Dover," in table
