"""The emulator does nothing beside answering that nobody asked for."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.launcher import Sandbox
from sandbox.paths import emulator_python

pytestmark = pytest.mark.emulator

CALLS = 60


def test_calls_leave_no_timers_behind(sandbox: Sandbox, aws: Callable[..., Any]) -> None:
    """LocalEmu's recorder of calls starts one for each, and has it call another service a minute later."""
    tables = aws("dynamodb")
    tables.list_tables()
    before = _threads(sandbox)
    for _ in range(CALLS):
        tables.list_tables()
    assert _threads(sandbox) - before < CALLS / 2


def test_there_is_no_second_way_in_beside_the_services(sandbox: Sandbox) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{sandbox.endpoint}/_localemu/api/overview", timeout=10)
    assert refused.value.code == 404


def test_cloudtrail_records_once_somebody_asks_for_it(aws: Callable[..., Any]) -> None:
    trail = aws("cloudtrail")
    trail.lookup_events()
    aws("sqs").list_queues()
    names = {event["EventName"] for event in trail.lookup_events(MaxResults=50)["Events"]}
    assert "ListQueues" in names


def test_what_is_shared_or_put_off_works_as_before(sandbox: Sandbox) -> None:
    program = """
from landfall_emulator import economy
economy.install()
import boto3
from werkzeug.routing import Map, Rule
first, *others = [boto3.Session() for _ in range(4)]
assert {id(session._loader) for session in others} == {id(first._loader)}
assert len(set(first._loader.search_paths)) == len(first._loader.search_paths)
assert "eu-central-1" in first.get_available_regions("sns")
assert first.client("sns", "eu-central-1").meta.service_model.service_name == "sns"
assert first.resource("dynamodb", "eu-central-1").meta.service_name == "dynamodb"
routes = Map([Rule("/a/<name>", endpoint="e")]).bind("host")
assert routes.match("/a/b") == ("e", {"name": "b"})
assert routes.build("e", {"name": "c", "more": 1}) == "/a/c?more=1"
"""
    done = subprocess.run([emulator_python(), "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _threads(sandbox: Sandbox) -> int:
    emulator = sandbox.state.process("emulator")
    assert emulator is not None
    return len(list(Path(f"/proc/{emulator.pid}/task").iterdir()))
