"""What only the signing keys can make. Each purpose has words of its own, so that nothing made for one is of use for
another."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.signing import signing_keys
from chalicelib.domain.people import pairs
from chalicelib.domain.people.pairs import Pair

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer


class KeyedSeals:
    """`keys`, newest first: the first makes, all verify, so that a mail outlives a change of key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._given = tuple(keys)

    @property
    def _keys(self) -> tuple[str, ...]:
        return signing_keys.given(self._given)

    def code(self, pair: Pair) -> str:
        """A 256-bit number in digits, or in characters of references: each code is as likely as the others."""
        return self._code(self._keys[0], pair)

    def is_code(self, pair: Pair, code: str) -> bool:
        """Takes as long for a wrong code as for a right one."""
        return self._is_one_of(code, [self._code(key, pair) for key in self._keys])

    def link(self, pair: Pair) -> str:
        """256 bits, URL-safe."""
        return self._link(self._keys[0], pair)

    def is_link(self, pair: Pair, token: str) -> bool:
        """Takes as long for a wrong token as for a right one. No pair that was never mailed has a link."""
        return bool(pair.nonce) and self._is_one_of(token, [self._link(key, pair) for key in self._keys])

    def cookie(self, kind: str, content: Sequence[Any]) -> str:
        """Signed JSON."""
        return str(self._serializer(kind).dumps(list(content)))

    def read_cookie(self, kind: str, text: str) -> list[Any]:
        """The content, where the signature is ours."""
        from itsdangerous import BadData

        try:
            content = self._serializer(kind).loads(text)
        except (BadData, UnicodeError):
            return []
        return content if isinstance(content, list) else []

    def _code(self, key: str, pair: Pair) -> str:
        purpose = "long-code" if pair.is_long else "code"
        number = int.from_bytes(_mac(key.encode(), purpose, pair.mailbox, pair.nonce), "big")
        return pairs.code_of(number, is_long=pair.is_long)

    def _link(self, key: str, pair: Pair) -> str:
        made = _mac(key.encode(), "link", pair.mailbox, pair.nonce)
        return urlsafe_b64encode(made).rstrip(b"=").decode("ascii")

    def _is_one_of(self, given: str, made: Sequence[str]) -> bool:
        found = [hmac.compare_digest(given.encode("utf-8", "replace"), one.encode()) for one in made]
        return any(found)

    def _serializer(self, kind: str) -> URLSafeSerializer:
        from itsdangerous import URLSafeSerializer

        return URLSafeSerializer(
            list(reversed(self._keys)),
            salt=f"cookie-{kind}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


def _mac(key: bytes, *words: str) -> bytes:
    """HMAC-SHA-256 over words, of which none holds a line break."""
    return hmac.new(key, "\n".join(("share-your-knowledge", *words)).encode(), hashlib.sha256).digest()
