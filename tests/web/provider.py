"""A real OpenID provider in a process of its own (provider.mjs), and a browser in front of its pages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urljoin

from urllib3 import PoolManager

from chalicelib.domain.people.issuers import Issuer

CLIENT_SECRET = "a secret: of tests & nobody"


@contextmanager
def running_provider(back: str) -> Iterator[str]:
    """The provider's address. `back` is where it sends people."""
    node = shutil.which("node")
    assert node, "there is no node here"
    command = [node, str(Path(__file__).with_name("provider.mjs")), back]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
    assert process.stdout is not None
    try:
        # It may first say what of it is not for production.
        port = next(line.strip() for line in process.stdout if line.strip().isdigit())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def an_issuer(url: str, **changes: object) -> Issuer:
    """The provider, as the settings would name it."""
    values = {
        "id": "kents",
        "name": "Kent Police",
        "url": url,
        "client_id": "share",
        "client_secret": CLIENT_SECRET,
        "domains": ("example.police.uk",),
        "subject": ("tid", "oid"),
    }
    return Issuer(**{**values, **changes})  # type: ignore[arg-type]


class AtProvider:
    """Somebody's browser at the provider, with its cookies there."""

    def __init__(self) -> None:
        self._pool = PoolManager()
        self.cookies: dict[str, str] = {}

    def sign_in(self, address: str, back: str, person: str = "kent:jo") -> str:
        """Open the address, type who it is where the provider asks, and return the address that it leads back to."""
        for _ in range(10):
            if address.startswith(back):
                return address
            address = self._go("GET", address, person)
        raise AssertionError(f"the provider leads on and on: {address}")

    def _go(self, method: str, address: str, person: str, fields: str | None = None) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._pool.request(method, address, headers=headers, body=fields, redirect=False)
        for line in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        if "Location" in answer.headers:
            return urljoin(address, answer.headers["Location"])
        text = answer.data.decode()
        action = re.search(r'action="([^"]+)"', text)
        assert answer.status == 200 and action, f"{answer.status} {text[:2000]}"
        typed = {"prompt": "login", "login": person, "password": "any"}
        return self._go("POST", urljoin(address, action[1]), person, urlencode(typed))
