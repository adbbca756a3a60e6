"""Names and tags."""

from __future__ import annotations

import pytest

from landfall.config import Platform
from landfall.naming import Names, NameTooLong, tags


def test_a_physical_name_is_prefix_environment_purpose() -> None:
    names = Names("landfall", "dev")
    assert names.physical("run-job") == "landfall-dev-run-job"
    assert names.path("vpc/etl") == "/landfall/dev/vpc/etl"
    assert names.bucket("log-archive", "111111111111", "eu-central-1") == (
        "landfall-dev-log-archive-111111111111-eu-central-1"
    )


def test_a_name_that_is_too_long_is_refused_never_cut() -> None:
    with pytest.raises(NameTooLong, match="shorten it by 3") as caught:
        Names("landfall", "dev").physical("x" * 20, limit=30)
    assert caught.value.excess == 3


@pytest.mark.parametrize("purpose", ["", "a b", "-a", "a/b", "ä", "a\n"])
def test_a_purpose_has_plain_characters(purpose: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        Names("landfall", "dev").physical(purpose)


def test_tags_are_the_platforms_and_the_users() -> None:
    platform = Platform(
        name="landfall", environment="dev", owner="etl", cost_center="cc-1", tags={"team": "a", "Team": "b"}
    )
    assert list(tags(platform).items()) == [
        ("Team", "b"),
        ("landfall:cost-center", "cc-1"),
        ("landfall:data-classification", "internal"),
        ("landfall:environment", "dev"),
        ("landfall:owner", "etl"),
        ("landfall:platform", "landfall"),
        ("team", "a"),
    ]
