"""The backend's short way to DynamoDB answers as botocore does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.config
import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.local.database import running_database
from infra.local.short_way import ShortWay

TABLE = "short"
NOBODY_LISTENS = "http://127.0.0.1:1"
ABSENT = "attribute_not_exists(pk)"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with running_database() as url:
        client(url).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield url


@pytest.fixture
def short(endpoint: str) -> Iterator[Any]:
    way = ShortWay(endpoint)
    yield client(endpoint, way)
    way.close()


def client(url: str, way: ShortWay | None = None) -> Any:
    session = botocore.session.Session()
    made = session.create_client(
        "dynamodb",
        region_name="eu-west-2",
        endpoint_url=url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    if way is not None:
        made.meta.events.register("before-call.dynamodb", way.call)
    return made


def put(pk: str, **more: Any) -> dict[str, Any]:
    return {"TableName": TABLE, "Item": {"pk": {"S": pk}, "n": {"N": "1"}, "é": {"S": "ü"}}, **more}


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_an_answer_is_as_botocore_reads_it(endpoint: str, short: Any) -> None:
    short.put_item(**put("a"))
    asked = {"TableName": TABLE, "Key": {"pk": {"S": "a"}}, "ConsistentRead": True}
    answer = short.get_item(**asked)
    assert answer["Item"] == put("a")["Item"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert without_metadata(answer) == without_metadata(client(endpoint).get_item(**asked))
    found = {"TableName": TABLE, "KeyConditionExpression": "pk = :a"}
    found["ExpressionAttributeValues"] = {":a": {"S": "a"}}
    assert without_metadata(short.query(**found)) == without_metadata(client(endpoint).query(**found))


@pytest.mark.parametrize("operation", ["condition", "transaction", "validation"])
def test_a_refusal_is_the_same_error(endpoint: str, short: Any, operation: str) -> None:
    long = client(endpoint)
    long.put_item(**put("there"))

    def refused(by: Any) -> ClientError:
        with pytest.raises(ClientError) as error:
            if operation == "condition":
                by.put_item(**put("there", ConditionExpression=ABSENT))
            elif operation == "transaction":
                items = [{"Put": put(pk, ConditionExpression=ABSENT)} for pk in ("new", "there")]
                by.transact_write_items(TransactItems=items)
            else:
                by.put_item(TableName=TABLE, Item={"other": {"S": "a"}})
        return error.value

    ours, theirs = refused(short), refused(long)
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.response["Error"] == theirs.response["Error"]
    assert ours.response.get("CancellationReasons") == theirs.response.get("CancellationReasons")
    assert ours.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_connection_serves_one_thread_at_a_time(short: Any) -> None:
    def one(number: int) -> bool:
        short.put_item(**put(f"p{number}"))
        got = short.get_item(TableName=TABLE, Key={"pk": {"S": f"p{number}"}})
        return bool(got["Item"]["pk"]["S"] == f"p{number}")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(100)))


def test_what_is_not_its_own_goes_the_long_way(endpoint: str) -> None:
    by = client(endpoint, ShortWay(NOBODY_LISTENS))
    assert by.put_item(**put("elsewhere"))["ResponseMetadata"]["HTTPHeaders"]


def test_answers_with_dates_go_the_long_way(short: Any) -> None:
    described = short.describe_table(TableName=TABLE)["Table"]
    assert described["CreationDateTime"].year


def test_where_nobody_answers_botocore_says_so() -> None:
    with pytest.raises(EndpointConnectionError):
        client(NOBODY_LISTENS, ShortWay(NOBODY_LISTENS)).put_item(**put("a"))


@pytest.mark.needs_dynoxide("connections that are kept")
def test_a_broken_connection_is_left_behind(endpoint: str) -> None:
    way = ShortWay(endpoint)
    by = client(endpoint, way)
    by.put_item(**put("first"))
    connection = way._free[0]
    connection._socket.shutdown(socket.SHUT_RDWR)
    assert by.put_item(**put("second"))["ResponseMetadata"]["HTTPHeaders"], "botocore sent it"
    assert by.put_item(**put("third"))["ResponseMetadata"]["HTTPStatusCode"] == 200
    way.close()
