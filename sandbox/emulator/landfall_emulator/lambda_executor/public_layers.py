"""Public layers that functions name by ARN and that the sandbox need not fetch.

Powertools for AWS Lambda is published in AWS's account 017000801446; its packages are in the emulator's
environment, and the worker shows them to a function that has the layer. Any other foreign layer is refused,
as AWS refuses a layer that nobody shared.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

from localemu.services.lambda_ import hooks
from localemu.services.lambda_.invocation.lambda_models import Layer, LayerVersion
from localemu.services.lambda_.layerfetcher.layer_fetcher import LayerFetcher

_ARN: Final = re.compile(
    r"(?P<layer>arn:aws[\w-]*:lambda:[\w-]+:017000801446:layer:AWSLambdaPowertoolsPython\w[\w-]*):(?P<version>\d+)"
)


class PublicLayerCode:
    """Stands for an archive that is not here."""

    code_size = 0
    code_sha256 = ""


class PublicLayerFetcher(LayerFetcher):
    """Knows the Powertools layers without asking AWS."""

    def fetch_layer(self, layer_version_arn: str) -> Layer | None:
        """The layer for a Powertools ARN, None for any other."""
        found = _ARN.fullmatch(layer_version_arn)
        if found is None:
            return None
        version = LayerVersion(
            layer_version_arn=layer_version_arn,
            layer_arn=found["layer"],
            version=int(found["version"]),
            code=PublicLayerCode(),
            license_info="MIT-0",
            compatible_runtimes=None,
            compatible_architectures=None,
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            description="Powertools for AWS Lambda (Python)",
        )
        return Layer(arn=found["layer"], layer_versions={found["version"]: version})


def is_public(layer: Any) -> bool:
    """Whether the layer's archive is not here."""
    return isinstance(getattr(layer, "code", None), PublicLayerCode)


def provides_powertools(arn: str) -> bool:
    """Whether the layer is a Powertools layer."""
    return _ARN.fullmatch(arn) is not None


@hooks.inject_layer_fetcher()
def inject(provider: Any) -> None:
    """Give LocalEmu's Lambda provider the fetcher."""
    provider.layer_fetcher = PublicLayerFetcher()
