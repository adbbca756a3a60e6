"""What one stack may read of another, and the refusal of what it does not understand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from landfall.contracts import VERSION, ContractError, read

GOOD: dict[str, Any] = {
    "version": VERSION,
    "platform": "landfall",
    "environment": "dev",
    "accounts": {"data": {"id": "111111111111", "regions": ["eu-central-1"]}},
    "networks": {
        "etl": {
            "account": "data",
            "region": "eu-central-1",
            "vpc_id": "vpc-1",
            "subnet_ids": {"eu-central-1a": "subnet-1"},
            "workload_security_group_id": "sg-1",
        }
    },
    "etl": None,
}


def test_a_contract_is_typed_and_frozen() -> None:
    contract = read(GOOD, stack="dev")
    assert contract.accounts["data"].id == "111111111111"
    assert contract.networks["etl"].subnet_ids == {"eu-central-1a": "subnet-1"}
    assert contract.etl is None
    with pytest.raises(ValueError, match="frozen"):
        contract.version = 2  # type: ignore[misc]  # it is what is tried


@pytest.mark.parametrize("version", [0, VERSION + 1, "1", None])
def test_another_version_is_refused_before_anything_is_read(version: object) -> None:
    output = {**GOOD, "version": version, "surprise": True}
    with pytest.raises(
        ContractError, match=rf"^stack dev: contract version {version!r} found, 1 understood$"
    ):
        read(output, stack="dev")


def test_no_contract_at_all_is_refused() -> None:
    with pytest.raises(ContractError, match="stack dev: contract version None found"):
        read({}, stack="dev")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("platform",), None, "platform"),
        (("accounts", "data", "id"), 111111111111, "accounts.data.id"),
        (("networks", "etl", "colour"), "red", "networks.etl.colour"),
        (("etl",), {}, "etl.account"),
    ],
)
def test_what_does_not_fit_is_named_with_the_stack(path: tuple[str, ...], value: object, named: str) -> None:
    output = copy.deepcopy(GOOD)
    place = output
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ContractError) as refused:
        read(output, stack="dev")
    assert str(refused.value).startswith("stack dev: ")
    assert named in str(refused.value)
