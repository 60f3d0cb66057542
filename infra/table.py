"""The app's parts for commands that work on a table: `TABLE_NAME` says which. They send no mail and follow no link."""

from __future__ import annotations

from chalicelib import wiring
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings


def parts_of(table_name: str, *, roots_bucket: str = "") -> Parts:
    """Parts that read and write this table; but no timelines, for which they have no key."""
    settings = Settings(
        base_url="",
        table_name=table_name,
        signing_keys=(),
        state_machine_arn_prefix="",
        mail_from="",
        mail_reply_to="",
        exports_bucket="",
        mac_keys=(),
        root_keys=(),
        roots_bucket=roots_bucket,
    )
    return wiring.build(settings)
