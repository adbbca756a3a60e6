"""A few cases of the fault matrix, of each kind and lane; `make faults` runs them all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.matrix.__main__ import MACHINE
from tests.faults.matrix.cases import cases
from tests.faults.matrix.page import line
from tests.faults.matrix.run import run

pytestmark = pytest.mark.emulator

CASES = (
    "StartAudit/result lost",
    "ReadResumed/failed",
    "RunScript (full)/throttled once",
    "RecordCompleted (full)/answered twice",
    "RecordStatement (full)/failed",
    "ReadWorkflow (large)/failed",
    "InvokeFunction (large)/result lost",
    "ListObjects (full)/throttled once",
    "CloseWorkflow/failed",
    "CloseWorkflow/result lost",
    "NotifyFailure/throttled for long",
)


def test_a_few_cases_hold_every_invariant(sandbox: Any) -> None:
    wanted = cases(MACHINE, CASES)
    assert len(wanted) == len(CASES)
    found = run(sandbox, wanted, besides=False)
    assert len(found.results) == len(CASES)
    assert not [line(result) for result in found.results if not result.ok]
    assert all(result.attempts for result in found.results)
