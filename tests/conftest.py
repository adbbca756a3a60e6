"""Fixtures for every kind of test: a sandbox of the session's own, and clients for its accounts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox import launcher
from sandbox.launcher import Sandbox, SandboxSpec

# How fast a machine generates inputs is no property of the code: a busy one must not fail a test.
settings.register_profile("landfall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("landfall")

# A shell has what it starts in the background ignore Ctrl-C, and all that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
REUSE_VARIABLE = "LANDFALL_TEST_SANDBOX"
"""Name of a running sandbox that the tests use instead of their own, which makes a rerun start at once."""


LONG = ("workflows", "e2e", "faults", "hostile", "browser")
"""Folders of tests whose files take minutes: they begin first, so that no worker ends with one alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files before short ones; the order inside a file stays."""
    first = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path.relative_to(TESTS).parts[0], len(LONG)))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for this test process (one per xdist worker); it ends with the process in every case."""
    if reused := os.environ.get(REUSE_VARIABLE):
        yield launcher.up(SandboxSpec(), reused)
        return
    own = launcher.up(SandboxSpec(), f"test-{os.getpid()}", owner_pid=os.getpid(), discard=True)
    yield own
    own.down(discard=True)


@pytest.fixture(scope="session")
def aws(sandbox: Sandbox) -> Callable[..., Any]:
    """`aws(service, account="data", region=None)`: a boto3 client of the sandbox."""

    def client(service: str, account: str = "data", region: str | None = None) -> Any:
        return sandbox.client(service, account, region)

    return client
