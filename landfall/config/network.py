"""`landfall:network`: one VPC per key."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from landfall.config.base import Key, Shaped, Strict
from landfall.config.errors import DUPLICATE, MALFORMED, NOT_ALLOWED, ZONES, Finding, nearest, refuse, show
from landfall.config.fields import LogRetentionDays, Region
from landfall.config.limits import (
    DEFAULT_ENDPOINTS,
    ENDPOINT_SERVICES,
    VPC_LARGEST_PREFIX,
    VPC_SMALLEST_PREFIX,
)

PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""RFC 1918 and the shared range of RFC 6598."""


def _check_cidr(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise refuse(_bad_cidr(value)) from None
    if "/" not in value or str(network) != value:
        raise refuse(_bad_cidr(value))
    problem = None
    if not VPC_LARGEST_PREFIX.value <= network.prefixlen <= VPC_SMALLEST_PREFIX.value:
        problem = f"a VPC is between /{VPC_LARGEST_PREFIX.value} and /{VPC_SMALLEST_PREFIX.value}"
    elif not any(network.subnet_of(private) for private in PRIVATE_RANGES):
        problem = "not a private range; use one of " + ", ".join(map(str, PRIVATE_RANGES))
    if problem:
        raise refuse(
            Finding(code=MALFORMED, found=show(value), message=problem, hint="For example 10.20.0.0/20.")
        )
    return value


def _bad_cidr(value: str) -> Finding:
    try:
        suggestion = str(ipaddress.IPv4Network(value, strict=False)) if "/" in value else None
    except ValueError:
        suggestion = None
    return Finding(
        code=MALFORMED,
        found=show(value),
        message="expected an IPv4 range in CIDR notation whose host bits are zero",
        suggestion=suggestion,
        hint="" if suggestion else "For example 10.20.0.0/20.",
    )


def _check_service(value: str) -> str:
    if value not in ENDPOINT_SERVICES.values:
        near = nearest(value, ENDPOINT_SERVICES.values)
        raise refuse(
            Finding(code=NOT_ALLOWED, found=show(value), allowed=ENDPOINT_SERVICES.values, suggestion=near)
        )
    return value


Cidr = Annotated[str, AfterValidator(_check_cidr)]
EndpointService = Annotated[
    str, AfterValidator(_check_service), Field(json_schema_extra={"enum": list(ENDPOINT_SERVICES.values)})
]
Zone = Annotated[
    str,
    Shaped(
        pattern=r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", expected="an availability zone, for example eu-central-1a"
    ),
]


class Network(Strict):
    """One VPC: private subnets, one per availability zone, and endpoints instead of the internet."""

    account: Key
    """Alias of the account that the VPC is in."""
    cidr: Cidr
    """Private IPv4 range, /16 to /28; ranges of a stack never overlap."""
    availability_zones: Annotated[tuple[Zone, ...], Field(min_length=2, max_length=6)]
    """Two to six zones of the VPC's Region, each once."""
    region: Region | None = None
    """Region of the VPC; without it, the home Region of the account."""
    endpoints: tuple[EndpointService, ...] = DEFAULT_ENDPOINTS
    """AWS services with an endpoint in the VPC; the default is what the ETL plane calls."""
    flow_log_retention_days: LogRetentionDays = 90
    """How long flow logs are kept, in days."""

    def rules(self) -> Iterator[Finding]:
        """Zones and endpoints once each; subnets that fit."""
        for index, zone in enumerate(self.availability_zones):
            if zone in self.availability_zones[:index]:
                yield Finding(
                    code=ZONES,
                    path=("availability_zones", index),
                    found=show(zone),
                    message="the zone is listed twice; subnets must be in distinct zones",
                    suggestion=self._unused_zone(zone),
                )
        for index, service in enumerate(self.endpoints):
            if service in self.endpoints[:index]:
                yield Finding(
                    code=DUPLICATE,
                    path=("endpoints", index),
                    found=show(service),
                    message="the endpoint is listed twice",
                    hint="Remove one of the two.",
                )
        bits = (len(self.availability_zones) - 1).bit_length()
        largest = VPC_SMALLEST_PREFIX.value - bits
        if ipaddress.IPv4Network(self.cidr).prefixlen > largest:
            yield Finding(
                code=ZONES,
                path=("cidr",),
                found=show(self.cidr),
                message=f"too small for {len(self.availability_zones)} subnets of at least /28",
                suggestion=str(ipaddress.IPv4Network(self.cidr).supernet(new_prefix=largest)),
            )

    def _unused_zone(self, zone: str) -> str | None:
        free = (zone[:-1] + letter for letter in "abc")
        return next((candidate for candidate in free if candidate not in self.availability_zones), None)
