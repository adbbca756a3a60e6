"""Who can connect: the rules of security groups, before and after. Pure.

A rule is compared with every old rule of the same group and direction, so that one that only moves to
another resource is no news.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from landfall.risk.changes import Change
from landfall.risk.model import UNKNOWN, Category, Finding, PropertyChange, Severity
from landfall.risk.snapshot import Item, Snapshot
from landfall.risk.words import about

INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
TYPES: Final = frozenset((INGRESS, EGRESS, RULE, GROUP))
ANYWHERE: Final = ("0.0.0.0/0", "::/0")
_ALL: Final = ("-1", "all")


@dataclass(frozen=True, order=True)
class Rule:
    """One way into, or out of, a security group."""

    direction: str
    """`ingress` or `egress`."""
    protocol: str
    first: int
    last: int
    peer: str
    """A CIDR, or `group ...`, `prefix list ...`, `itself`."""

    def covers(self, other: Rule) -> bool:
        """Whether this rule surely lets through everything that the other does."""
        return (
            self.direction == other.direction
            and (self.protocol in _ALL or self.protocol == other.protocol)
            and (self.protocol in _ALL or (self.first <= other.first and other.last <= self.last))
            and _peer_covers(self.peer, other.peer)
        )

    @property
    def public(self) -> bool:
        """Whether the peer is the whole internet, or half of it."""
        try:
            return ipaddress.ip_network(self.peer, strict=False).prefixlen <= 1
        except ValueError:
            return False

    def line(self) -> str:
        """The rule in one line."""
        if self.protocol in _ALL:
            what = "every protocol and port"
        elif self.first == self.last:
            what = f"{self.protocol} {self.first}"
        else:
            what = f"{self.protocol} {self.first}-{self.last}"
        return f"{what} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"


def _peer_covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return UNKNOWN not in wide
    try:
        outer, inner = (ipaddress.ip_network(text, strict=False) for text in (wide, narrow))
    except ValueError:
        return False
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def rules(item: Item) -> tuple[Rule, ...]:
    """The rules that a resource makes; none for other types."""
    if item.type in (INGRESS, EGRESS):
        direction = "ingress" if item.type == INGRESS else "egress"
        return tuple(_of(item, item.inputs, direction, ("cidrIpv4", "cidrIpv6"), _SINGLE_PEERS))
    if item.type == RULE:
        direction = str(item.inputs.get("type") or "ingress")
        return tuple(_of(item, item.inputs, direction, ("cidrBlocks", "ipv6CidrBlocks"), _OLD_PEERS))
    if item.type == GROUP:
        return tuple(
            rule
            for direction in ("ingress", "egress")
            for raw in _listed(item.inputs.get(direction))
            if isinstance(raw, dict)
            for rule in _of(item, raw, direction, ("cidrBlocks", "ipv6CidrBlocks"), _INLINE_PEERS)
        )
    return ()


_SINGLE_PEERS: Final = {"referencedSecurityGroupId": "group", "prefixListId": "prefix list"}
_OLD_PEERS: Final = {"sourceSecurityGroupId": "group", "prefixListIds": "prefix list"}
_INLINE_PEERS: Final = {"securityGroups": "group", "prefixListIds": "prefix list"}


def _of(
    item: Item, raw: Mapping[str, Any], direction: str, cidrs: tuple[str, str], peers: Mapping[str, str]
) -> Iterator[Rule]:
    protocol = str(raw.get("ipProtocol", raw.get("protocol", "-1"))).lower()
    first, last = _port(raw.get("fromPort"), 0), _port(raw.get("toPort"), 65_535)
    found = [str(cidr) for key in cidrs for cidr in _listed(raw.get(key))]
    for key, kind in peers.items():
        sources = item.property_dependencies.get(key, ())
        if raw.get(key) and sources:  # the resource it comes from: known in a plan and in a state alike
            found += [f"{kind} {urn.rpartition('::')[2]}" for urn in sources]
        else:
            found += [f"{kind} {value}" for value in _listed(raw.get(key))]
    if raw.get("self"):
        found.append("itself")
    for peer in dict.fromkeys(found):
        yield Rule(direction, protocol, first, last, peer)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _port(value: Any, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) and value >= 0 else otherwise


def group_of(item: Item) -> str:
    """What names the security group that a rule belongs to: its URN, its id, or the resource itself."""
    if item.type == GROUP:
        return item.urn
    sources = item.property_dependencies.get("securityGroupId", ())
    return sources[0] if sources else str(item.inputs.get("securityGroupId"))


def findings(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """Connections that the changed resource lets through and its group did not before."""
    if change.new is None or change.type not in TYPES:
        return
    group = group_of(change.new)
    aliases = {group, *(change.old.urn for _ in (0,) if change.old and change.type == GROUP)}
    before = [
        rule
        for item in old.resources.values()
        if item.type in TYPES and group_of(item) in aliases
        for rule in rules(item)
    ]
    fresh = sorted({rule for rule in rules(change.new) if not any(known.covers(rule) for known in before)})
    for direction in ("ingress", "egress"):
        added = [rule for rule in fresh if rule.direction == direction]
        if not added:
            continue
        existed = group in old.items
        yield about(
            change,
            new,
            rule=f"{direction}-widened",
            category=Category.PERMISSIONS,
            severity=_severity(direction, added, existed),
            properties=tuple(
                item for item in change.properties if not item.path.startswith(("options.", "tags"))
            )
            or tuple(
                PropertyChange(path=key, old=None, new=change.new.inputs[key])
                for key in sorted(set(change.new.inputs) & _SHOWN)
            ),
            details=tuple(f"+ {rule.line()}" for rule in added),
            why=_WHY[direction] if existed else f"The security group is new. {_WHY[direction]}",
            remedy="Name the group or the CIDR that needs it, and its port, nothing wider.",
        )


_SHOWN: Final = frozenset(
    ("cidrIpv4", "cidrIpv6", "fromPort", "ipProtocol", "prefixListId", "referencedSecurityGroupId", "toPort")
)
_WHY: Final = {
    "ingress": "Somebody can connect who could not before.",
    "egress": "Workloads can send data where they could not before.",
}


def _severity(direction: str, added: list[Rule], existed: bool) -> Severity:
    public = any(rule.public for rule in added)
    if direction == "egress":
        return Severity.MEDIUM if public or existed else Severity.LOW
    if public:
        return Severity.CRITICAL
    return Severity.HIGH if existed else Severity.MEDIUM
