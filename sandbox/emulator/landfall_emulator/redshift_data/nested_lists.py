"""Step Functions writes every member of a service's answer in Pascal case, in lists of lists too.

The Redshift Data API is the service whose answers have them: `Records[0][0].LongValue`. LocalEmu stops at the
first list (Step Functions Developer Guide, "Learning to use AWS SDK service integrations").
"""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service,
)

_PATCHED = "_landfall_nested_lists"


def install() -> None:
    """Teach LocalEmu the inner lists; a second call changes nothing."""
    service = state_task_service.StateTaskService
    original = service._from_boto_response
    if getattr(original, _PATCHED, False):
        return

    def from_boto_response(self: Any, response: Any, structure_shape: Any) -> None:
        if isinstance(structure_shape, ListShape) and isinstance(response, list):
            for member in response:
                from_boto_response(self, member, structure_shape.member)
            return
        original(self, response, structure_shape)

    setattr(from_boto_response, _PATCHED, True)
    service._from_boto_response = from_boto_response
