"""Physical names and tags: pure functions of config keys.

Does not: decide which resources get a physical name (components do, and only where another account must
know the name) or touch logical names, which carry no environment. Source: DESIGN sections 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_PURPOSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")

#: Longest name that S3 buckets, DNS labels and most other services take, in characters.
DEFAULT_LIMIT = 63


class NameTooLong(ValueError):
    """A physical name is longer than the service allows. `name`, `limit` and `excess` are in characters."""

    def __init__(self, name: str, limit: int) -> None:
        self.name, self.limit, self.excess = name, limit, len(name) - limit
        super().__init__(
            f'the name "{name}" has {len(name)} characters; the limit is {limit}: shorten it by {self.excess}'
        )


class PlatformLike(Protocol):
    """What `tags` reads of `landfall.config.Platform`."""

    @property
    def name(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def cost_center(self) -> str: ...
    @property
    def data_classification(self) -> str: ...
    @property
    def tags(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Names:
    """Physical names of one environment: `<prefix>-<environment>-<purpose>`."""

    prefix: str
    environment: str

    def physical(self, purpose: str, limit: int = DEFAULT_LIMIT) -> str:
        """The physical name for `purpose`, at most `limit` characters long.

        Raises NameTooLong when it is longer, ValueError when `purpose` has other characters than letters,
        digits, hyphen and underscore: names are never cut or changed silently, as a cut name may collide.
        """
        if not _PURPOSE.match(purpose):
            raise ValueError(
                f'the purpose "{purpose}" of a name must be letters, digits, hyphens and underscores'
            )
        return self._checked(f"{self.prefix}-{self.environment}-{purpose}", limit)

    def bucket(self, purpose: str, account_id: str, region: str) -> str:
        """A bucket name: lower case, 63 at most; global in AWS, so it carries account id and Region."""
        return self.physical(f"{purpose}-{account_id}-{region}").lower()

    def path(self, purpose: str, limit: int = 512) -> str:
        """A slash-separated name, for log groups and parameters: `/<prefix>/<environment>/<purpose>`."""
        return self._checked(f"/{self.prefix}/{self.environment}/{purpose}", limit)

    @staticmethod
    def _checked(name: str, limit: int) -> str:
        if len(name) > limit:
            raise NameTooLong(name, limit)
        return name


def tags(platform: PlatformLike) -> dict[str, str]:
    """Tags of every resource, sorted: the five that governance reports need, and the user's."""
    own = {
        "landfall:platform": platform.name,
        "landfall:environment": platform.environment,
        "landfall:owner": platform.owner,
        "landfall:cost-center": platform.cost_center,
        "landfall:data-classification": platform.data_classification,
    }
    return dict(sorted({**platform.tags, **own}.items()))
