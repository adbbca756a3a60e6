"""`landfall:platform`: name, environment, ownership and tags of this slice of the platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from landfall.config.base import Ordered, Shaped, Strict
from landfall.config.errors import MALFORMED, TOO_LARGE, Finding, show
from landfall.config.fields import OneLine
from landfall.config.limits import USER_TAGS

Environment = Literal["sandbox", "dev", "staging", "prod"]
DataClassification = Literal["public", "internal", "confidential", "restricted"]
Prefix = Annotated[
    str,
    Shaped(
        pattern=r"[a-z][a-z0-9-]{0,17}[a-z0-9]",
        expected="2 to 19 lower-case letters, digits and inner hyphens that start with a letter",
    ),
]
TagKey = Annotated[
    str, Shaped(pattern=r"[\w .:/=+@-]+", expected="letters, digits, spaces and . : / = + - _ @", maximum=128)
]
TagValue = Annotated[
    str, Shaped(pattern=r"[\w .:/=+@-]*", expected="letters, digits, spaces and . : / = + - _ @", maximum=256)
]


class Platform(Strict):
    """What all resources of the stack have in common."""

    name: Prefix
    """Prefix of physical names, for example `landfall`."""
    environment: Environment
    """Environment of this stack; part of physical names, and it sets the guardrails' enforcement levels."""
    owner: OneLine
    """Team that answers for the stack; becomes a tag."""
    cost_center: OneLine
    """Cost center that pays; becomes a tag."""
    data_classification: DataClassification = "internal"
    """Highest class of data that the stack holds; becomes a tag."""
    tags: Annotated[Mapping[TagKey, TagValue], Ordered] = Field(default_factory=dict)
    """Further tags on every resource."""

    def rules(self) -> Iterator[Finding]:
        """Reserved prefixes and the number of tags."""
        for key in self.tags:
            if key.lower().startswith(("aws:", "landfall:")):
                yield Finding(
                    code=MALFORMED,
                    path=("tags", key),
                    found=show(key),
                    message="tag keys that start with aws: or landfall: are reserved",
                    suggestion=key.partition(":")[2] or None,
                    on_key=True,
                )
        if len(self.tags) > USER_TAGS.value:
            yield Finding(
                code=TOO_LARGE,
                path=("tags",),
                message=f"{len(self.tags)} tags are too many, at most {USER_TAGS.value} are allowed",
                hint="Remove tags that no report uses.",
            )
