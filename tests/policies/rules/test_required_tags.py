from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from policy_packs.guardrails.evaluate import evaluate
from policy_packs.guardrails.rules.required_tags import REQUIRED, taggable_types

from ..plans import TAGS, TODAY, UNKNOWN, messages, provider, resource

RULE = "required-tags"
QUEUE = "aws:sqs/queue:Queue"


def said(provider_tags: dict[str, str], kind: str, inputs: dict[str, Any]) -> list[str]:
    plan = [provider(tags=provider_tags), resource(kind, inputs)]
    found = evaluate(plan, environment="prod", waivers={}, today=TODAY)
    return [verdict.message.partition(". Fix:")[0] for verdict in found if verdict.policy == RULE]


def test_passes_default_tags_of_the_provider() -> None:
    assert messages(RULE, resource(QUEUE, {})) == []


def test_passes_default_tags_that_are_not_json_text() -> None:
    account = provider()
    account["inputs"]["defaultTags"] = {"tags": TAGS}
    plan = [account, resource(QUEUE, {})]
    assert RULE not in {v.policy for v in evaluate(plan, environment="prod", waivers={}, today=TODAY)}


def test_passes_tags_of_the_resource_itself() -> None:
    assert said({}, QUEUE, {"tags": TAGS}) == []


def test_joins_both_sources_and_takes_a_reference_for_a_value() -> None:
    own = {"landfall:owner": UNKNOWN}
    defaults = {key: value for key, value in TAGS.items() if key != "landfall:owner"}
    assert said(defaults, QUEUE, {"tags": own}) == []


def test_reports_each_missing_or_empty_tag() -> None:
    own = {**TAGS, "landfall:owner": " "}
    del own["landfall:cost-center"]
    assert said({}, QUEUE, {"tags": own}) == ["missing tags: landfall:owner, landfall:cost-center"]


def test_reports_unknown_tags_as_such() -> None:
    assert said({}, QUEUE, {"tags": UNKNOWN}) == [
        f"tags are not known before the update; {', '.join(REQUIRED)} must be among them"
    ]


def test_reports_a_provider_whose_default_tags_are_broken() -> None:
    account = provider()
    account["inputs"]["defaultTags"] = "{"
    found = evaluate([account, resource(QUEUE, {})], environment="prod", waivers={}, today=TODAY)
    assert RULE in {verdict.policy for verdict in found}


def test_default_tags_do_not_reach_an_auto_scaling_group() -> None:
    group = "aws:autoscaling/group:Group"
    as_list = [{"key": key, "value": value, "propagateAtLaunch": True} for key, value in TAGS.items()]
    assert said(TAGS, group, {"tags": as_list}) == []
    assert said(TAGS, group, {"tags": as_list[:4]}) == ["missing tags: landfall:data-classification"]


@pytest.mark.parametrize("kind", ["aws:iam/rolePolicy:RolePolicy", "landfall:etl:Plane"])
def test_passes_what_cannot_be_tagged(kind: str) -> None:
    assert said({}, kind, {}) == []


def test_the_list_of_taggable_types_is_that_of_the_pinned_provider() -> None:
    spec = find_spec("pulumi_aws")
    assert spec is not None
    assert spec.origin is not None
    found = set()
    for module in Path(spec.origin).parent.rglob("*.py"):
        source = module.read_text(encoding="utf-8")
        token = re.search(r"super\(\w+, __self__\)\.__init__\(\s*'(aws:[^']+)'", source)
        if token and '__props__.__dict__["tags"] = tags\n' in source:
            found.add(token[1])
    assert found == taggable_types()
