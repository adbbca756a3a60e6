"""Faults in the sandbox: calls of AWS services that fail, wait or are executed otherwise than asked.

::

    from sandbox.faults import Faults, throttle, lose

    faults = Faults(sandbox)
    with faults.active(throttle("dynamodb", "PutItem", first=2), lose("ssm", "SendCommand", first=1)):
        ...

(source: docs/faults.md)
"""

from __future__ import annotations

from sandbox.faults.client import Faults
from sandbox.faults.file import FaultFileError, read_rules
from sandbox.faults.model import EFFECTS, ActiveRule, Rule, delay, fail, hang, lose, throttle, twice

__all__ = [
    "EFFECTS",
    "ActiveRule",
    "FaultFileError",
    "Faults",
    "Rule",
    "delay",
    "fail",
    "hang",
    "lose",
    "read_rules",
    "throttle",
    "twice",
]
