"""Fixtures of the tests that execute the state machine on the emulator."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from plane import COVERED, FakeRunner, Plane, all_states


@pytest.fixture(scope="module")
def plane(sandbox: Any) -> Plane:
    """A plane whose scripts are answered by a fake runner."""
    return Plane(sandbox)


@pytest.fixture
def runner(plane: Plane) -> Iterator[FakeRunner]:
    with FakeRunner(plane) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def coverage_report() -> Iterator[None]:
    """Says at the end which states no execution of this session has entered."""
    yield
    missing = sorted(all_states() - COVERED.keys())
    entered = len(all_states()) - len(missing)
    print(
        f"\nstate coverage: {entered} of {len(all_states())} states entered, {COVERED.total()} times"
        + (f"; never: {', '.join(missing)}" if missing else ""),
        file=sys.__stderr__,
    )
