"""AWS clients, made when first needed. They are botocore's own; boto3, which wraps them, is an import more."""

from __future__ import annotations

from functools import cache
from typing import Any

_TRIES = {"ses": 1}
"""SES sends a mail once more where its answer was lost and it is asked again: that is left to the outbox."""

_SIGNED_WITH = {"s3": "s3v4"}
"""In older regions botocore would sign links with version 2, which S3 refuses for files under a KMS key."""


@cache
def client(service: str) -> Any:
    """The one client of a service. Gives up after seconds: the sweeper tries again, a visitor does not.

    It shares PynamoDB's session: what one client has loaded of botocore's data, the next need not load again.
    """
    from botocore.config import Config

    from chalicelib.adapters.dynamodb.tables import shared_connection

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": _TRIES.get(service, 3)},
        max_pool_connections=20,
        signature_version=_SIGNED_WITH.get(service),
        # Else addresses are signed for S3's global host, which sends on to the region's, where they do not hold.
        s3={"addressing_style": "virtual"},
    )
    return shared_connection().session.create_client(service, config=config)
