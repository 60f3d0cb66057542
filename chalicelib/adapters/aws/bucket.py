"""Files in one S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from botocore.exceptions import ClientError

from chalicelib.adapters.aws import clients
from chalicelib.domain.errors import NotFound, TooLarge

_ABSENT = ("NoSuchKey", "404", "NotFound")
_THERE_ALREADY = "PreconditionFailed"
_BEING_PUT = "ConditionalRequestConflict"
_TRIES = 4


class S3Files:
    """The files of one bucket, by key."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, key: str, content: IO[bytes], *, media_type: str) -> None:
        """Streamed from the file. S3 compares what arrives with the checksum that botocore sends."""
        clients.client("s3").put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=media_type)

    def put_if_absent(self, key: str, content: bytes, *, media_type: str) -> bool:
        """A conditional write (`If-None-Match: *`). Where somebody else is at it, S3 wants to be asked again."""
        for tries_left in reversed(range(_TRIES)):
            try:
                clients.client("s3").put_object(
                    Bucket=self._bucket, Key=key, Body=content, ContentType=media_type, IfNoneMatch="*"
                )
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == _THERE_ALREADY:
                    return False
                if code == _BEING_PUT and tries_left:
                    continue
                raise
            return True
        raise AssertionError("unreachable")

    def get(self, key: str, *, most: int) -> bytes:
        """Read no further than `most`."""
        try:
            found = clients.client("s3").get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                raise NotFound("There is no such file, or it has been removed since.") from None
            raise
        with found["Body"] as body:
            content: bytes = body.read(most + 1)
        if len(content) > most:
            raise TooLarge(f"This file has more than {most // (1024 * 1024)} MB. Ask for a shorter period.")
        return content

    def keys(self, prefix: str) -> Iterator[str]:
        """A thousand for each call."""
        pages = clients.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for one in page.get("Contents", ()):
                yield one["Key"]

    def address(self, key: str, *, called: str, media_type: str, seconds: int) -> str:
        """Signed here, with the function's own credentials: S3 looks at them when the file is fetched."""
        address: str = clients.client("s3").generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseCacheControl": "no-store",
                "ResponseContentDisposition": f'attachment; filename="{called}"',
                "ResponseContentType": media_type,
            },
            ExpiresIn=seconds,
        )
        return address
