"""A provider that says whatever a test wants: it signs with keys of its own, or does not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

NONCE = "a nonce"
CLIENT = "share"


@dataclass
class SigningProvider:
    """What it publishes and what it answers. `asked` are the paths, `fields` and `authorization` the last token
    request. `delay` is in seconds, before each answer."""

    url: str
    key: RSAKey = field(default_factory=lambda: an_rsa_key("one"))
    published: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    delay: float = 0
    asked: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    authorization: str = ""

    def __post_init__(self) -> None:
        self.published = [self.key.as_dict(private=False)]
        self.metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token says; a change to None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "sub": "jo",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": NONCE,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def says(self, token: Any, **more: Any) -> None:
        """Answer the next token requests with this ID token."""
        self.answer = {"id_token": token, "token_type": "Bearer", **more}

    def signed(self, *, key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token with these claims."""
        return jwt.encode(
            {"alg": "RS256", "kid": "one", **(header or {})},
            self.claims(**changes),
            key or self.key,
            ["RS256", "RS512", "PS256", "ES256"],
        )

    def by_hand(self, header: dict[str, Any], secret: bytes | None = None) -> str:
        """A token without a signature, or with an HMAC under a secret."""
        text = f"{_part(header)}.{_part(self.claims())}"
        mac = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret is not None else b""
        return f"{text}.{_base64(mac)}"

    def signed_by_hand(self, header: dict[str, Any]) -> str:
        """A token whose signature holds, with a header that no library would write."""
        text = f"{_part({'alg': 'RS256', 'kid': 'one', **header})}.{_part(self.claims())}"
        signature = self.key.private_key.sign(text.encode(), PKCS1v15(), SHA256())
        return f"{text}.{_base64(signature)}"

    def public_pem(self) -> bytes:
        return self.key.as_pem(private=False)


def an_rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


def an_ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


@contextmanager
def signing_provider() -> Iterator[SigningProvider]:
    """One on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = SigningProvider(f"http://127.0.0.1:{server.server_port}")
    server.provider = provider  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider = self._provider()
        is_keys = self.path == "/keys"
        self._send(provider, 200, {"keys": provider.published} if is_keys else provider.metadata)

    def do_POST(self) -> None:
        provider = self._provider()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        provider.fields = {name: values[0] for name, values in parse_qs(body).items()}
        provider.authorization = self.headers.get("Authorization", "")
        self._send(provider, provider.status, provider.answer)

    def _provider(self) -> SigningProvider:
        provider: SigningProvider = self.server.provider  # type: ignore[attr-defined]
        provider.asked.append(self.path)
        time.sleep(provider.delay)
        return provider

    def _send(self, provider: SigningProvider, status: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", f"{provider.url}/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _part(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content).encode())


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
