"""What a sandbox says of resources that were only recorded."""

from __future__ import annotations

from pathlib import Path

from sandbox.engines.recorded import Ledger
from sandbox.state import RECORD_FOLDER, read_records


def test_recorded_resources_are_counted_by_type(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / RECORD_FOLDER)
    for name in ("one", "two"):
        ledger.record(f"urn::{name}", "aws:glue/job:Job", name, "111111111111", "eu-central-1")
    ledger.record("urn::three", "aws:emr/cluster:Cluster", "three", "111111111111", "eu-central-1")
    assert read_records(tmp_path) == {"aws:emr/cluster:Cluster": 1, "aws:glue/job:Job": 2}


def test_a_sandbox_without_such_resources_says_so(tmp_path: Path) -> None:
    assert read_records(tmp_path) == {}
