"""Subnet ranges: disjoint, inside the VPC, and stable when zones are added."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from components.network.vpc import subnet_cidrs

BLOCKS = st.builds(
    lambda second, third, prefix: str(ipaddress.ip_network((f"10.{second}.{third}.0", prefix), strict=False)),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(16, 24),
)
COUNTS = st.integers(1, 6)


@given(BLOCKS, COUNTS)
def test_subnets_are_disjoint_inside_and_of_one_size(cidr: str, count: int) -> None:
    network = ipaddress.ip_network(cidr)
    subnets = [ipaddress.ip_network(text) for text in subnet_cidrs(cidr, count)]
    assert len(subnets) == count
    assert all(subnet.subnet_of(network) for subnet in subnets)  # type: ignore[arg-type]
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[i + 1 :])
    assert len({subnet.prefixlen for subnet in subnets}) == 1


@given(BLOCKS, COUNTS)
def test_subnets_are_as_large_as_a_power_of_two_allows(cidr: str, count: int) -> None:
    network = ipaddress.ip_network(cidr)
    size = ipaddress.ip_network(subnet_cidrs(cidr, count)[0]).num_addresses
    assert size * count <= network.num_addresses
    assert size * 2 * count > network.num_addresses or count == 1


@given(BLOCKS, st.sampled_from([(1, 1), (2, 2), (3, 4), (5, 6), (5, 5)]))
def test_a_zone_more_up_to_the_power_of_two_moves_no_subnet(cidr: str, counts: tuple[int, int]) -> None:
    fewer, more = (subnet_cidrs(cidr, count) for count in counts)
    assert more[: len(fewer)] == fewer


def test_three_zones_of_the_shipped_network() -> None:
    assert subnet_cidrs("10.20.0.0/20", 3) == ["10.20.0.0/22", "10.20.4.0/22", "10.20.8.0/22"]
