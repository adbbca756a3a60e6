"""Inserting into stack files of any layout: the new entry is there, all else is byte for byte as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from landfall.catalog.insert import Block, CannotInsert, Splice, insert_item, insert_key
from landfall.catalog.text import flow, key_name, scalar
from landfall.config.yamltree import read

KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True).filter(lambda key: key not in ("y", "n"))
SCALARS = st.one_of(
    st.integers(0, 99),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12),
    st.sampled_from(
        ["yes", "null", "0x1F", "1e3", "2027-01-31", "a: b", "a #b", "- x", "", " x", "é", "1_0"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
NEW = Block(("fresh:", "  # What it is.", "  x: 1  # One.", "  # y: 2"), {"x": 1})


def values_of(text: str) -> Any:
    root, problems = read(text.encode("utf-8"))
    assert root is not None and not problems
    return root.value


@st.composite
def layouts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A file with `config:` and `landfall:network` somewhere in it, written in some style."""
    step = draw(st.sampled_from([1, 2, 4]))
    comments = st.sampled_from(["", "", "# a: comment", "#"])
    lines: list[str] = []

    def noise(indent: int) -> None:
        comment = draw(comments)
        if comment:
            lines.append(" " * draw(st.sampled_from([0, indent])) + comment)
        if draw(st.integers(0, 5)) == 0:
            lines.append("")

    def block(value: dict[str, Any], indent: int) -> None:
        for key, inner in value.items():
            noise(indent)
            name = key_name(key) if draw(st.booleans()) else f'"{key}"'
            tail = draw(st.sampled_from(["", "  # beside"]))
            if isinstance(inner, dict) and inner and draw(st.booleans()):
                lines.append(f"{' ' * indent}{name}:{tail}")
                block(inner, indent + step)
            elif isinstance(inner, str) and inner.strip() and draw(st.booleans()) and "\\" not in inner:
                lines.append(f"{' ' * indent}{name}: |")
                lines.append(f"{' ' * (indent + step)}{inner.strip()}")
            else:
                lines.append(f"{' ' * indent}{name}: {flow(inner)}{tail}")
        noise(indent)

    networks = draw(st.dictionaries(KEYS.filter(lambda key: key != "fresh"), VALUES, max_size=3))
    content = {
        f"landfall:{key}": value for key, value in draw(st.dictionaries(KEYS, VALUES, max_size=2)).items()
    }
    content["landfall:network"] = networks
    names = draw(st.permutations(list(content)))
    block({"config": {name: content[name] for name in names}}, 0)
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = newline.join(lines) + draw(st.sampled_from([newline, ""]))
    return draw(st.sampled_from(["", "\ufeff"])) + text, networks


def ends_inside_a_text_block(text: str) -> bool:
    """Whether any line after the last would give the block a line break that it has not."""
    return values_of(f"{text}\n") != values_of(text)


def test_a_text_block_that_the_file_cuts_off_is_not_changed_behind_ones_back() -> None:
    text = "config:\n  landfall:network: {}\n  other: |\n    text"
    with pytest.raises(CannotInsert, match="ends inside a text block; end its last line with a line break"):
        insert_key(text, ("guardrails", "waivers", "fresh"), NEW)
    assert insert_key(f"{text}\n", ("guardrails", "waivers", "fresh"), NEW)
    assert insert_key(text, ("network", "fresh"), NEW)  # elsewhere nothing is in the way


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_a_new_key_is_added_and_taken_away_without_a_trace(layout: tuple[str, dict[str, Any]]) -> None:
    text, _ = layout
    root, problems = read(text.encode("utf-8"))
    assume(root is not None and not problems)
    assume(not ends_inside_a_text_block(text))
    before = values_of(text)
    splice = insert_key(text, ("network", "fresh"), NEW)
    after = splice.apply(text)
    assert splice.undo(after) == text
    expected = dict(before["config"])
    expected["landfall:network"] = {**(expected["landfall:network"] or {}), "fresh": {"x": 1}}
    assert values_of(after) == {**before, "config": expected}
    kept = after.replace(splice.added, splice.removed, 1)
    assert kept == text
    if "\r\n" in text:
        assert "\n" not in splice.added.replace("\r\n", "")


@settings(max_examples=30, deadline=None)
@given(layouts())
def test_missing_mappings_on_the_way_are_made(layout: tuple[str, dict[str, Any]]) -> None:
    text, _ = layout
    root, problems = read(text.encode("utf-8"))
    assume(root is not None and not problems and "landfall:guardrails" not in root.value["config"])
    assume(not ends_inside_a_text_block(text))
    splice = insert_key(text, ("guardrails", "waivers", "fresh"), NEW)
    assert splice.undo(splice.apply(text)) == text
    assert values_of(splice.apply(text))["config"]["landfall:guardrails"] == {"waivers": {"fresh": {"x": 1}}}


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_what_is_written_on_one_line_is_read_as_the_same_value(value: Any) -> None:
    assert values_of(f"v: {flow(value)}\n") == {"v": value}
    assert "\n" not in flow(value)


