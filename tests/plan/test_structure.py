"""What holds of every resource of every shipped stack: accounts, names, protection, inputs."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pytest

from landfall import contracts
from landfall.naming import Names
from sandbox.engines.plan import PROVIDER_PREFIX, STACK_TYPE, PlannedResource

from .planning import (
    BUCKET,
    KEY,
    STACKS,
    TABLE,
    Values,
    config_of,
    deployed,
    machine_facts,
    of_type,
    one,
    planned,
    recorded,
    variant,
)

every_stack = pytest.mark.parametrize("stack", STACKS)

LIMITS: dict[str, tuple[str, int, str]] = {
    TABLE: ("name", 255, r"[A-Za-z0-9_.-]{3,}"),
    BUCKET: ("bucket", 63, r"[a-z0-9][a-z0-9-]+[a-z0-9]"),
    "aws:cloudwatch/eventRule:EventRule": ("name", 64, r"[.\-_A-Za-z0-9]+"),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512, r"[.\-_/#A-Za-z0-9]+"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", 255, r"[\w-]+"),
    "aws:iam/instanceProfile:InstanceProfile": ("name", 128, r"[\w+=,.@-]+"),
    "aws:iam/role:Role": ("name", 64, r"[\w+=,.@-]+"),
    "aws:kms/alias:Alias": ("name", 256, r"alias/[A-Za-z0-9/_-]+"),
    "aws:lambda/function:Function": ("name", 64, r"[A-Za-z0-9_-]+"),
    "aws:scheduler/schedule:Schedule": ("name", 64, r"[0-9A-Za-z_.-]+"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ("name", 64, r"[0-9A-Za-z_.-]+"),
    "aws:sfn/stateMachine:StateMachine": ("name", 80, r"[A-Za-z0-9_-]+"),
    "aws:sns/topic:Topic": ("name", 256, r"[A-Za-z0-9_-]+"),
    "aws:sqs/queue:Queue": ("name", 80, r"[A-Za-z0-9_-]+"),
    "aws:ssm/document:Document": ("name", 128, r"[A-Za-z0-9_.-]{3,}"),
}
"""Type: input with the physical name, its longest length, its pattern (the services' API references)."""


def top_component(resource: PlannedResource, by_urn: dict[str, PlannedResource]) -> PlannedResource:
    """The component below the stack that the resource belongs to."""
    while resource.parent and by_urn[resource.parent].type != STACK_TYPE:
        resource = by_urn[resource.parent]
    return resource


@every_stack
def test_each_account_has_one_provider_and_no_region_has_one(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    providers = [r for r in plan.resources if r.type.startswith(PROVIDER_PREFIX)]
    assert {p.name: p.account for p in providers} == {a: acc.id for a, acc in config.accounts.items()}
    assert len(providers) == len(config.accounts)
    for provider in providers:
        account = config.accounts[provider.name]
        assert provider.type == "pulumi:providers:aws"
        assert json.loads(str(provider.inputs["allowedAccountIds"])) == [account.id]
        assert provider.inputs["region"] == account.regions[0]
        (role,) = json.loads(str(provider.inputs["assumeRoles"]))
        assert role["roleArn"] == f"arn:aws:iam::{account.id}:role/{account.deployer_role}"
        assert not set(provider.inputs) & {"accessKey", "secretKey", "token", "profile"}


@every_stack
def test_every_resource_uses_the_provider_of_its_components_account(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    assert config.workflows is not None
    owner = {
        ("landfall:orchestration:EtlPlane", "etl"): config.workflows.account,
        ("landfall:orchestration:OperationsHub", "operations"): config.workflows.operations.account,
        **{("landfall:network:Vpc", key): network.account for key, network in config.network.items()},
    }
    by_urn, used = plan.by_urn(), set()
    for resource in deployed(plan):
        assert resource.provider is not None, f"{resource.urn} has no explicit provider"
        top = top_component(resource, by_urn)
        used.add((top.type, top.name))
        alias = owner[top.type, top.name]
        assert by_urn[resource.provider].name == alias, resource.urn
        assert resource.account == config.accounts[alias].id
    assert used == set(owner)


@every_stack
def test_every_resource_lies_in_a_region_of_its_account(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    regions = {account.id: account.regions for account in config.accounts.values()}
    for resource in deployed(plan):
        assert resource.region in regions[str(resource.account)], resource.urn


@every_stack
def test_every_resource_has_a_component_as_its_parent(stack: str) -> None:
    plan = planned(stack)
    by_urn = plan.by_urn()
    for resource in deployed(plan):
        assert resource.parent is not None
        assert by_urn[resource.parent].type.startswith("landfall:"), resource.urn


@every_stack
def test_every_component_registers_its_outputs_once(stack: str) -> None:
    registered = recorded(stack).outputs_of
    components = [r for r in planned(stack).resources if not r.custom]
    assert len(components) > 10
    assert {r.urn: registered.get(r.urn, 0) for r in components} == {r.urn: 1 for r in components}


@every_stack
def test_component_types_have_one_grammar(stack: str) -> None:
    for resource in planned(stack).resources:
        if not resource.custom and resource.type != STACK_TYPE:
            assert re.fullmatch(r"landfall:[a-z]+:[A-Z][A-Za-z]+", resource.type), resource.urn


@every_stack
def test_logical_names_carry_no_environment_no_account_and_no_list_index(stack: str) -> None:
    config = config_of(stack)
    assert config.workflows is not None
    words = {config.platform.environment, *(account.id for account in config.accounts.values())}
    values = [*config.workflows.operations.subscribers]
    regions = {region for account in config.accounts.values() for region in account.regions}
    for resource in planned(stack).resources:
        if resource.type == STACK_TYPE:
            continue
        name = resource.name
        for given in (*values, *regions):  # values of the config are names by themselves
            name = name.replace(given, "")
        assert not words & set(re.split(r"[^A-Za-z0-9]", name)), resource.urn
        assert not re.search(r"(^|[-_.])\d+$", name), resource.urn


def test_environment_and_accounts_change_no_urn() -> None:
    def elsewhere(values: Values) -> None:
        values["platform"]["environment"] = "staging"
        for number, account in enumerate(values["accounts"].values()):
            account["id"] = f"90000000000{number}"

    assert [r.urn for r in variant("dev", elsewhere).resources] == [r.urn for r in planned("dev").resources]


def test_an_entry_more_in_the_middle_of_a_list_changes_no_other_urn() -> None:
    def more(values: Values) -> None:
        values["workflows"]["operations"]["subscribers"].insert(0, "first@example.com")
        zones = values["network"]["etl"]["availability_zones"]
        zones.insert(0, zones.pop())

    before = {r.urn for r in planned("dev").resources}
    after = {r.urn for r in variant("dev", more).resources}
    assert before < after
    assert [urn.rpartition("::")[2] for urn in after - before] == ["operations-first@example.com"]


DATA = {
    TABLE: {"job-audit", "workflow-audit", "workflow-config"},
    BUCKET: {"log-archive"},
    KEY: {"etl", "operations"},
}
"""What outlives a stack: records, logs, and the keys without which neither can be read."""


@every_stack
def test_data_is_protected_and_retained_except_in_the_sandbox(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    assert config.workflows is not None
    kept = stack != "sandbox"
    for kind, names in DATA.items():
        wanted = set(names)
        if kind == KEY:
            wanted |= {f"etl-{region}" for region in config.workflows.audit.replica_regions}
        assert wanted <= {r.name for r in of_type(plan, kind)}
        for name in wanted:
            resource = one(plan, kind, name)
            assert (resource.protect, resource.retain_on_delete) == (kept, kept), resource.urn
    for table in of_type(plan, TABLE):
        assert table.inputs["deletionProtectionEnabled"] is kept
    assert one(plan, BUCKET, "log-archive").inputs["forceDestroy"] is not kept


@every_stack
def test_nothing_else_is_protected(stack: str) -> None:
    config = config_of(stack)
    assert config.workflows is not None
    names = {
        name
        for kind in DATA.values()
        for name in (*kind, *(f"etl-{region}" for region in config.workflows.audit.replica_regions))
    }
    protected = [r for r in planned(stack).resources if r.protect or r.retain_on_delete]
    assert {(r.type, r.name) for r in protected if r.type not in DATA or r.name not in names} == set()


@every_stack
def test_physical_names_are_within_the_limits_of_their_services(stack: str) -> None:
    checked = set()
    for resource in deployed(planned(stack)):
        if resource.type in LIMITS:
            key, longest, pattern = LIMITS[resource.type]
            name = str(resource.inputs[key])
            assert len(name) <= longest, resource.urn
            assert re.fullmatch(pattern, name), resource.urn
            checked.add(resource.type)
    unchecked = set(LIMITS) - checked
    assert unchecked <= {"aws:scheduler/schedule:Schedule", "aws:scheduler/scheduleGroup:ScheduleGroup"}


@every_stack
def test_physical_names_are_unique_in_their_account_and_region(stack: str) -> None:
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for resource in deployed(planned(stack)):
        if resource.type in LIMITS:
            name = resource.inputs[LIMITS[resource.type][0]]
            found[resource.type, resource.account, resource.region, name].append(resource.urn)
    assert [urns for urns in found.values() if len(urns) > 1] == []


@every_stack
def test_physical_names_carry_platform_and_environment(stack: str) -> None:
    config = config_of(stack)
    prefix = Names(config.platform.name, config.platform.environment).physical("x")[:-1]
    for resource in deployed(planned(stack)):
        if resource.type in LIMITS:
            name = str(resource.inputs[LIMITS[resource.type][0]])
            assert prefix in name, resource.urn


def texts(value: Any) -> list[str]:
    """Every text in a value, keys included."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *texts(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


CREDENTIAL = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN|password\W{1,4}\w{6,}", re.IGNORECASE)


@every_stack
def test_no_input_holds_a_secret_or_a_path_of_this_machine(stack: str) -> None:
    facts = machine_facts()
    assert facts
    for urn, inputs in recorded(stack).raw_inputs.items():
        for text in texts(dict(inputs)):
            assert not CREDENTIAL.search(text), urn
            for fact in facts:
                assert fact not in text, f"{urn} holds {fact}"


@every_stack
def test_the_contract_of_the_stack_can_be_read_by_others(stack: str) -> None:
    config = config_of(stack)
    assert config.workflows is not None
    output = planned(stack).outputs[contracts.OUTPUT]
    assert isinstance(output, dict)
    contract = contracts.read(output, stack=stack)
    assert contract.environment == config.platform.environment
    assert set(contract.accounts) == set(config.accounts)
    assert set(contract.networks) == set(config.network)
    assert contract.etl is not None
    assert contract.etl.workflows == sorted(config.workflows.definitions)
    assert contract.etl.account == config.workflows.account
