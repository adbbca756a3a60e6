"""The sandbox's DynamoDB applies a request as a whole, however many come at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
ROUNDS = 15
PAIRS = 8
"""Claims of one record, each with a read beside it."""
ATTRIBUTES = 100
"""As many make the moment long in which a record could be seen half made."""


@pytest.fixture
def table(aws: Aws) -> Iterator[str]:
    """A table with records by `id`."""
    name = f"claims-{uuid.uuid4().hex[:8]}"
    aws("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    aws("dynamodb").delete_table(TableName=name)


def test_of_many_claims_one_wins_and_nobody_sees_half_a_record(aws: Aws, table: str) -> None:
    tables = aws("dynamodb")
    several = ", ".join(f"attribute_{number} = :s" for number in range(ATTRIBUTES))

    def claim(record: str) -> str:
        try:
            tables.update_item(
                TableName=table,
                Key={"id": {"S": record}},
                UpdateExpression=f"SET {several}, execution_status = :s",
                ConditionExpression="attribute_not_exists(id)",
                ExpressionAttributeValues={":s": {"S": "Running"}},
            )
        except tables.exceptions.ConditionalCheckFailedException:
            return "lost"
        return "won"

    def read(record: str) -> str:
        item = tables.get_item(TableName=table, Key={"id": {"S": record}}, ConsistentRead=True).get("Item")
        return "whole" if item is None or "execution_status" in item else "half"

    with ThreadPoolExecutor(2 * PAIRS) as pool:
        for number in range(ROUNDS):
            record = f"001.{number:04}"
            begun = [pool.submit(act, record) for _ in range(PAIRS) for act in (read, claim)]
            seen = [done.result() for done in begun]
            assert seen.count("won") == 1
            assert seen.count("half") == 0
