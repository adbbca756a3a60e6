"""Architecture pictures: what they show, and that they can be read."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from diagram_plans import PlanMaker, big_plan
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_rules import document, problems

from landfall.cli.stacks import ROOT, stack_names
from landfall.diagram import architecture, mermaid, model, svg
from landfall.diagram.png import drawable, png
from landfall.diagram.references import references
from landfall.diagram.scene import Scene
from landfall.diagram.services import kind_of
from sandbox.engines import embedded


@cache
def plan_of(stack: str) -> dict[str, Any]:
    return big_plan() if stack == "big" else dict(embedded.plan(ROOT, stack).to_json())


@pytest.mark.parametrize("stack", [*stack_names(), "big"])
@pytest.mark.parametrize("expand", [False, True], ids=["counted", "expanded"])
def test_shipped_stacks_and_three_hundred_resources_can_be_read(stack: str, expand: bool) -> None:
    plan = plan_of(stack)
    scene = architecture.draw(plan, expand=expand)
    assert problems(scene) == []
    assert sum(box.counts for box in scene.boxes) == len(model.deployed(plan))


def test_a_thousand_resources_are_collapsed_to_cards_of_planes() -> None:
    plan = big_plan(6, 20)
    assert len(model.deployed(plan)) == 966
    scene = architecture.draw(plan)
    assert problems(scene) == []
    assert sum(not box.is_frame for box in scene.boxes) <= model.MANY_CARDS
    assert sum(box.counts for box in scene.boxes) == 966


def test_each_resource_stands_in_exactly_one_card() -> None:
    picture = model.architecture(plan_of("prod"))
    urns = [member["urn"] for card in picture.cards for member in card.members]
    assert sorted(urns) == sorted(resource["urn"] for resource in model.deployed(plan_of("prod")))


def test_a_picture_has_the_stack_the_counts_and_every_account_and_region() -> None:
    root = document(architecture.draw(plan_of("prod")))
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    deployed = len(model.deployed(plan_of("prod")))
    assert "Stack prod" in texts
    assert any(text and text.startswith(f"{deployed} resources · 2 accounts · 2 Regions") for text in texts)
    assert {"Account data", "Account ops", "739104825566", "862097351408"} <= set(texts)
    assert {"eu-central-1", "eu-west-1"} <= set(texts)


def test_every_resource_is_named_when_expanded() -> None:
    scene = architecture.draw(plan_of("prod"), expand=True)
    written = {text.whole or text.text for text in scene.every_text()}
    for resource in model.deployed(plan_of("prod")):
        noun = kind_of(resource["type"]).noun
        assert f"{noun.capitalize()} {resource['name']}" in written


def test_what_crosses_accounts_is_a_line_of_its_own_kind_though_only_an_arn_says_so() -> None:
    picture = model.architecture(plan_of("prod"))
    titles = {card.key: card.title for card in picture.cards}
    crossing = {
        (titles[link.source], titles[link.target]) for link in picture.links if link.kind == "crosses"
    }
    assert ("etl", "operations") in crossing
    assert ("host-access", "log-archive") in crossing
    drawn = {line.kind for line in architecture.draw(plan_of("prod")).lines}
    assert drawn == {"uses", "crosses"}


def test_who_may_use_a_resource_is_not_used_by_it() -> None:
    maker = PlanMaker()
    topic = maker.add("aws:sns/topic:Topic", "t", account="1" * 12, region="r", inputs={"name": "t"})
    arn = f"arn:aws:sns:r:{'1' * 12}:t"
    policy = json.dumps({"Statement": [{"Resource": arn}]})
    uses = maker.add("aws:iam/rolePolicy:RolePolicy", "p", account="2" * 12, inputs={"policy": policy})
    maker.add("aws:s3/bucketPolicy:BucketPolicy", "b", account="2" * 12, inputs={"policy": policy})
    assert list(references(maker.resources)) == [(uses, topic)]


def test_roles_have_no_region_and_stand_with_their_component() -> None:
    picture = model.architecture(plan_of("prod"))
    recovery = [card for card in picture.cards if card.title == "recovery"]
    assert [card.place.region for card in recovery] == ["eu-west-1"]


def test_many_components_of_one_type_become_one_card() -> None:
    maker = PlanMaker()
    top = maker.add("landfall:orchestration:Plane", "top", custom=False)
    for number in range(5):
        inner = maker.add("landfall:orchestration:Rule", f"rule-{number}", parent=top, custom=False)
        maker.add("aws:sqs/queue:Queue", f"q{number}", parent=inner, account="1" * 12, region="r")
    (card,) = model.architecture(maker.plan()).cards
    assert card.title == "5 × rule"
    assert len(card.members) == 5


def test_a_card_has_the_colour_and_the_first_lines_of_what_it_is_for() -> None:
    cards = {card.subtitle: card for card in model.architecture(plan_of("sandbox"), depth=1).cards}
    plane, hub = cards["ETL plane"], cards["Operations hub"]
    assert (plane.accent, hub.accent) == ("integration", "integration")
    shown = [kind.label for kind, _ in plane.kinds()]
    assert shown[0] == "Step Functions state machine"
    assert shown.index("EventBridge rule") < shown.index("KMS key") < shown.index("IAM role")
    inner = {card.subtitle: card.accent for card in model.architecture(plan_of("sandbox")).cards}
    assert inner["Handler function"] == "compute"
    assert inner["Customer key"] == "security"
    assert inner["Audit store"] == "database"


def test_a_card_does_not_say_its_name_twice() -> None:
    titles = {card.title: card.subtitle for card in model.architecture(plan_of("prod")).cards}
    assert titles["alarms"] == "6 resources"
    assert titles["catalogue"] == "1 resource"
    assert titles["host-delivery"] == "Host delivery"


def test_too_many_cards_are_collapsed_and_the_picture_says_so() -> None:
    picture = model.architecture(big_plan())
    assert picture.collapsed
    assert "top level only" in architecture.draw(big_plan()).subtitle
    assert not model.architecture(big_plan(), depth=2).collapsed


def test_depth_one_has_a_card_for_each_top_level_component_in_a_place() -> None:
    picture = model.architecture(plan_of("sandbox"), depth=1)
    assert sorted(card.title for card in picture.cards) == ["etl", "etl", "operations"]


names = st.text(min_size=1, max_size=60)


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    maker = PlanMaker(draw(names))
    urns: list[str] = []
    types = st.sampled_from(
        [
            "aws:s3/bucket:Bucket",
            "aws:kms/key:Key",
            "aws:iam/role:Role",
            "aws:ec2/vpc:Vpc",
            "random:x:Y",
            "aws:new/thing:Thing",
        ]
    )
    for number in range(draw(st.integers(0, 6))):
        area = draw(st.sampled_from(["network", "orchestration", "unheard_of"]))
        top = maker.add(f"landfall:{area}:Part", f"{number} {draw(names)}", custom=False)
        for inner in range(draw(st.integers(1, 5))):
            holder = top
            if draw(st.booleans()):
                holder = maker.add(f"landfall:{area}:Inner", f"{number} {inner}", parent=top, custom=False)
            known = draw(st.lists(st.sampled_from(urns), max_size=3)) if urns else []
            urns.append(
                maker.add(
                    draw(types),
                    f"{draw(names)} {number} {inner}",
                    parent=holder,
                    account=draw(st.sampled_from([None, "1" * 12, "2" * 12])),
                    region=draw(st.sampled_from([None, "eu-central-1", "us-east-1"])),
                    dependencies=tuple(known),
                )
            )
    return maker.plan()


@settings(max_examples=20, deadline=None)
@given(plan=plans(), expand=st.booleans(), depth=st.sampled_from([None, 1, 2, 3]))
def test_any_plan_can_be_read(plan: dict[str, Any], expand: bool, depth: int | None) -> None:
    scene = architecture.draw(plan, expand=expand, depth=depth)
    assert problems(scene) == []
    assert sum(box.counts for box in scene.boxes) == len(model.deployed(plan))
    document(scene)


def test_mermaid_has_balanced_blocks_and_every_card_once() -> None:
    picture = model.architecture(plan_of("prod"))
    lines = [line.strip() for line in mermaid.architecture(picture).splitlines()]
    assert lines[3] == "flowchart LR"
    assert sum(line.startswith("subgraph ") for line in lines) == lines.count("end")
    for card in picture.cards:
        assert sum(line.startswith(f'{card.key}["') for line in lines) == 1
    arrows = [line for line in lines if any(arrow in line for arrow in (" --> ", " -.-> ", " ==> "))]
    assert len(arrows) == len(picture.links)


def test_labels_cannot_break_out_of_mermaid_quotes() -> None:
    assert mermaid.label('a"]; x --> <b>\n#') == "a#quot;]#59; x --#gt; #lt;b#gt; #35;"


def test_a_picture_has_both_themes_and_a_png_has_one() -> None:
    scene: Scene = architecture.draw(plan_of("sandbox"))
    assert "prefers-color-scheme: dark" in svg.render(scene)
    assert "prefers-color-scheme" not in svg.render(scene, "dark")
    light, dark = png(scene, zoom=0.25), png(scene, "dark", zoom=0.25)
    assert light.startswith(b"\x89PNG") and light != dark
    assert light == png(scene, zoom=0.25)


@pytest.mark.parametrize(("width", "height"), [(900, 400), (20_000, 10), (1000, 1000)])
def test_a_png_has_no_more_pixels_than_a_machine_can_hold(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landfall.diagram.png.LARGEST_SIDE", 4000)
    monkeypatch.setattr("landfall.diagram.png.MOST_PIXELS", 1_000_000)
    scene = Scene(title="t", subtitle="", description="", width=width, height=height, boxes=())
    across, down = struct.unpack(">LL", png(scene)[16:24])
    assert max(across, down) <= 4000
    assert across * down <= 1_002_000
    assert across == pytest.approx(down * width / height, rel=0.5)


def test_letters_that_the_font_lacks_are_question_marks_in_a_png_only() -> None:
    maker = PlanMaker("漢字 Ω")
    scene = architecture.draw(maker.plan())
    assert ">Stack 漢字 Ω</text>" in svg.render(scene)
    assert ">Stack ?? Ω</text>" in svg.render(drawable(scene))


def test_the_rules_of_a_picture_see_what_breaks_them() -> None:
    scene = architecture.draw(plan_of("sandbox"))
    one, other = [box for box in scene.boxes if not box.is_frame][:2]
    there = replace(other, x=one.x, y=one.y, texts=one.texts)
    broken = problems(replace(scene, boxes=tuple(there if box is other else box for box in scene.boxes)))
    title = one.texts[0].text
    assert f"{one.key} overlaps {other.key}" in broken
    assert f"{title!r} overlaps {title!r}" in broken
    line = scene.lines[0]
    straight = replace(line, points=(line.points[0], (line.points[0][0], scene.height)))
    assert any("ends elsewhere" in said for said in problems(replace(scene, lines=(straight,))))
