"""Every resource names the account that it belongs to."""

from __future__ import annotations

from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity


def check(resource: Resource, report: Report) -> None:
    """Refuse a missing provider and the one that Pulumi makes by itself (`default`, `default_7_51_1`)."""
    name = resource.provider.name if resource.provider else ""
    if resource.provider is None:
        report.violation("the resource has no provider of its own")
    elif name == "default" or name.startswith("default_"):
        report.violation(
            f"the resource uses the provider {name}, which takes whatever account the shell points at"
        )


NO_DEFAULT_PROVIDER = Rule(
    name="no-default-provider",
    severity=Severity.CRITICAL,
    description="An AWS resource is made by an explicit provider, which is bound to one account.",
    remediation="Pass the provider of the account (`opts.provider`, or `parent` of a component that has it).",
    resource_types=("aws:*",),
    check=check,
)