@pytest.mark.parametrize(
    "word", ["y", "No", "null", "~", "1", "0x1", ".inf", "a: b", "a #", "", "-", "*x", "é"]
)
def test_text_that_a_reader_might_take_for_something_else_is_quoted(word: str) -> None:
    assert scalar(word).startswith('"')


HEAD = "config:\n  landfall:network:"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (f"{HEAD} {{}}  # none\n  x:y: 1\n", f"{HEAD}  # none\n    fresh:\n      # What it is.\n"),
        (f"{HEAD}\n  x:y: 1\n", f"{HEAD}\n    fresh:\n"),
        (f"{HEAD} null\n", f"{HEAD}\n    fresh:\n"),
        (f"{HEAD}  # none yet", f"{HEAD}  # none yet\n    fresh:\n"),
        (f"{HEAD} {{a: {{x: 2}}}}\n", f"{HEAD} {{a: {{x: 2}}, fresh: {{x: 1}}}}\n"),
        (f"{HEAD} {{a: {{x: 2}},}}\n", f"{HEAD} {{a: {{x: 2}}, fresh: {{x: 1}},}}\n"),
        ("config: {landfall:network: {}}\n", "config: {landfall:network: {fresh: {x: 1}}}\n"),
        (f"{HEAD}\n    a: |\n      text\n\n    # end\n", f"{HEAD}\n    a: |\n      text\n"),
        (f"{HEAD}\n    a: &b {{x: 2}}\n    c: *b\n# end\n",
         f"{HEAD}\n    a: &b {{x: 2}}\n    c: *b\n    fresh:\n"),
        (f"{HEAD}\n    a:\n      x: 2\n      # y: 3\n    # b:\n\n    #   x: 4\n  # end\n  x:y: 1\n",
         f"{HEAD}\n    a:\n      x: 2\n      # y: 3\n    # b:\n\n    #   x: 4\n    fresh:\n"),
        ('{"config": {"landfall:network": {"a": {"x": 2}}}}\n',
         '{"config": {"landfall:network": {"a": {"x": 2}, fresh: {x: 1}}}}\n'),
    ],
)  # fmt: skip
def test_places_of_every_style(text: str, after: str) -> None:
    splice = insert_key(text, ("network", "fresh"), NEW)
    assert splice.apply(text).startswith(after)
    assert splice.undo(splice.apply(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "config: [1]\n", "other: 1\n", "config:\n  landfall:network: [1]\n",
        "config:\n  landfall:network: x\n",
        "config: {", "config:\n  a: &n\n    x: {v: 1}\n  landfall:network: *n\n",
    ],
)  # fmt: skip
def test_a_layout_that_is_not_understood_is_left_alone(text: str) -> None:
    with pytest.raises(CannotInsert):
        insert_key(text, ("network", "fresh"), NEW)


LIST = "config:\n  landfall:workflows:\n    definitions:\n      w:\n        workflow_stages:"
ITEM = Block(("- x: 1  # One.", "  z: 2"), {"x": 1, "z": 2})
AT = ("workflows", "definitions", "w", "workflow_stages")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            f"{LIST}\n          - a: 1\n",
            f"{LIST}\n          - a: 1\n          - x: 1  # One.\n            z: 2\n",
        ),
        (
            f"{LIST}\n        - a: 1  # b\n      z: 1\n",
            f"{LIST}\n        - a: 1  # b\n        - x: 1  # One.\n",
        ),
        (
            f"{LIST}\n          - a: 1\n            # b: 2\n        # timeout: 1\n",
            f"{LIST}\n          - a: 1\n            # b: 2\n          - x: 1  # One.\n            z: 2\n",
        ),
        (f"{LIST} [a, b]\n", f"{LIST} [a, b, {{x: 1, z: 2}}]\n"),
        (f"{LIST} [a,\n  b]  # c\n", f"{LIST} [a,\n  b, {{x: 1, z: 2}}]  # c\n"),
    ],
)
def test_an_entry_is_added_at_the_end_of_a_list(text: str, after: str) -> None:
    splice = insert_item(text, AT, ITEM)
    assert splice.apply(text).startswith(after)
    assert splice.undo(splice.apply(text)) == text


@pytest.mark.parametrize("text", [f"{LIST} []\n", f"{LIST}\n", f"{LIST} {{a: 1}}\n"])
def test_a_list_that_is_not_there_gets_no_entry(text: str) -> None:
    with pytest.raises(CannotInsert):
        insert_item(text, AT, ITEM)


def test_a_splice_is_its_own_inverse() -> None:
    splice = Splice(3, "bc", "XYZ")
    assert splice.apply("aaabcd") == "aaaXYZd"
    assert splice.undo(splice.apply("aaabcd")) == "aaabcd"
