"""The table of provisioners, by Pulumi type token."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sandbox.provisioners.base import Provisioner

_ALL: tuple[Provisioner, ...] = ()

PROVISIONERS: Mapping[str, Provisioner] = MappingProxyType({item.token: item for item in _ALL})
"""Type token to provisioner. A type that is not here is only recorded, and listed as such."""
