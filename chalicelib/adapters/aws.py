"""boto3 clients, made when first needed: a client costs 60 ms of a cold start."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def client(service: str) -> Any:
    """The one client of a service. Gives up after seconds: the sweeper tries again, a visitor does not."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=20,
        # Else addresses are signed for S3's global host, which sends on to the region's, where they do not hold.
        s3={"addressing_style": "virtual"},
    )
    return boto3.client(service, config=config)
