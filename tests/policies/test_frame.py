"""The frame: values, helpers, levels, discovery, and that a broken rule stops the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc
from pulumi_policy import proxy

from policy_packs.guardrails.evaluate import describe, evaluate
from policy_packs.guardrails.frame import values
from policy_packs.guardrails.frame.dispatch import Dispatcher
from policy_packs.guardrails.frame.registry import all_rules
from policy_packs.guardrails.frame.require import require_equals, require_present
from policy_packs.guardrails.frame.resource import Resource, Stack
from policy_packs.guardrails.frame.rule import ENVIRONMENTS, Level, Levels, Report, Rule, Severity, StackRule
from policy_packs.guardrails.frame.settings import Settings, settings_from_config
from policy_packs.guardrails.frame.values import ABSENT, ASSET, SECRET, UNKNOWN, at, neutral, shown

from .plans import TODAY, resource, verdicts

SETTINGS = Settings(environment="prod", waivers=(), today=TODAY)
IT = Resource(urn="urn:it", type="aws:x:X", name="it", inputs={"a": {"b": [UNKNOWN, "c"]}, "s": SECRET})


def rule(check: Any, **changes: Any) -> Rule:
    fields: dict[str, Any] = {
        "name": "a-rule",
        "severity": Severity.LOW,
        "description": "It holds.",
        "remediation": "Repair it.",
        "resource_types": ("aws:*",),
        "check": check,
    }
    return Rule(**{**fields, **changes})


def test_the_sentinels_are_those_of_the_engine() -> None:
    theirs = {value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")}
    assert theirs == values.UNKNOWN_SENTINELS
    assert rpc.UNKNOWN in values.UNKNOWN_SENTINELS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (rpc.UNKNOWN, UNKNOWN),
        ("<unknown>", UNKNOWN),
        ("<secret>", SECRET),
        ({rpc._special_sig_key: rpc._special_secret_sig, "value": "x"}, SECRET),
        ({rpc._special_sig_key: rpc._special_output_value_sig, "value": 1.0}, 1),
        ({rpc._special_sig_key: rpc._special_output_value_sig}, UNKNOWN),
        ({rpc._special_sig_key: rpc._special_output_value_sig, "value": "x", "secret": True}, SECRET),
        ({rpc._special_sig_key: rpc._special_asset_sig, "text": "x"}, ASSET),
        ({rpc._special_sig_key: rpc._special_archive_sig, "path": "x"}, ASSET),
        ({rpc._special_sig_key: "of a later engine"}, UNKNOWN),
        (object(), UNKNOWN),
        (b"bytes", UNKNOWN),
        ({"a": [1.0, 1.5, None, True]}, {"a": [1, 1.5, None, True]}),
        ({"a": None, "b": ""}, {"b": ""}),
        (("a",), ["a"]),
    ],
)
def test_values_have_one_neutral_form(value: Any, expected: Any) -> None:
    assert neutral(value) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_the_neutral_form_of_a_neutral_value_is_itself(value: Any) -> None:
    assert neutral(neutral(value)) == neutral(value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b.1", "c"),
        ("a.b.0", UNKNOWN),
        ("a.b.0.below", UNKNOWN),
        ("a.b.7", ABSENT),
        ("a.b.x", ABSENT),
        ("a.b.1.x", ABSENT),
        ("s.x", SECRET),
        ("none", ABSENT),
    ],
)
def test_a_path_ends_at_the_first_marker(path: str, expected: Any) -> None:
    assert at(IT.inputs, path) == expected


def test_messages_cut_long_values_and_name_markers() -> None:
    assert shown("x" * 100) == '"' + "x" * 56 + "..."
    assert [shown(marker) for marker in (UNKNOWN, SECRET, ABSENT, ASSET)] == [
        "not known before the update",
        "a secret",
        "absent",
        "a file",
    ]


def test_presence_takes_a_reference_and_equality_does_not() -> None:
    report = Report(IT.urn)
    assert require_present(IT, report, "a.b.0")
    assert report.findings == []
    assert not require_equals(IT, report, "a.b.0", "c")
    assert not require_equals(IT, report, "s", "c")
    assert [finding.message.partition(",")[0] for finding in report.findings] == [
        "`a.b.0` is not known before the update",
        "`s` is a secret",
    ]


def test_a_rule_that_raises_is_a_violation_at_its_level() -> None:
    def broken(it: Resource, report: Report) -> None:
        raise KeyError("surprise")

    def broken_stack(stack: Stack, report: Report) -> None:
        raise ValueError("surprise")

    for level in (Level.ADVISORY, Level.MANDATORY):
        of_stack = StackRule(
            name="s-rule",
            severity=Severity.LOW,
            description="d",
            remediation="Repair it.",
            levels=Levels(prod=level),
            resource_types=(),
            check=broken_stack,
        )
        dispatcher = Dispatcher([rule(broken, levels=Levels(prod=level)), of_stack], SETTINGS)
        (verdict,) = dispatcher.resource(IT)
        assert verdict.level == level
        assert verdict.message.startswith("the rule itself failed (KeyError: 'surprise')")
        (verdict,) = dispatcher.stack(Stack([IT]))
        assert (verdict.level, verdict.policy) == (level, "s-rule")


def test_findings_made_before_a_rule_breaks_are_kept() -> None:
    def half(it: Resource, report: Report) -> None:
        report.violation("first")
        raise RuntimeError("then")

    found = Dispatcher([rule(half)], SETTINGS).resource(IT)
    assert [verdict.message.partition(".")[0].partition(" (")[0] for verdict in found] == [
        "first",
        "the rule itself failed",
    ]


def test_a_disabled_rule_does_not_run_and_other_types_are_left_alone() -> None:
    def refuse(it: Resource, report: Report) -> None:
        report.violation("no")

    disabled = rule(refuse, levels=Levels(prod=Level.DISABLED))
    assert Dispatcher([disabled], SETTINGS).resource(IT) == []
    assert len(Dispatcher([disabled], replace(SETTINGS, environment="dev")).resource(IT)) == 1
    elsewhere = rule(refuse, resource_types=("aws:y:*", "gcp:*"))
    assert Dispatcher([elsewhere], SETTINGS).resource(IT) == []


def test_an_unknown_environment_is_judged_as_production() -> None:
    levels = Levels(sandbox=Level.ADVISORY, dev=Level.ADVISORY, staging=Level.DISABLED)
    assert [levels.of(name) for name in ("dev", "staging", "prod", "qa")] == [
        Level.ADVISORY,
        Level.DISABLED,
        Level.MANDATORY,
        Level.MANDATORY,
    ]
    found = verdicts(environment="qa")
    assert [(verdict.policy, verdict.level) for verdict in found] == [("guardrail-settings", "advisory")]
    assert '"qa"; allowed: sandbox, dev, staging, prod' in found[0].message


def test_settings_come_from_the_stacks_config() -> None:
    waiver = '{"rule": "r", "urn": "*", "reason": "x", "owner": "y", "expires": "2027-01-31"}'
    config = {
        "landfall:platform": '{"environment": "dev"}',
        "landfall:guardrails": f'{{"waivers": {{"w": {waiver}}}}}',
    }
    read = settings_from_config(config, {"LANDFALL_ENVIRONMENT": "prod"}, TODAY)
    assert (read.environment, [w.name for w in read.waivers], read.problems) == ("dev", ["w"], [])
    assert read.waivers[0].expires == date(2027, 1, 31)


def test_settings_fall_back_on_the_environment() -> None:
    waiver = '{"w": {"rule": "r", "urn": "*", "reason": "x", "owner": "y", "expires": "2027-01-31"}}'
    read = settings_from_config({}, {"LANDFALL_ENVIRONMENT": "staging", "LANDFALL_WAIVERS": waiver}, TODAY)
    assert (read.environment, len(read.waivers), read.problems) == ("staging", 1, [])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "The environment is not known"),
        ({"landfall:platform": "{"}, "The environment is not known"),
        ({"landfall:platform": "[]"}, "The environment is not known"),
        ({"landfall:platform": '{"environment": ["dev"]}'}, "The environment is"),
        (
            {"landfall:platform": '{"environment": "dev"}', "landfall:guardrails": "{"},
            "Waivers cannot be read",
        ),
        (
            {"landfall:platform": '{"environment": "dev"}', "landfall:guardrails": '{"waivers": [1]}'},
            "Waivers cannot be read",
        ),
        (
            {"landfall:platform": '{"environment": "dev"}', "landfall:guardrails": '{"waivers": {"w": 1}}'},
            "Waivers cannot be read",
        ),
    ],
)
def test_settings_that_cannot_be_read_are_the_strictest(config: dict[str, str], said: str) -> None:
    read = settings_from_config(config, {}, TODAY)
    assert [problem.startswith(said) for problem in read.problems] == [True]
    assert list(read.waivers) == []
    assert read.environment == ("dev" if "guardrails" in "".join(config) else "prod")


def test_every_rule_says_what_it_guards_and_how_to_repair() -> None:
    described = describe()
    assert len(described) >= 12
    assert [entry["name"] for entry in described] == sorted(rule.name for rule in all_rules())
    assert sum(entry["kind"] == "stack" for entry in described) >= 2
    for entry in described:
        assert set(entry["levels"]) == set(ENVIRONMENTS)
        assert entry["levels"]["prod"] == "mandatory"
        assert entry["description"].endswith(".")
        assert entry["remediation"].endswith(".")
        assert entry["resource_types"]


def test_every_rule_has_a_test_module_of_its_own() -> None:
    from pathlib import Path

    tests = "".join(
        path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "rules").glob("test_*.py")
    )
    assert [entry["name"] for entry in describe() if f'RULE = "{entry["name"]}"' not in tests] == []


def test_evaluate_takes_objects_and_never_trusts_what_it_cannot_read() -> None:
    class Planned:
        urn = "urn:pulumi:prod::landfall::aws:kms/key:Key::k"
        type = "aws:kms/key:Key"
        name = "k"
        inputs = {"enableKeyRotation": object()}  # noqa: RUF012 - a plain record

    found = evaluate([Planned()], environment="prod", waivers={}, today=TODAY)
    assert {verdict.policy for verdict in found} == {
        "kms-key-rotation",
        "no-default-provider",
        "required-tags",
    }


def test_verdicts_do_not_depend_on_the_order_of_resources() -> None:
    plan = [resource("aws:sqs/queue:Queue", {}, name=name) for name in ("b", "a", "c")]
    assert verdicts(*plan) == verdicts(*reversed(plan))
    assert [verdict.urn.rpartition("::")[2] for verdict in verdicts(*plan)] == ["a", "b", "c"]
