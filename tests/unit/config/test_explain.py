"""Keys of stack files explained from the models: meaning, bounds, values with their place, spellings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from landfall.catalog.samples import FULL, OTHERWISE, SAMPLES
from landfall.config import load, report
from landfall.config.explain import (
    Explanation,
    UnknownKey,
    _annotation,
    _Finder,
    anchor,
    every_key,
    explain,
    tokens_of,
)
from landfall.config.loader import _load
from landfall.config.source import StackSource

ROOT = Path(__file__).resolve().parents[3]

FILE = b"""\
config:
  landfall:platform: {name: landfall, environment: dev, owner: team, cost_center: cc-1}
  landfall:accounts:
    data: {id: "111111111111", regions: [eu-central-1]}
  landfall:network:
    etl: {account: data, cidr: 10.0.0.0/20, availability_zones: [eu-central-1a, eu-central-1b]}
  landfall:workflows:
    account: data
    network: etl
    operations: {account: data}
    warehouse: {secret: landfall/warehouse, workgroup: etl, database: dev, passwrod: hunter2}
    hosts: {tag_key: role, tag_value: host}
    scripts: scripts
    definitions:
      orders:
        timeout_seconds: 600
        workflow_stages:
          - execution_type: sequential
            scripts: [a.sh, {kind: sql, sql: select 1, timeout_seconds: 7}]
      sales:
        workflow_stages: [{execution_type: graph, scripts: [b.sh]}]
