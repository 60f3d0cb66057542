"""What exports need, in memory and as it really is: DynamoDB is dynoxide, S3 is moto."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
import requests
from moto import mock_aws

from chalicelib.adapters.aws import clients
from chalicelib.adapters.aws.bucket import S3Files
from chalicelib.adapters.dynamodb.archive import DynamoArchive
from chalicelib.domain.errors import NotFound, TooLarge
from chalicelib.domain.reports.exports import Period
from chalicelib.services.ports import Archive, Files, Parts
from chalicelib.services.reports import exporting
from tests.builders import Story
from tests.fakes import MemoryArchive, MemoryFiles

START = datetime(2027, 1, 11, tzinfo=timezone.utc)
FORM = "funding-claim"


@pytest.fixture
def archive(parts: Parts) -> Archive:
    if isinstance(parts.archive, MemoryArchive) and type(parts.records).__name__ == "MemoryRecords":
        return parts.archive
    return DynamoArchive()


@pytest.fixture(params=["memory", "moto"])
def files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    if request.param == "memory":
        yield MemoryFiles()
        return
    clients.client.cache_clear()
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        yield S3Files("files")
    clients.client.cache_clear()


def test_submissions_come_oldest_first_from_the_start_to_before_the_end(
    story: Story, archive: Archive
) -> None:
    references = []
    for hours in (0, 1, 2, 3):
        story.parts.now.at = START + timedelta(hours=hours)  # type: ignore[attr-defined]
        references.append(story.submit().reference)
    story.submit(force="essex")
    end = START + timedelta(hours=3)
    found = list(archive.submitted("kent", FORM, since=START + timedelta(hours=1), until=end))
    assert [one.reference for one in found] == references[1:3]
    assert [one.reference for one in archive.submitted("kent", FORM, until=end)] == references[:3]
    assert list(archive.submitted("kent", "other", until=end)) == []
    assert found[0] == story.case(references[1]).submission


def test_more_than_one_batch_is_read(story: Story, archive: Archive) -> None:
    references = [story.submit().reference for _ in range(103)]
    found = [one.reference for one in archive.submitted("kent", FORM, until=START + timedelta(days=9))]
    assert sorted(found) == sorted(references)


def test_a_number_is_never_given_twice(archive: Archive) -> None:
    assert [archive.next_number(FORM, "kent") for _ in range(3)] == [1, 2, 3]
    assert archive.next_number(FORM, "essex") == 1


def test_a_file_is_stored_and_read(files: Files) -> None:
    files.put("a/b.csv", io.BytesIO(b"one"), media_type="text/csv")
    files.put("a/b.csv", io.BytesIO(b"two"), media_type="text/csv")
    assert files.get("a/b.csv", most=3) == b"two"
    with pytest.raises(TooLarge):
        files.get("a/b.csv", most=2)
    with pytest.raises(NotFound):
        files.get("a/c.csv", most=2)


def test_the_first_to_store_a_file_is_the_only_one(files: Files) -> None:
    assert files.put_if_absent("m.json", b"mine", media_type="application/json")
    assert not files.put_if_absent("m.json", b"theirs", media_type="application/json")
    assert files.get("m.json", most=10) == b"mine"


def test_files_are_found_by_how_their_keys_begin(files: Files) -> None:
    for key in ("a/b/1", "a/b/2", "a/bc/1", "b/b/1"):
        files.put(key, io.BytesIO(b"one"), media_type="text/csv")
    assert sorted(files.keys("a/b/")) == ["a/b/1", "a/b/2"]
    assert list(files.keys("c/")) == []


def test_more_files_are_found_than_one_call_gives(files: Files) -> None:
    for number in range(1_003):
        files.put(f"a/{number}", io.BytesIO(b""), media_type="text/csv")
    assert len(set(files.keys("a/"))) == 1_003


def test_an_address_names_the_file_and_what_it_is_to_be_called(files: Files) -> None:
    files.put("a/b.csv", io.BytesIO(b"one"), media_type="text/csv")
    address = urlsplit(files.address("a/b.csv", called="claims.csv", media_type="text/csv", seconds=60))
    assert address.scheme == "https"
    assert address.path.endswith("a/b.csv")
    said = " ".join(value for _, value in parse_qsl(address.query))
    assert "claims.csv" in said
    assert "60" in said
    assert files.address("a/none.csv", called="c", media_type="text/csv", seconds=1), "nobody is asked"


@pytest.fixture
def bucket() -> Iterator[S3Files]:
    """S3 alone."""
    clients.client.cache_clear()
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        yield S3Files("files")
    clients.client.cache_clear()


def test_whoever_has_the_address_gets_the_file_under_its_name(bucket: S3Files) -> None:
    bucket.put("a/b.csv", io.BytesIO(b"one"), media_type="application/octet-stream")
    address = bucket.address("a/b.csv", called="claims.csv", media_type="text/csv; charset=utf-8", seconds=60)
    answer = requests.get(address, timeout=5)
    assert (answer.status_code, answer.content) == (200, b"one")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="claims.csv"'


def test_an_address_is_signed_for_a_minute_and_for_the_host_of_our_region(
    bucket: S3Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3's global host would send on to the region's, and a signature holds for one host."""
    address = urlsplit(bucket.address("a/b.csv", called="c.csv", media_type="text/csv", seconds=60))
    assert address.netloc == "files.s3.eu-west-2.amazonaws.com"
    query = dict(parse_qsl(address.query))
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "60")
    clients.client.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5999")
    address = urlsplit(bucket.address("a/b.csv", called="c.csv", media_type="text/csv", seconds=60))
    assert (address.netloc, address.path) == ("127.0.0.1:5999", "/files/a/b.csv"), "on the embedded run"


def test_an_export_goes_through_the_real_parts(
    story: Story, archive: Archive, files: Files, stock: Callable[..., Parts]
) -> None:
    story.submit()
    parts = replace(story.parts, archive=archive, files=files)
    parts.now.at = START + timedelta(days=8)  # type: ignore[attr-defined]
    week = Period(start=START, end=START + timedelta(days=7))
    made = exporting.export(parts, FORM, "kent", week)
    assert (made.rows, made.number) == (1, 1)
    assert exporting.export(parts, FORM, "kent", week) == made
    for name in ("csv", "xlsx"):
        file, content = exporting.fetch_file(parts, made, name)
        assert len(content) == file.size
