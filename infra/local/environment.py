"""The environment that our processes run in. It is all that tells the app it is not on AWS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from infra.local.options import ROOT

REGION = "eu-west-2"
ACCOUNT = "123456789012"  # moto's
TABLE = "share-your-knowledge"
BUCKET = "share-your-knowledge-exports"
ROOTS_BUCKET = "share-your-knowledge-roots"
READY = "/local/ready"  # the backend answers 200 here once everything stands


def for_children(
    env: Mapping[str, str],
    *,
    base_url: str,
    signing_keys: str,
    timeline_keys: Mapping[str, str],
    dynamodb: str,
    cloud: str,
) -> dict[str, str]:
    """The app's settings and the addresses of our own AWS. `timeline_keys` are the settings of what seals timelines.

    Whatever AWS_* the person has set stays behind, profile files included: this run reaches nobody's account.
    """
    kept = {name: value for name, value in env.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **_aws(dynamodb, cloud),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", env.get("NO_PROXY", "")])),
        "MOTO_PORT": cloud.rpartition(":")[2],
        "MOTO_DISABLE_GLOBAL_CORS": "1",
        "BASE_URL": env.get("BASE_URL") or base_url,
        "TABLE_NAME": TABLE,
        "EXPORTS_BUCKET": BUCKET,
        "SIGNING_KEYS": signing_keys,
        **timeline_keys,
        "ROOTS_BUCKET": ROOTS_BUCKET,
        "RELAY_GRACE_SECONDS": env.get("RELAY_GRACE_SECONDS") or "10",  # what a kill left behind goes on soon
        "UNDO_SECONDS": env.get("UNDO_SECONDS") or "20",  # long enough to try it, short enough to wait for
        "SOURCE_QUOTA": env.get("SOURCE_QUOTA") or "0",  # everybody who uses this run has the same address
        "UNPROVEN_MAIL_QUOTA": env.get("UNPROVEN_MAIL_QUOTA") or "0",  # no mail leaves this run
        "CLAIM_DOMAINS": env.get("CLAIM_DOMAINS") or "",
        "UNCONFIRMED_DAYS": env.get("UNCONFIRMED_DAYS") or "7",
        "FORM_SECONDS": env.get("FORM_SECONDS") or "0",  # what drives this run may type faster than people
        "MAIL_FROM": env.get("MAIL_FROM") or "share-your-knowledge@example.org",
        "MAIL_REPLY_TO": env.get("MAIL_REPLY_TO") or "coordinator@example.org",
        "SECURITY_EXPIRES": env.get("SECURITY_EXPIRES") or _half_a_year_ahead(),
        "STATE_MACHINE_ARN_PREFIX": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:",
    }


def _half_a_year_ahead() -> str:
    """Nobody renews the day of a run at hand: each start does."""
    return (datetime.now(timezone.utc) + timedelta(days=180)).date().isoformat()


def _aws(dynamodb: str, cloud: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": dynamodb,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
