"""Who uses whom: dependencies that the engine knows, and ARNs that inputs name.

Accounts know each other by names, not by outputs, so what crosses an account is only visible as an ARN in a
policy, a definition or a target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Resource = Mapping[str, Any]
"""A resource of a plan's JSON (DESIGN section 10)."""

_ARN: Final = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[^\s\"'\\,}]+")
_PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    "aws:cloudwatch/eventBus:EventBus": ("arn:aws:events:{region}:{account}:event-bus/{name}", "name"),
    "aws:cloudwatch/logGroup:LogGroup": ("arn:aws:logs:{region}:{account}:log-group:{name}", "name"),
    "aws:dynamodb/table:Table": ("arn:aws:dynamodb:{region}:{account}:table/{name}", "name"),
    "aws:lambda/function:Function": ("arn:aws:lambda:{region}:{account}:function:{name}", "name"),
    "aws:s3/bucket:Bucket": ("arn:aws:s3:::{name}", "bucket"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": (
        "arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
        "name",
    ),
    "aws:sfn/stateMachine:StateMachine": ("arn:aws:states:{region}:{account}:stateMachine:{name}", "name"),
    "aws:sns/topic:Topic": ("arn:aws:sns:{region}:{account}:{name}", "name"),
    "aws:sqs/queue:Queue": ("arn:aws:sqs:{region}:{account}:{name}", "name"),
    "aws:ssm/document:Document": ("arn:aws:ssm:{region}:{account}:document/{name}", "name"),
}
_RESOURCE_POLICIES: Final = re.compile(r"(Bucket|Topic|Queue|Function|Key|Resource|Vault|Repository)Policy$")
_OWN_POLICY_INPUTS: Final = frozenset({"policy", "accessPolicy", "assumeRolePolicy"})


def references(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """Pairs of URNs, the one that uses and the one that is used, each once, in the order of the plan.

    Policies that stand at a resource say who may use *it*; the callers that they name are not used by it.
    """
    known = {resource["urn"] for resource in resources}
    by_arn = dict(_arns(resources))
    seen: set[tuple[str, str]] = set()
    for resource in resources:
        urn = resource["urn"]
        used = [*resource.get("dependencies", ())]
        used += [found for arn in _named(resource) for found in _owners(arn, by_arn)]
        for other in used:
            pair = (urn, other)
            if other in known and other != urn and pair not in seen:
                seen.add(pair)
                yield pair


def _arns(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    for resource in resources:
        pattern = _PATTERNS.get(resource["type"])
        if pattern is None:
            continue
        name = resource["inputs"].get(pattern[1])
        if isinstance(name, str) and not name.startswith("<"):
            account, region = resource.get("account") or "", resource.get("region") or ""
            yield pattern[0].format(region=region, account=account, name=name), resource["urn"]


def _owners(arn: str, by_arn: Mapping[str, str]) -> Iterator[str]:
    """The resource of an ARN: its own, or the one that it is part of (`…/*`, `…:*`, `…:live`)."""
    while arn:
        if arn in by_arn:
            yield by_arn[arn]
            return
        cut = max(arn.rfind("/"), arn.rfind(":"))
        arn = arn[:cut] if cut > 0 else ""


def _named(resource: Resource) -> Iterator[str]:
    type_ = resource["type"]
    if _RESOURCE_POLICIES.search(type_):
        return
    own = type_ in ("aws:kms/key:Key", "aws:iam/role:Role", "aws:sns/topic:Topic", "aws:sqs/queue:Queue")
    for key, value in sorted(resource["inputs"].items()):
        if not (own and key in _OWN_POLICY_INPUTS):
            yield from dict.fromkeys(arn for text in _strings(value) for arn in _ARN.findall(text))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
