"""The small app's table."""

import os

import boto3


def indexes():
    """The table has none."""
    return {}


def create_table():
    client = boto3.client("dynamodb")
    if os.environ["TABLE_NAME"] in client.list_tables()["TableNames"]:
        return
    client.create_table(
        TableName=os.environ["TABLE_NAME"],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def make_client():
    """No client is needed."""
