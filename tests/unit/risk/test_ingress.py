"""Security groups, before and after: what lets more through is a finding, what does not is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_samples import findings, item

from landfall.risk.ingress import EGRESS, GROUP, INGRESS, RULE, Rule
from landfall.risk.model import UNKNOWN

SECURITY_GROUP = item(GROUP, "g", inputs={"name": "g"})
OTHER_GROUP = item(GROUP, "other", inputs={"name": "other"})


def rule(name: str = "r", type_: str = INGRESS, group: Any = SECURITY_GROUP, **inputs: Any) -> Any:
    """A rule of the group; tcp 443 from 10.0.0.0/16 unless told otherwise."""
    made = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16", **inputs}
    made = {key: value for key, value in made.items() if value is not None}
    return item(
        type_, name, inputs={"securityGroupId": UNKNOWN, **made},
        property_dependencies={"securityGroupId": (group.urn,), **inputs.pop("dependencies", {})},
    )  # fmt: skip


def widened(old: list[Any], new: list[Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    groups = [SECURITY_GROUP, OTHER_GROUP]
    return [
        (found.rule, found.severity.value, found.details)
        for found in findings([*groups, *old], [*groups, *new])
        if found.category.value == "permissions"
    ]


@pytest.mark.parametrize(
    ("inputs", "severity", "line"),
    [
        ({"toPort": 8443}, "high", "+ tcp 443-8443 from 10.0.0.0/16"),
        ({"cidrIpv4": "10.0.0.0/8"}, "high", "+ tcp 443 from 10.0.0.0/8"),
        ({"cidrIpv4": "0.0.0.0/0"}, "critical", "+ tcp 443 from 0.0.0.0/0"),
        ({"cidrIpv4": None, "cidrIpv6": "::/0"}, "critical", "+ tcp 443 from ::/0"),
        (
            {"ipProtocol": "-1", "fromPort": None, "toPort": None},
            "high",
            "+ every protocol and port from 10.0.0.0/16",
        ),
        ({"cidrIpv4": None, "referencedSecurityGroupId": "sg-1"}, "high", "+ tcp 443 from group sg-1"),
        ({"cidrIpv4": None, "prefixListId": "pl-1"}, "high", "+ tcp 443 from prefix list pl-1"),
        ({"ipProtocol": "udp"}, "high", "+ udp 443 from 10.0.0.0/16"),
    ],
)
def test_a_wider_rule_is_a_finding_and_its_narrowing_is_none(
    inputs: dict[str, Any], severity: str, line: str
) -> None:
    assert widened([rule()], [rule(**inputs)]) == [("ingress-widened", severity, (line,))]


@pytest.mark.parametrize("inputs", [{"cidrIpv4": "10.0.1.0/24"}, {}, {"description": "other words"}])
def test_a_rule_that_lets_no_more_through_is_no_finding(inputs: dict[str, Any]) -> None:
    assert widened([rule()], [rule(**inputs)]) == []


def test_a_new_rule_that_an_old_one_of_the_group_covers_is_no_news() -> None:
    assert widened([rule()], [rule("renamed", cidrIpv4="10.0.9.0/24")]) == []
    assert widened([rule()], [rule(), rule("new", group=OTHER_GROUP)]) != []


def test_rules_are_compared_whichever_resource_makes_them() -> None:
    inline = item(
        GROUP,
        "g",
        inputs={
            "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"]}]
        },
    )
    old_style = item(
        RULE,
        "r",
        inputs={
            "securityGroupId": UNKNOWN,
            "type": "ingress",
            "protocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrBlocks": ["10.0.0.0/16", "10.9.0.0/16"],
        },
        property_dependencies={"securityGroupId": (SECURITY_GROUP.urn,)},
    )
    assert widened([inline], [rule()]) == []
    assert widened([rule()], [old_style]) == [("ingress-widened", "high", ("+ tcp 443 from 10.9.0.0/16",))]
    assert widened([], [inline]) == [("ingress-widened", "high", ("+ tcp 443 from 10.0.0.0/16",))]


def test_a_group_that_is_unknown_is_told_by_the_resource_it_comes_from() -> None:
    def from_group(name: str) -> Any:
        return item(
            INGRESS,
            "r",
            inputs={
                "securityGroupId": UNKNOWN,
                "ipProtocol": "tcp",
                "fromPort": 1,
                "toPort": 1,
                "referencedSecurityGroupId": UNKNOWN,
            },
            property_dependencies={
                "securityGroupId": (SECURITY_GROUP.urn,),
                "referencedSecurityGroupId": (f"u::{name}",),
            },
        )

    assert widened([from_group("a")], [from_group("a")]) == []
    assert widened([from_group("a")], [from_group("b")]) == [
        ("ingress-widened", "high", ("+ tcp 1 from group b",))
    ]


def test_rules_of_a_new_group_are_less_surprising() -> None:
    new_group = item(GROUP, "fresh", inputs={"name": "fresh"})
    found = widened([], [new_group, rule(group=new_group)])
    assert [one[:2] for one in found] == [("ingress-widened", "medium")]


@pytest.mark.parametrize(("cidr", "severity"), [("0.0.0.0/0", "medium"), ("10.0.0.0/8", "medium")])
def test_a_way_out_is_a_finding_too(cidr: str, severity: str) -> None:
    made = rule(type_=EGRESS, cidrIpv4=cidr)
    assert widened([], [made]) == [("egress-widened", severity, (f"+ tcp 443 to {cidr}",))]
    assert widened([made], []) == []


PORTS = st.integers(0, 9)
RULES = st.builds(
    lambda direction, protocol, ports, cidr: Rule(direction, protocol, min(ports), max(ports), cidr),
    st.sampled_from(["ingress", "egress"]),
    st.sampled_from(["tcp", "udp", "-1"]),
    st.tuples(PORTS, PORTS),
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "::/0", "group g", "itself"]),
)


@given(RULES, RULES)
def test_a_covering_rule_lets_through_what_the_covered_one_does(wide: Rule, narrow: Rule) -> None:
    if wide.covers(narrow):
        assert wide.direction == narrow.direction
        assert wide.protocol in ("-1", narrow.protocol)
        if wide.protocol != "-1":
            assert set(range(narrow.first, narrow.last + 1)) <= set(range(wide.first, wide.last + 1))
    assert narrow.covers(narrow)


@given(st.sampled_from(["10.0.0.0/33", "nonsense", "", "pl-1", UNKNOWN, "10.0.0.1/8"]))
def test_odd_peers_never_fail(peer: str) -> None:
    made = Rule("ingress", "tcp", 1, 1, peer)
    assert made.line() and not made.public
    assert made.covers(made) is (peer != UNKNOWN)
