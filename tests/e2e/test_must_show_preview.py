"""A preview needs no AWS variables and no network, by either engine, and both plan the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from must_show import Tree, without_network

from sandbox.engines.compare import COMPARED

pytestmark = pytest.mark.engine

SECONDS = 60.0
"""More than an idle machine's few seconds, so that a busy one passes."""


@pytest.fixture
def alone(tmp_path: Path) -> Tree:
    return without_network(tmp_path)


def test_the_network_is_really_away(alone: Tree) -> None:
    ended = alone.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 443), 2)"]
    )
    assert ended.code == 1
    assert "timed out" not in ended.err
    assert not [name for name in alone.environment if name.startswith("AWS_")]


def compared(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What both engines must agree on, by URN."""
    return {resource["urn"]: {key: resource[key] for key in COMPARED} for resource in document["resources"]}


def test_both_engines_preview_prod_without_aws_and_without_network(alone: Tree, tmp_path: Path) -> None:
    documents = {}
    for engine in ("embedded", "pulumi"):
        target = tmp_path / f"{engine}.json"
        ended = alone.landfall("preview", "prod", "--engine", engine, "--json", str(target))
        assert ended.code == 0, ended.err
        assert "no guardrail is violated" in ended.out
        documents[engine] = json.loads(target.read_text(encoding="utf-8"))
    ours, theirs = documents["embedded"], documents["pulumi"]
    assert (ours["engine"], theirs["engine"]) == ("embedded", "pulumi")
    assert len(ours["resources"]) > 140
    assert compared(ours) == compared(theirs)
    assert ours["outputs"] == theirs["outputs"]
    assert ours["violations"] == theirs["violations"] == []
    for key in ("resources", "accounts", "regions"):
        assert ours["summary"][key] == theirs["summary"][key]
    assert len(ours["summary"]["accounts"]) == len(ours["summary"]["regions"]) == 2
    assert ours["summary"]["seconds"]["program"] < SECONDS
