"""Absolute addresses of our pages, from configuration: never from what a request says its host is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.adapters.signing import signing_keys
from chalicelib.domain.errors import NotFound, Unreadable
from chalicelib.domain.intake.form_keys import FormKey
from chalicelib.domain.records.submissions import Task

if TYPE_CHECKING:
    from itsdangerous import Signer, URLSafeSerializer


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class SignedLinks:
    """`keys` sign, newest first; older ones still verify, so that a link outlives a change of key. Without keys there
    are only addresses that hold no signature; the others raise NoSigningKeys."""

    def __init__(self, base_url: str, keys: Sequence[str]) -> None:
        self._base_url = base_url.rstrip("/")
        self._keys = tuple(keys)

    def status(self, force: str, reference: str, number: int = 1) -> str:
        """The submitter's status page."""
        return self.page(f"/status/{self.status_token(force, reference, number)}")

    def claimant(self, force: str, reference: str, action: str, number: int = 1) -> str:
        """Below the status page. Takes a code that is mailed to the submitter."""
        return f"{self.status(force, reference, number)}/{action}"

    def status_token(self, force: str, reference: str, number: int = 1) -> str:
        """`kent.CLM-7K3F-9QXN.<signature>`, and from the second link on `kent.CLM-7K3F-9QXN.2.<signature>`. It names no
        person and expires with the key."""
        named = f"{force}.{reference}" if number == 1 else f"{force}.{reference}.{number}"
        return self._signer.sign(named).decode("ascii")

    def read_status_token(self, token: str) -> tuple[str, str]:
        """Force and reference, where the signature is ours."""
        force, reference, *_ = self._signed(token)
        return force, reference

    def link_number(self, token: str) -> int:
        """The number of the link, where the signature is ours."""
        _, _, *number = self._signed(token)
        return int(number[0]) if number else 1

    def _signed(self, token: str) -> list[str]:
        from itsdangerous import BadSignature

        try:
            return self._signer.unsign(token).decode("ascii").split(".")
        except (BadSignature, UnicodeError):
            raise NotFound("This status link is not complete. Copy it whole from your receipt.") from None

    def page_token(self, place: Sequence[str]) -> str:
        """Opaque to its reader, and of no use when changed."""
        return str(self._pages.dumps(list(place)))

    def read_page_token(self, token: str) -> list[str]:
        """The place, where the signature is ours."""
        from itsdangerous import BadData

        try:
            return [str(part) for part in self._pages.loads(token)]
        except BadData:
            raise Unreadable(
                "This cursor is not one of ours, or not complete. Start the list anew."
            ) from None

    def form_key(self, key: FormKey) -> str:
        """Opaque, and of no use when changed: nobody makes a key for somebody else's form, or an older one."""
        shown_at = (key.shown_at - _EPOCH) // timedelta(milliseconds=1)
        return str(self._forms.dumps([key.form, key.version, key.key, shown_at]))

    def read_form_key(self, token: str) -> FormKey:
        """The key, where the signature is ours."""
        from itsdangerous import BadData

        try:
            form, version, key, shown_at = self._forms.loads(token)
        except (BadData, UnicodeError):
            raise Unreadable("This page is not complete. Send it again.") from None
        shown = _EPOCH + timedelta(milliseconds=shown_at)
        return FormKey(form=form, version=version, key=key, shown_at=shown)

    def task(self, task: Task) -> str:
        """Where a task is decided. Holds no secret: it takes signing in."""
        return self.page(f"/tasks/{task.id}")

    def page(self, path: str) -> str:
        """Any page."""
        return self._base_url + path

    @cached_property
    def _signer(self) -> Signer:
        import hashlib

        from itsdangerous import Signer

        oldest_first = list(reversed(signing_keys.given(self._keys)))
        return Signer(oldest_first, salt="status-link", key_derivation="hmac", digest_method=hashlib.sha256)

    @cached_property
    def _pages(self) -> URLSafeSerializer:
        return self._serializer("page-of-a-list")

    @cached_property
    def _forms(self) -> URLSafeSerializer:
        return self._serializer("form-key")

    def _serializer(self, salt: str) -> URLSafeSerializer:
        import hashlib

        from itsdangerous import URLSafeSerializer

        return URLSafeSerializer(
            list(reversed(signing_keys.given(self._keys))),
            salt=salt,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
