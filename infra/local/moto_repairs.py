"""What moto 5.2.5 does slowly and we need often, or wrongly. Private to moto: its version is pinned, and
tests/embedded has a canary for each.
"""

from __future__ import annotations

import base64
import copy
import importlib
import io
import json
import pickle
import sys
from collections import deque
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.local.environment import ACCOUNT

_KEPT_ITERATORS = 100
_KEPT_TOKENS = 200
"""Of transactions. AWS keeps them for ten minutes; botocore tries again within seconds."""


def apply() -> None:
    """Before the first request."""
    leave_batch_out()
    list_services_once()
    parse_each_state_machine_once()
    parse_each_path_once()
    call_lambda_directly()


def apply_to_database() -> None:
    """The same for the process that is DynamoDB where there is no dynoxide."""
    list_services_once()
    take_back_single_items()
    do_each_transaction_once()
    forget_old_iterators()
    write_values_plainly()
    look_under_one_key()
    read_each_expression_once()
    list_actions_once()


def take_back_single_items() -> None:
    """moto copies the whole table before each transaction, and puts the copy in its place where a condition fails: the
    copy has a stream of its own, and who reads the old one never hears of anything again. So a table counts as its own
    copy, and what a failed transaction wrote is taken back item by item.
    """
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import Table

    transact = DynamoDBBackend.transact_write_items

    def transact_or_take_back(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        changed = [_Before(backend, next(iter(item.values()))) for item in transact_items]
        try:
            transact(backend, transact_items)
        except BaseException:
            for before in reversed(changed):
                before.put_back()
            raise

    Table.__deepcopy__ = lambda table, memo: table
    DynamoDBBackend.transact_write_items = transact_or_take_back


class _Before:
    """An item as it was, and how far the stream of its table had come."""

    def __init__(self, backend: Any, operation: dict[str, Any]) -> None:
        from moto.dynamodb.models.dynamo_type import DynamoType

        self._table = table = backend.get_table(operation["TableName"])
        key = operation.get("Key") or operation["Item"]
        hash_key = DynamoType(key[table.hash_key_attr])
        range_key = DynamoType(key[table.range_key_attr]) if table.has_range_key else None
        self._items = table.items[hash_key] if range_key else table.items
        self._key = range_key or hash_key
        self._item = copy.deepcopy(self._items.get(self._key))
        self._told = len(table.stream_shard.items) if table.stream_shard else 0

    def put_back(self) -> None:
        """As if the transaction had not been. Nobody has read the stream meanwhile."""
        self._items.pop(self._key, None)
        if self._item is not None:
            self._items[self._key] = self._item
        if self._table.stream_shard:
            del self._table.stream_shard.items[self._told :]


def do_each_transaction_once() -> None:
    """A transaction whose answer was lost is sent again under the same token. moto would do it again."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodb.responses import DynamoHandler

    transact = DynamoHandler.transact_write_items
    done: dict[str, tuple[str, Any]] = {}  # for each token, what was sent and the answer to it

    def transact_once(handler: Any) -> Any:
        token, sent = handler.body.get("ClientRequestToken"), json.dumps(handler.body["TransactItems"])
        if token in done:
            before, answer = done[token]
            if before != sent:
                raise JsonRESTError("IdempotentParameterMismatchException", "This token is another's.")
            return answer
        answer = transact(handler)
        if token:
            done[token] = (sent, answer)
        if len(done) > _KEPT_TOKENS:
            del done[next(iter(done))]  # the oldest
        return answer

    DynamoHandler.transact_write_items = transact_once


def forget_old_iterators() -> None:
    """moto makes a new one at each reading, 25 a second, and keeps them all."""
    from moto.dynamodbstreams.models import DynamoDBStreamsBackend

    read = DynamoDBStreamsBackend.get_records

    def read_and_forget(backend: Any, iterator_arn: str, limit: int) -> Any:
        found = read(backend, iterator_arn, limit)
        for old in list(backend.shard_iterators)[:-_KEPT_ITERATORS]:
            del backend.shard_iterators[old]
        return found

    DynamoDBStreamsBackend.get_records = read_and_forget


def write_values_plainly() -> None:
    """moto looks for each of the ten members that a value may have, under ten names each: two seconds for a page of
    200 items, longer than the product waits.
    """
    from moto.core.serialize import JSONSerializer

    general = JSONSerializer._serialize_type_structure

    def structure(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue":
            serializer._default_serialize(serialized, _plain(value), shape, key)
        else:
            general(serializer, serialized, value, shape, key)

    JSONSerializer._serialize_type_structure = structure


def _plain(value: Any) -> dict[str, Any]:
    """A value of an item as JSON has it: `{"S": "text"}`."""
    ((kind, content),) = (value.to_json() if hasattr(value, "to_json") else value).items()
    if kind == "L":
        return {kind: [_plain(one) for one in content]}
    if kind == "M":
        return {kind: {name: _plain(one) for name, one in content.items()}}
    if isinstance(content, bytes):
        return {kind: base64.b64encode(content).decode()}
    return {kind: content}


def look_under_one_key() -> None:
    """For each query moto sorts the whole table, and only then picks out what has the key. Here only that is sorted;
    and for the table's own key, nothing else is looked at.
    """
    from moto.dynamodb.models.table import Table

    query, all_items = Table.query, Table.all_items
    keys: list[tuple[str, Any]] = []  # of the query that is being answered: one at a time

    def query_key(table: Any, *given: Any, hash_key_conditions: list[tuple[str, Any]], **named: Any) -> Any:
        keys.append(hash_key_conditions[0])
        try:
            return query(table, *given, hash_key_conditions=hash_key_conditions, **named)
        finally:
            keys.clear()

    def items(table: Any) -> list[Any]:
        if not keys or not table.has_range_key:
            return list(all_items(table))
        name, value = keys[0]
        if name == table.hash_key_attr:
            return list(table.items.get(value, {}).values())
        everything = (item for under in table.items.values() for item in under.values())
        return [item for item in everything if name in item.attrs and item.attrs[name].value == value.value]

    Table.query, Table.all_items = query_key, items


def read_each_expression_once() -> None:
    """moto takes each expression apart up to four times for each request, with patterns that it makes anew for each
    word, and counts its clauses below each of its nodes. pynamodb sends the same few expressions again and again.
    """
    from moto.dynamodb.comparisons import ConditionExpressionParser
    from moto.dynamodb.parsing import validators
    from moto.dynamodb.parsing.ast_nodes import Node
    from moto.dynamodb.parsing.expressions import UpdateExpressionParser

    lex = ConditionExpressionParser._lex_condition_expression
    count = validators.ActionCountValidator.verify_action_counts

    @lru_cache(maxsize=1024)
    def words(expression: str) -> tuple[Any, ...]:
        return tuple(lex(ConditionExpressionParser(expression, None, None)))

    @lru_cache(maxsize=1024)
    def pickled(tree: Any) -> bytes:
        return pickle.dumps(tree)

    ConditionExpressionParser._lex_condition_expression = lambda parser: deque(
        words(parser.condition_expression)
    )
    UpdateExpressionParser.make = lru_cache(maxsize=1024)(UpdateExpressionParser.make)
    validators.deepcopy = lambda one: (
        pickle.loads(pickled(one)) if isinstance(one, Node) else copy.deepcopy(one)
    )
    validators.ActionCountValidator.verify_action_counts = lambda validator, node: (
        node if node.parent else count(validator, node)
    )


def list_actions_once() -> None:
    """moto looks through all its methods on each request for those that answer one."""
    from moto.core import responses

    responses.method_names_from_class = lru_cache(responses.method_names_from_class)


def leave_batch_out() -> None:
    """The interpreter needs one name of moto's Batch, whose package brings EC2 with all its machine types: 80 MB, and
    a second of every start. So the name is taken from its module without its package.
    """
    import moto

    package = ModuleType("moto.batch")
    package.__path__ = [str(Path(moto.__file__).parent / "batch")]
    sys.modules["moto.batch"] = package
    importlib.import_module("moto.stepfunctions.parser.asl.parse.asl_parser")
    del sys.modules["moto.batch"]


def list_services_once() -> None:
    """moto reads its package folder from disk on every request: with 8 clients that cost five sixths of them."""
    import moto.backends

    known = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: known


def parse_each_state_machine_once() -> None:
    """Parsing takes tens of milliseconds, and moto parses for each execution. A program carries the state
    of its execution, so each gets a copy of its own: unpickled, which is a fraction of the cost of parsing.
    """
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    @lru_cache(maxsize=64)
    def parsed(definition: str) -> bytes:
        return pickle.dumps(AmazonStateLanguageParser.parse(definition)[0])

    def entrypoint(worker: Any) -> Any:
        return pickle.loads(parsed(worker._evaluation_details.state_machine_details.definition))

    ExecutionWorker._get_evaluation_entrypoint = entrypoint


def parse_each_path_once() -> None:
    """moto makes a parser for each JSONPath that it evaluates, some twenty for each execution."""
    from moto.stepfunctions.parser.asl.utils import json_path

    json_path.parse = lru_cache(maxsize=1024)(json_path.parse)


def call_lambda_directly() -> None:
    """For each Lambda task moto makes a boto client and calls itself over HTTP. Both are in one process."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    lambda_eval_utils.boto_client_for = _client_for


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    return _DirectLambda(region)


class _DirectLambda:
    """As much of boto's Lambda client as the interpreter uses."""

    def __init__(self, region: str) -> None:
        self._region = region

    def invoke(self, *, FunctionName: str, Payload: bytes = b"{}", **rest: Any) -> dict[str, Any]:
        from moto.awslambda.models import lambda_backends

        headers: dict[str, str] = {}
        answer = lambda_backends[ACCOUNT][self._region].invoke(
            FunctionName, rest.get("Qualifier"), Payload.decode(), rest, headers
        )
        if answer is None:
            raise LookupError(f"no such function: {FunctionName}")
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        failed = (
            {"FunctionError": headers["x-amz-function-error"]} if "x-amz-function-error" in headers else {}
        )
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(content), **failed}
