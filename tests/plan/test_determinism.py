"""The same config gives the same plan: in two processes, and whatever the order of its keys."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .planning import ROOT, Values, planned, variant


def shuffled(value: Any, order: random.Random) -> Any:
    """The value with the keys of every mapping in another order; lists keep theirs, which has a meaning."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, order) for item in value]
    return value


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_in_the_config_changes_nothing(order: random.Random) -> None:
    def reorder(values: Values) -> None:
        mixed = shuffled(values, order)
        values.clear()
        values.update(mixed)

    assert variant("prod", reorder).dumps() == planned("prod").dumps()


def test_shuffling_really_changes_the_order() -> None:
    value = {"a": 1, "b": {"c": 2, "d": 3, "e": 4}, "f": [{"g": 5, "h": 6}]}
    texts = {json.dumps(shuffled(value, random.Random(seed))) for seed in range(10)}
    assert len(texts) > 5
    assert all(json.loads(text) == value for text in texts)


@pytest.mark.parametrize("stack", ["prod"])
def test_two_processes_with_different_hash_seeds_write_the_same_bytes(stack: str) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "sandbox.engines.embedded", stack],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "4711")
    ]
    written = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    documents = [json.loads(text) for text in written]
    for document in documents:
        del document["summary"]["seconds"]
    first, second = (json.dumps(document, indent=2) for document in documents)
    assert first == second
    assert len(documents[0]["resources"]) == len(planned(stack).resources)
