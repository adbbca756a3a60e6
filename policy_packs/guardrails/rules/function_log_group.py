"""Functions log into a group of the program, not into one that Lambda makes by itself."""

from __future__ import annotations

from ..frame.resource import Resource, Stack
from ..frame.rule import Level, Levels, Report, Severity, StackRule
from ..frame.values import ABSENT

FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def check(stack: Stack, report: Report) -> None:
    """Require for each function the log group that it names, or `/aws/lambda/<name>`."""
    groups = stack.of_type(LOG_GROUP)
    names = {group.at("name") for group in groups if isinstance(group.at("name"), str)}
    for function in stack.of_type(FUNCTION):
        if function.at("loggingConfig.logGroup") is not ABSENT:
            found = any(stack.refers(function, "loggingConfig.logGroup", group, "name") for group in groups)
        else:
            found = _default_group(function) in names
        if not found:
            report.violation("no log group of this stack belongs to the function", urn=function.urn)


def _default_group(function: Resource) -> str | None:
    name = function.at("name")
    return f"/aws/lambda/{name}" if isinstance(name, str) else None


FUNCTION_LOG_GROUP = StackRule(
    name="function-log-group",
    severity=Severity.MEDIUM,
    description=(
        "A function's log group is part of the stack: a group that Lambda makes has no key and "
        "keeps logs for ever."
    ),
    levels=Levels(sandbox=Level.ADVISORY, dev=Level.ADVISORY),
    remediation="Add a LogGroup and name it in loggingConfig.logGroup.",
    resource_types=(FUNCTION, LOG_GROUP),
    check=check,
)