"""


def source(text: bytes = FILE) -> StackSource:
    return StackSource.of(Path("stacks/Pulumi.dev.yaml"), text)


def one(key: str, *, text: bytes = FILE) -> Explanation:
    found = explain(key, [source(text)], SAMPLES)
    assert len(found) == 1
    return found[0]


def places(explanation: Explanation) -> list[tuple[Any, str, int]]:
    return [(setting.value, setting.origin, setting.line) for setting in explanation.settings]


@pytest.mark.parametrize("key", every_key())
def test_every_key_of_the_reference_is_explained_with_an_example_that_its_model_accepts(key: str) -> None:
    found = explain(key, (), SAMPLES)
    assert len(found) == 1
    assert found[0].description
    assert found[0].type
    assert found[0].example is not None, "add the key to landfall/catalog/samples.py"
    TypeAdapter(_annotation(_Finder(key, ()).resolve()[0])).validate_python(found[0].example)


@pytest.mark.parametrize("sample", SAMPLES, ids=["full", "otherwise"])
def test_the_samples_are_valid_stacks(sample: dict[str, Any]) -> None:
    assert load(dict(sample)).platform.name == "landfall"


def test_samples_differ_only_where_keys_exclude_each_other() -> None:
    assert FULL["network"] == OTHERWISE["network"]
    assert FULL["workflows"]["hosts"] != OTHERWISE["workflows"]["hosts"]


def test_every_reference_leads_to_a_heading() -> None:
    page = (ROOT / "docs" / "config-reference.md").read_text(encoding="utf-8")
    anchors = {anchor(line.removeprefix("## ")) for line in page.splitlines() if line.startswith("## ")}
    for key in every_key():
        for found in explain(key, (), SAMPLES):
            assert found.page.partition("#")[2] in anchors, key


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("landfall:network.etl.cidr", "landfall:network.<key>.cidr"),
        ("network.etl.cidr", "landfall:network.<key>.cidr"),
        ("config.landfall:network.etl.cidr", "landfall:network.<key>.cidr"),
        ("network.*.cidr", "landfall:network.<key>.cidr"),
        ("network.<key>.cidr", "landfall:network.<key>.cidr"),
        ("workflows.orders.stages", "landfall:workflows.definitions.<key>.workflow_stages"),
        ("workflows.*.timeout", "landfall:workflows.definitions.<key>.timeout_seconds"),
        ("workflows.orders", "landfall:workflows.definitions.<key>"),
        (
            "workflows.orders.stages[0].scripts[1]",
            "landfall:workflows.definitions.<key>.workflow_stages[].scripts[]",
        ),
        (
            "workflows.*.stages.scripts(sql).file",
            "landfall:workflows.definitions.<key>.workflow_stages[].scripts[](sql).file",
        ),
        (
            "workflows.orders.stages.scripts.timeout",
            "landfall:workflows.definitions.<key>.workflow_stages[].scripts[](every kind).timeout_seconds",
        ),
    ],
)
def test_a_key_may_be_written_loosely(written: str, full: str) -> None:
    assert one(written).key == full


def test_a_written_value_has_its_line_and_a_left_out_one_its_default() -> None:
    assert places(one("workflows.*.timeout_seconds")) == [(600, "file", 16), (86400, "default", 0)]
    assert places(one("workflows.audit.retention_days")) == [(400, "default", 0)]
    assert places(one("workflows.orders.schedule")) == [(None, "unset", 0)]
    assert places(one("workflows.orders.schedule.timezone")) == [(None, "unset", 0)]
    assert places(one("network.etl.region")) == [(None, "unset", 0)]


def test_a_required_key_that_is_missing_is_said_to_be() -> None:
    text = FILE.replace(b"cidr: 10.0.0.0/20, ", b"")
    assert places(one("network.etl.cidr", text=text)) == [(None, "missing", 0)]


def test_a_bare_script_has_the_defaults_of_the_job_that_it_stands_for() -> None:
    timeouts = one("workflows.orders.stages.scripts.timeout")
    assert [(s.path[-2], s.value, s.origin) for s in timeouts.settings] == [
        (0, 3600, "default"),
        (1, 7, "file"),
    ]
    script = one("workflows.orders.stages.scripts.script")
    assert [(s.value, s.origin) for s in script.settings] == [("a.sh", "file")]


def test_bounds_choices_and_shapes_come_from_the_models() -> None:
    assert one("workflows.*.timeout").bounds == ("1 to 31536000",)
    assert one("platform.environment").allowed == ("sandbox", "dev", "staging", "prod")
    assert one("accounts.data.id").bounds == ("must be twelve digits in quotes",)
    assert one("accounts.data.id").pattern == "^(?:[0-9]{12})$"
    assert "eu-central-1" in one("accounts.data.regions").allowed
    assert one("network.etl.availability_zones").bounds == ("2 to 6 entries",)
    assert "365" in one("network.etl.flow_log_retention_days").allowed
    assert set(one("workflows.*.stages.scripts.kind").allowed) == {
        "rsql", "sql", "lambda", "glue", "emr_serverless", "state_machine",
    }  # fmt: skip


def test_keys_of_one_name_that_mean_different_things_are_explained_one_by_one() -> None:
    found = explain("workflows.*.stages.scripts.args", [source()])
    assert [explanation.kinds for explanation in found] == [
        ("rsql",), ("lambda",), ("glue",), ("state_machine",),
    ]  # fmt: skip


def test_what_lies_below_is_listed() -> None:
    assert [row.key for row in one("workflows.audit").below] == ["retention_days", "replica_regions"]
    assert "<key>.cidr" in [row.key for row in one("network").below]
    below = [row.key for row in one("workflows.*.stages.scripts").below]
    assert "[](every kind).timeout_seconds" in below
    assert "[](sql).file" in below


@pytest.mark.parametrize(
    ("wrong", "suggestion"),
    [
        ("netwrok.etl.cidr", "landfall:network.etl.cidr"),
        ("network.elt.cidr", "landfall:network.etl.cidr"),
        ("network.vpcs.x.cidr", None),
        ("workflows.ordres.stages", "landfall:workflows.orders.stages"),
        ("workflows.orders.timout_seconds", "landfall:workflows.definitions.orders.timeout_seconds"),
        ("workflows.orders.stages[0].execution_typ",
         "landfall:workflows.definitions.orders.workflow_stages[0].execution_type"),
        ("workflows.retention", "landfall:workflows.audit.retention_days"),
        ("timeout", "landfall:workflows.definitions.<key>.timeout_seconds"),
        ("workflows.*.stages.scripts(sqll).file",
         "landfall:workflows.definitions.<key>.workflow_stages[].scripts[](sql).file"),
        ("workflows.orders.stages[4].scripts",
         "landfall:workflows.definitions.orders.workflow_stages[0].scripts"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_refused_with_the_nearest_spelling(wrong: str, suggestion: str | None) -> None:
    with pytest.raises(UnknownKey) as refused:
        explain(wrong, [source()], SAMPLES)
    if suggestion is not None:
        assert suggestion in refused.value.suggestions
    assert refused.value.allowed or refused.value.suggestions


@pytest.mark.parametrize("nothing", ["", "landfall:", ".", "  "])
def test_no_key_at_all_is_refused_with_the_top_level(nothing: str) -> None:
    with pytest.raises(UnknownKey) as refused:
        explain(nothing)
    assert refused.value.allowed[0] == "platform"


def test_below_a_plain_value_there_is_nothing() -> None:
    with pytest.raises(UnknownKey, match="has no keys below it"):
        explain("platform.name.first", [source()])


def test_a_name_of_the_users_choice_is_free_where_no_stack_has_any() -> None:
    assert one("guardrails.waivers.x.rule").settings == ()


def test_a_file_with_errors_elsewhere_is_explained() -> None:
    _, issues = _load(source().values, source(), ())
    assert issues, report(issues)
    assert places(one("network.etl.cidr")) == [("10.0.0.0/20", "file", 6)]


def test_what_may_be_a_secret_is_never_shown() -> None:
    text = FILE.replace(b"owner: team", b"owner: {secure: AAABBBCCC}")
    shown = repr(
        [explain(key, [source(text)]) for key in ("workflows.warehouse", "platform", "platform.owner")]
    )
    assert "hunter2" not in shown
    assert "AAABBBCCC" not in shown
    assert "landfall/warehouse" in shown, "the name of a secret is no secret"


def test_a_file_that_cannot_be_read_is_left_out() -> None:
    assert one("network.*.cidr", text=b"config: [").settings == ()


def test_parts_of_a_key() -> None:
    assert tokens_of("landfall:a.b[0].c(sql).*") == ("a", "b", "[0]", "c", "(sql)", "*")
    assert tokens_of("a[].b[*]") == ("a", "[]", "b", "[*]")
