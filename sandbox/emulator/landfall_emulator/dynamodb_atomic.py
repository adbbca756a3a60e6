"""DynamoDB applies a request as a whole; the emulator's threads saw each other's half-made items.

moto creates an item with its key alone and then gives it its attributes, and checks a condition some lines
before it writes: a reader could find a record without a status, and two conditional writes could both win.
(source: DynamoDB Developer Guide, "Item actions" are atomic; moto 5, `DynamoDBBackend.update_item`)
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from localemu.services.dynamodb.provider import DynamoDBProvider

_ONE_AT_A_TIME = threading.RLock()


def install() -> None:
    """Let requests reach the tables one at a time; answers are plain copies when they leave."""
    original = DynamoDBProvider.forward_request

    @functools.wraps(original)
    def forward(self: DynamoDBProvider, context: Any, service_request: Any = None) -> Any:
        with _ONE_AT_A_TIME:
            return original(self, context, service_request)

    DynamoDBProvider.forward_request = forward
