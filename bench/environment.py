"""What the application is told where a benchmark runs it in its own process: no account of anybody's."""

from __future__ import annotations

from pathlib import Path

MAC_KEY = Path(__file__).parent / "mac-key"
"""What the benchmarks seal timelines with, and nothing else."""

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-2",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "BASE_URL": "http://localhost",
    "TABLE_NAME": "submissions",
    "EXPORTS_BUCKET": "exports",
    "MAC_KEYS": f"file:{MAC_KEY}",
    "ROOT_KEYS": "file:none",
    "ROOTS_BUCKET": "roots",
    "SIGNING_KEYS": "bench:only the benchmarks sign with this one",
    "STATE_MACHINE_ARN_PREFIX": "arn:aws:states:eu-west-2:123456789012:stateMachine:",
    "MAIL_FROM": "share@example.org",
    "MAIL_REPLY_TO": "help@example.org",
}
