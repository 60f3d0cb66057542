"""What both kinds of keys in KMS have in common: what they are called, and what KMS's errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable


def name_of(arn: str) -> str:
    """The id of a key, which is stored with what it made."""
    return arn.rpartition("/")[2]


def confirms(verify: Callable[[], object], *, unless: str) -> bool:
    """Whether KMS says that something is right: what `verify` gives, or no where KMS raises the error `unless`. Raises
    Unavailable."""
    try:
        with in_our_words(but=unless):
            return bool(verify())
    except ClientError:
        return False


@contextmanager
def in_our_words(*, but: str = "") -> Iterator[None]:
    """Turns whatever keeps KMS from answering into Unavailable, a key that is disabled or not ours to use included: it
    is for whoever runs the service to mend, and the alarm of errors tells them. The error `but` goes through."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if but and isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "") == but:
            raise
        raise Unavailable("The service is busy. Nothing was stored; try again in a minute.") from error
