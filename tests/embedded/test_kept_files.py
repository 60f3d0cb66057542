"""Files outlive the run, and `make export` speaks to nobody but this machine."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.s3.models import S3Backend

from infra.local import export, kept_files


@pytest.fixture(autouse=True)
def unpatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is patched in moto is taken back; and the endpoint of a run is not ours."""
    for name in ("put_object", "delete_object"):
        monkeypatch.setattr(S3Backend, name, getattr(S3Backend, name))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    yield


def test_what_is_put_is_there_after_a_restart_and_what_is_deleted_is_not(tmp_path: Path) -> None:
    with mock_aws():
        kept_files.restore(tmp_path, "files")
        kept_files.keep(tmp_path)
        client = boto3.client("s3")
        for key in ("a/one.csv", "a/two.csv"):
            client.put_object(Bucket="files", Key=key, Body=key.encode())
        client.delete_object(Bucket="files", Key="a/two.csv")
    assert (tmp_path / "files/a/one.csv").read_bytes() == b"a/one.csv"
    (tmp_path / "files/a/three.csv.0.new").write_bytes(b"torn")
    with mock_aws():
        kept_files.restore(tmp_path, "files")
        client = boto3.client("s3")
        listed = client.list_objects_v2(Bucket="files")["Contents"]
        found = client.get_object(Bucket="files", Key="a/one.csv")["Body"].read()
    assert ([one["Key"] for one in listed], found) == (["a/one.csv"], b"a/one.csv")


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", ""])
def test_a_key_that_leads_out_of_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError):
        kept_files.path_of(tmp_path, "files", key)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Host": "127.0.0.1:8000"}, 403),
        ("POST", {"Host": "evil.example", "X-Make-Export": "yes"}, 403),
        ("GET", {"Host": "127.0.0.1:8000", "X-Make-Export": "yes"}, 405),
    ],
)
def test_an_export_is_made_for_nobody_elsewhere(method: str, headers: dict[str, str], status: int) -> None:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    assert export.answer(method, message).status == status


def test_without_a_run_the_command_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "1")
    assert export.main() == 2
    assert "make run" in capsys.readouterr().err
