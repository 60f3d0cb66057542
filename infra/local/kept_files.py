"""S3 that outlives moto: what is put into its buckets is written to the data folder, and put back at start."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from infra.local.environment import ACCOUNT

log = logging.getLogger(__name__)


def keep(folder: Path) -> None:
    """Write whatever moto stores from now on. Private to moto, which offers no other way."""
    from moto.s3.models import S3Backend

    put, delete = S3Backend.put_object, S3Backend.delete_object

    def put_and_write(
        backend: Any, bucket_name: str, key_name: str, value: bytes, *rest: Any, **named: Any
    ) -> Any:
        made = put(backend, bucket_name, key_name, value, *rest, **named)
        _write(path_of(folder, bucket_name, key_name), made.value)
        return made

    def delete_and_remove(backend: Any, bucket_name: str, key_name: str, *rest: Any, **named: Any) -> Any:
        path_of(folder, bucket_name, key_name).unlink(missing_ok=True)
        return delete(backend, bucket_name, key_name, *rest, **named)

    _replace(S3Backend, "put_object", put_and_write)
    _replace(S3Backend, "delete_object", delete_and_remove)


def _replace(backend: type, name: str, function: Callable[..., Any]) -> None:
    setattr(backend, name, function)


def restore(folder: Path, bucket: str) -> None:
    """Make the bucket, and put into it what was written before. Before `keep`, or all is written again.

    The files go straight into moto: over HTTP, one request each, the demonstration's 2,500 take seconds.
    """
    from moto.s3.models import s3_backends

    client = boto3.client("s3")
    location: Any = {"LocationConstraint": client.meta.region_name}
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    s3, root = s3_backends[ACCOUNT]["aws"], folder / bucket
    for file in sorted(root.rglob("*")) if root.is_dir() else ():
        if file.is_file() and not file.name.endswith(".new"):
            s3.put_object(bucket, file.relative_to(root).as_posix(), file.read_bytes())


def path_of(folder: Path, bucket: str, key: str) -> Path:
    """Where a file is written. Raises ValueError for a key that leads out of its bucket's folder."""
    root = (folder / bucket).resolve()
    path = (root / key).resolve()
    if root not in path.parents:
        raise ValueError("this key leads elsewhere")
    return path


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when we are killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    unfinished.write_bytes(content)
    unfinished.replace(path)
