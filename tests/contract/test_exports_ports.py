"""What exports need, in memory and as it really is: DynamoDB is dynoxide, S3 is moto."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.adapters.archive import DynamoArchive
from chalicelib.adapters.files import S3Files
from chalicelib.domain.errors import NotFound, TooLarge
from chalicelib.domain.exports import Period
from chalicelib.services import exporting
from chalicelib.services.ports import Archive, Files, Parts
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
    aws.client.cache_clear()
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        yield S3Files("files")
    aws.client.cache_clear()


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
