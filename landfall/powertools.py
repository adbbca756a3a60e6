"""The public Powertools for AWS Lambda (Python) layer, as dated data.

(source: Powertools for AWS Lambda (Python), "Install", "Lambda Layer"; read 2026-11-21)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublicLayer:
    """One published version of a public layer."""

    owner: str
    """Account that publishes it."""
    name: str
    version: int
    as_of: str
    """Day on which the version was read from the publisher's page."""
    partition: str = "aws"


_COMMERCIAL = PublicLayer(
    owner="017000801446", name="AWSLambdaPowertoolsPythonV3-python313-arm64", version=27, as_of="2026-11-21"
)

POWERTOOLS_LAYERS = dict.fromkeys(
    (
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ),
    _COMMERCIAL,
)
"""Layer by Region. A Region that is missing here is refused rather than guessed."""


def powertools_layer(region: str) -> str:
    """ARN of the layer in ``region``; raises ``ValueError`` where no version has been read for it."""
    layer = POWERTOOLS_LAYERS.get(region)
    if layer is None:
        known = ", ".join(sorted(POWERTOOLS_LAYERS))
        raise ValueError(f'no Powertools layer is recorded for Region "{region}"; recorded: {known}')
    return f"arn:{layer.partition}:lambda:{region}:{layer.owner}:layer:{layer.name}:{layer.version}"
