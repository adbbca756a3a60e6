"""The AWS services that Landfall answers itself, as LocalEmu provider plugins.

Each factory imports its provider only when the service is first called, so that an unused service costs
nothing at start. Operations that a provider does not handle fall through to moto.
"""

from __future__ import annotations

from localemu.services.moto import MotoFallbackDispatcher
from localemu.services.plugins import Service, aws_provider


@aws_provider(api="redshift-data", name="landfall")
def redshift_data() -> Service:
    """Redshift Data API on the sandbox's PostgreSQL."""
    from landfall_emulator.redshift_data.provider import RedshiftDataProvider

    return Service.for_provider(RedshiftDataProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="ssm", name="landfall")
def ssm() -> Service:
    """Systems Manager whose commands run on the sandbox's host agents."""
    from landfall_emulator.ssm.provider import SsmProvider

    return Service.for_provider(SsmProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="glue", name="landfall")
def glue() -> Service:
    """Glue job runs that pass through the service's states in a short time."""
    from landfall_emulator.glue_standin import GlueProvider

    return Service.for_provider(GlueProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="emr-serverless", name="landfall")
def emr_serverless() -> Service:
    """EMR Serverless job runs that pass through the service's states in a short time."""
    from landfall_emulator.emr_serverless_standin import EmrServerlessProvider

    return Service.for_provider(EmrServerlessProvider(), dispatch_table_factory=MotoFallbackDispatcher)
