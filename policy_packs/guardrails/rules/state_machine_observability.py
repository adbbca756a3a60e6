"""What a state machine does can be followed."""

from __future__ import annotations

from ..frame.require import require, require_equals, require_present
from ..frame.resource import Resource
from ..frame.rule import Level, Levels, Report, Rule, Severity


def check(resource: Resource, report: Report) -> None:
    """Require logs of errors at least, without payloads, and X-Ray tracing."""
    require(
        resource,
        report,
        "loggingConfiguration.level",
        lambda level: level in ("ALL", "ERROR"),
        "must be ALL or ERROR",
    )
    require_present(resource, report, "loggingConfiguration.logDestination")
    require(
        resource,
        report,
        "loggingConfiguration.includeExecutionData",
        lambda included: included is not True,
        "must be false: payloads may hold task tokens and personal data",
    )
    require_equals(resource, report, "tracingConfiguration.enabled", True)


STATE_MACHINE_OBSERVABILITY = Rule(
    name="state-machine-logging-and-tracing",
    severity=Severity.MEDIUM,
    description="State machines log their events without payloads, and trace their calls.",
    controls=("FSBP StepFunctions.1",),
    levels=Levels(sandbox=Level.ADVISORY),
    remediation=(
        "Set loggingConfiguration (level ALL or ERROR, a log group, no execution data) and "
        "tracingConfiguration."
    ),
    resource_types=("aws:sfn/stateMachine:StateMachine",),
    check=check,
)
