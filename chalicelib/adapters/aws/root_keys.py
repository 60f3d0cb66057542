"""The keys that roots are signed with: ECDSA on P-256, by KMS or with a key in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from chalicelib.adapters.aws import clients, kms

_ALGORITHM = "ECDSA_SHA_256"


class Key(Protocol):
    """What signs, and verifies, a SHA-256 digest. `name` is kept with each signature (DER)."""

    name: str

    def sign(self, digest: bytes) -> bytes:
        """The signature."""

    def is_right(self, digest: bytes, signature: bytes) -> bool:
        """Whether this key made it."""


class HeldKey:
    """A private key in a PEM file, for where there is no KMS."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def sign(self, digest: bytes) -> bytes:
        """As KMS signs."""
        return bytes(self._key().sign(digest, _algorithm()))

    def is_right(self, digest: bytes, signature: bytes) -> bool:
        """By the public half."""
        return is_signed_by(self._key().public_key(), digest, signature)

    def _key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        return load_pem_private_key(self._path.read_bytes(), password=None)


class KmsKey:
    """A key of KMS (`ECC_NIST_P256`), by its ARN."""

    def __init__(self, arn: str) -> None:
        self.name = kms.name_of(arn)
        self._arn = arn

    def sign(self, digest: bytes) -> bytes:
        """One call."""
        with kms.in_our_words():
            return bytes(clients.client("kms").sign(**self._given(digest))["Signature"])

    def is_right(self, digest: bytes, signature: bytes) -> bool:
        """One call; KMS raises an error for a wrong signature."""
        given = {**self._given(digest), "Signature": signature}
        return kms.confirms(
            lambda: clients.client("kms").verify(**given)["SignatureValid"],
            unless="KMSInvalidSignatureException",
        )

    def _given(self, digest: bytes) -> dict[str, Any]:
        return {
            "KeyId": self._arn,
            "Message": digest,
            "MessageType": "RAW",
            "SigningAlgorithm": _ALGORITHM,
        }


class RootKeys:
    """`keys`, newest first: the first signs, all verify."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.name: key for key in keys}

    def sign(self, digest: bytes) -> tuple[str, bytes]:
        """By the newest key."""
        newest = next(iter(self._keys.values()))
        return newest.name, newest.sign(digest)

    def is_right(self, digest: bytes, *, key: str, signature: bytes) -> bool:
        """A key that we do not name is none of ours."""
        return key in self._keys and self._keys[key].is_right(digest, signature)


def is_signed_by(public_key: Any, digest: bytes, signature: bytes) -> bool:
    """Whether the private half of this key made the signature."""
    from cryptography.exceptions import InvalidSignature

    try:
        public_key.verify(signature, digest, _algorithm())
    except InvalidSignature:
        return False
    return True


def _algorithm() -> Any:
    """The digest is the message: KMS hashes it once more, and so does `openssl dgst -sha256 -verify`."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return ECDSA(SHA256())


def key_of(named: str) -> Key:
    """A key as ROOT_KEYS names it: `kms:` and its ARN, or `file:` and the path of a PEM file."""
    kind, _, where = named.partition(":")
    return KmsKey(where) if kind == "kms" else HeldKey(Path(where))
