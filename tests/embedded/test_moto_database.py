"""moto's DynamoDB in a process of its own: isolated by a lock, its stream whole, and open to nobody else."""

from __future__ import annotations

import inspect
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from infra.local import events, moto_repairs
from infra.local.database import running_database
from infra.local.options import ROOT

TABLE = "table"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DYNOXIDE", "none")
        with running_database() as url:
            client(url).create_table(
                TableName=TABLE,
                KeySchema=[schema("pk", "HASH"), schema("sk", "RANGE")],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification=STREAM,
            )
            yield url


@pytest.fixture
def stream(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[events.Stream]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", endpoint)
    opened = events.Stream(TABLE)
    yield opened
    opened.close()


def client(url: str) -> Any:
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=8)
    return boto3.client("dynamodb", endpoint_url=url, region_name="eu-west-2", config=once)


def schema(name: str, kind: str) -> Any:
    return {"AttributeName": name, "KeyType": kind}


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "-"}}


def put(pk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {**key(pk), **more}}}


def take(pk: str) -> dict[str, Any]:
    """One off what is left, where something is left."""
    return {
        "Update": {
            "TableName": TABLE,
            "Key": key(pk),
            "UpdateExpression": "SET n = n - :one",
            "ConditionExpression": "n >= :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def item(url: str, pk: str) -> Any:
    return client(url).get_item(TableName=TABLE, Key=key(pk)).get("Item")


def test_of_racing_transactions_as_many_go_through_as_there_is_for(endpoint: str) -> None:
    shared = client(endpoint)
    shared.put_item(TableName=TABLE, Item={**key("fund"), "n": {"N": "20"}})

    def attempt(number: int) -> bool:
        try:
            shared.transact_write_items(TransactItems=[put(f"share-{number}"), take("fund")])
        except ClientError as error:
            reasons = [reason["Code"] for reason in error.response["CancellationReasons"]]
            assert reasons == ["None", "ConditionalCheckFailed"]
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        went = list(pool.map(attempt, range(60)))
    assert sum(went) == 20
    assert item(endpoint, "fund")["n"] == {"N": "0"}
    assert [bool(item(endpoint, f"share-{number}")) for number in range(60)] == went


def test_what_a_refused_transaction_wrote_is_taken_back_and_never_in_the_stream(
    endpoint: str, stream: events.Stream
) -> None:
    client(endpoint).put_item(TableName=TABLE, Item={**key("changed"), "n": {"N": "5"}})
    client(endpoint).put_item(TableName=TABLE, Item={**key("empty"), "n": {"N": "0"}})
    assert len(stream.read()) == 2
    refused = [
        put("new"),
        take("changed"),
        {"Delete": {"TableName": TABLE, "Key": key("gone")}},
        take("empty"),
    ]
    client(endpoint).put_item(TableName=TABLE, Item=key("gone"))
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client(endpoint).transact_write_items(TransactItems=refused)
    assert item(endpoint, "new") is None
    assert item(endpoint, "changed")["n"] == {"N": "5"}
    assert item(endpoint, "gone") == key("gone")
    client(endpoint).put_item(TableName=TABLE, Item=key("after"))
    assert [record["dynamodb"]["Keys"] for record in stream.read()] == [key("gone"), key("after")]


def test_a_transaction_that_is_sent_again_under_its_token_is_done_once(endpoint: str) -> None:
    client(endpoint).put_item(TableName=TABLE, Item={**key("left"), "n": {"N": "5"}})
    for _ in range(2):
        client(endpoint).transact_write_items(TransactItems=[take("left")], ClientRequestToken="the-same")
    assert item(endpoint, "left")["n"] == {"N": "4"}
    client(endpoint).transact_write_items(TransactItems=[take("left")], ClientRequestToken="another")
    assert item(endpoint, "left")["n"] == {"N": "3"}


def test_a_token_does_not_stand_for_another_transaction(endpoint: str) -> None:
    client(endpoint).transact_write_items(TransactItems=[put("first")], ClientRequestToken="taken")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        client(endpoint).transact_write_items(TransactItems=[put("second")], ClientRequestToken="taken")
    assert item(endpoint, "second") is None


def test_a_refused_transaction_may_be_tried_again_under_its_token(endpoint: str) -> None:
    client(endpoint).put_item(TableName=TABLE, Item={**key("refilled"), "n": {"N": "0"}})
    refused = {"TransactItems": [take("refilled")], "ClientRequestToken": "again"}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client(endpoint).transact_write_items(**refused)
    client(endpoint).put_item(TableName=TABLE, Item={**key("refilled"), "n": {"N": "1"}})
    client(endpoint).transact_write_items(**refused)
    assert item(endpoint, "refilled")["n"] == {"N": "0"}


def test_values_come_back_as_they_went_in(endpoint: str) -> None:
    values = {
        "text": {"S": "é"},
        "nothing": {"S": ""},
        "number": {"N": "12345678901234567890"},
        "no": {"BOOL": False},
        "null": {"NULL": True},
        "bytes": {"B": b"\x00\xff"},
        "set": {"SS": ["a", "b"]},
        "list": {"L": [{"N": "1"}, {"M": {"deep": {"B": b"\x01"}}}, {"L": []}]},
        "map": {"M": {"a": {"S": "b"}, "empty": {"M": {}}}},
    }
    client(endpoint).put_item(TableName=TABLE, Item={**key("values"), **values})
    assert item(endpoint, "values") == {**key("values"), **values}


def test_an_expression_that_is_sent_again_has_its_own_values(endpoint: str) -> None:
    for pk, number in (("one", "1"), ("two", "2")):
        for _ in range(2):
            client(endpoint).update_item(
                TableName=TABLE,
                Key=key(pk),
                UpdateExpression="SET #l = list_append(if_not_exists(#l, :none), :new), #n = :n",
                ConditionExpression="attribute_not_exists(#n) OR #n = :n",
                ExpressionAttributeNames={"#l": "told", "#n": "number"},
                ExpressionAttributeValues={
                    ":none": {"L": []},
                    ":new": {"L": [{"S": pk}]},
                    ":n": {"N": number},
                },
            )
        told = {"L": [{"S": pk}, {"S": pk}]}
        assert item(endpoint, pk) == {**key(pk), "told": told, "number": {"N": number}}
    with pytest.raises(ClientError, match="Two document paths overlap|TooManyClauses|can only be used once"):
        client(endpoint).update_item(
            TableName=TABLE,
            Key=key("one"),
            UpdateExpression="SET a = :n SET b = :n",
            ExpressionAttributeValues={":n": {"N": "1"}},
        )


def test_an_expression_is_taken_apart_once() -> None:
    script = (
        "from infra.local import moto_repairs; moto_repairs.read_each_expression_once();"
        "from moto.dynamodb.comparisons import ConditionExpressionParser as Condition;"
        "from moto.dynamodb.parsing.expressions import UpdateExpressionParser as Update;"
        "lexed = lambda: Condition('#a = :b', {'#a': 'a'}, {':b': {'N': '1'}})._lex_condition_expression();"
        "assert lexed() == lexed() and lexed() is not lexed() and lexed()[0] is lexed()[0];"
        "assert Update.make('SET a = :b') is Update.make('SET a = :b')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1", "X-Amz-Target": "DynamoDB_20120810.ListTables"}, 403),
        ({"Host": "rebound.example", "X-Amz-Target": "DynamoDB_20120810.ListTables"}, 403),
        ({"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}, 404),
        ({}, 404),
    ],
)
def test_nobody_else_gets_in_and_nothing_else_is_there(
    endpoint: str, headers: dict[str, str], status: int
) -> None:
    for path in ("/", "/moto-api/reset"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(endpoint + path, b"{}", headers), timeout=5)
        assert refused.value.code == status
        refused.value.close()
    assert client(endpoint).list_tables()["TableNames"] == [TABLE]


def test_a_query_compares_only_what_has_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("query", "all_items"):
        monkeypatch.setattr(Table, name, getattr(Table, name))  # taken back afterwards
    moto_repairs.look_under_one_key()
    compared: set[str] = set()
    is_less = DynamoType.__lt__

    def noted(one: DynamoType, other: DynamoType) -> bool:
        compared.update((one.value, other.value))
        return bool(is_less(one, other))

    with mock_aws():
        once = boto3.client("dynamodb", region_name="eu-west-2")
        once.create_table(
            TableName=TABLE,
            KeySchema=[schema("pk", "HASH"), schema("sk", "RANGE")],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "at", "when")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "listed",
                    "KeySchema": [schema("at", "HASH"), schema("when", "RANGE")],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in "312":
            for pk in ("kent", "essex"):
                listed = {"at": {"S": f"at-{pk}"}, "when": {"S": f"{pk}-{number}"}}
                once.put_item(
                    TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": f"{pk}-{number}"}, **listed}
                )
        once.put_item(TableName=TABLE, Item={"pk": {"S": "surrey"}, "sk": {"S": "surrey-1"}})
        monkeypatch.setattr(DynamoType, "__lt__", noted)
        for index, name, value in (({}, "pk", "kent"), ({"IndexName": "listed"}, "at", "at-kent")):
            compared.clear()
            found = once.query(
                TableName=TABLE,
                KeyConditionExpression=f"{name} = :key",
                ExpressionAttributeValues={":key": {"S": value}},
                **index,
            )
            assert [item["sk"]["S"] for item in found["Items"]] == ["kent-1", "kent-2", "kent-3"]
            assert compared and all("kent" in one for one in compared)


def test_what_is_replaced_in_moto_is_there_and_called_as_we_expect() -> None:
    from moto.core import responses
    from moto.core.serialize import JSONSerializer
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.parsing import validators
    from moto.dynamodb.responses import DynamoHandler
    from moto.dynamodbstreams.models import DynamoDBStreamsBackend

    def parameters(function: Any) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert parameters(DynamoHandler.transact_write_items) == ["self"]
    assert parameters(DynamoDBBackend.transact_write_items) == ["self", "transact_items"]
    assert "copy.deepcopy(" in inspect.getsource(DynamoDBBackend.transact_write_items)
    assert parameters(DynamoDBStreamsBackend.get_records) == ["self", "iterator_arn", "limit"]
    assert parameters(Table.query)[:2] == ["self", "hash_key"]
    assert "hash_key_conditions" in parameters(Table.query)
    assert "self.all_items()" in inspect.getsource(Table.query)
    assert "method_names_from_class(self.__class__)" in inspect.getsource(responses)
    assert parameters(validators.ActionCountValidator.verify_action_counts) == ["self", "node"]
    assert "= deepcopy(expression)" in inspect.getsource(validators.Validator.__init__)
    assert parameters(JSONSerializer._serialize_type_structure) == [
        *("self", "serialized", "value", "shape", "key")
    ]
