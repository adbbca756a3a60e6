from __future__ import annotations

import pytest

from ..plans import messages, resource, urn_of

RULE = "no-default-provider"
ROLE = "aws:iam/rolePolicy:RolePolicy"
DENY = {"policy": '{"Statement": []}'}


def test_passes_an_account_provider() -> None:
    assert messages(RULE, resource(ROLE, DENY)) == []


def test_passes_the_engines_reference_with_an_id() -> None:
    referring = resource(ROLE, DENY)
    referring["provider"] += "::0f6a"
    assert messages(RULE, referring) == []


def test_passes_components_and_resources_of_other_packages() -> None:
    others = [resource(kind, {}, provider_name=None) for kind in ("landfall:etl:Plane", "random:index:Pet")]
    assert messages(RULE, *others) == []


def test_reports_a_resource_without_provider() -> None:
    expected = ["the resource has no provider of its own"]
    assert messages(RULE, resource(ROLE, DENY, provider_name=None)) == expected


@pytest.mark.parametrize("name", ["default", "default_7_51_1"])
def test_reports_the_default_provider(name: str) -> None:
    # A default provider is not a registration of the program: only its name is known.
    assert urn_of("pulumi:providers:aws", name).endswith(name)
    (said,) = messages(RULE, resource(ROLE, DENY, provider_name=name))
    assert said.startswith(f"the resource uses the provider {name}")
