"""`landfall:accounts`: the AWS accounts that a stack deploys into, by alias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from landfall.config.base import Shaped, Strict
from landfall.config.errors import DUPLICATE, Finding, show
from landfall.config.fields import OneLine, Region

AccountId = Annotated[str, Shaped(pattern=r"[0-9]{12}", expected="twelve digits in quotes")]
RoleName = Annotated[
    str, Shaped(pattern=r"[\w+=,.@-]+", expected="a role name: letters, digits and + = , . @ - _", maximum=64)
]


class Account(Strict):
    """One AWS account."""

    id: AccountId
    """Twelve-digit account id, in quotes."""
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    """Regions with resources; the first is the home Region."""
    deployer_role: RoleName = "landfall-deployer"
    """Name of the role in the account that a deployment assumes."""
    description: OneLine | None = None
    """What the account is for."""

    @property
    def home_region(self) -> str:
        """The first Region: where a resource goes that names none."""
        return self.regions[0]

    def rules(self) -> Iterator[Finding]:
        """Every Region once."""
        for index, region in enumerate(self.regions):
            if region in self.regions[:index]:
                yield Finding(
                    code=DUPLICATE,
                    path=("regions", index),
                    found=show(region),
                    message="the Region is listed twice",
                    hint="Remove one of the two.",
                )
