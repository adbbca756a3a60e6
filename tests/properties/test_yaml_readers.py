"""A stack file means the same to both readers of YAML events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from landfall.config import yamltree
from landfall.config.yamltree import Node, Problem, read

FRAGMENTS = st.sampled_from(
    [
        *("a", "key", "1", "1.5", "~", "true", "2026-01-01", "é", "😀", "#", "# note", "<<", "-", "- ", "? "),
        *(
            ": ",
            ":",
            ",",
            "[",
            "]",
            "{",
            "}",
            "\n",
            "\n  ",
            "\n    ",
            " ",
            "'",
            '"',
            "''",
            "\\n",
            "|",
            ">",
            "|-",
        ),
        *("&x ", "*x", "!t ", "%", "---", "...", "@", "`", "\t", "a: 1\n", "- b\n", '"c d"', "'e'"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc é-_", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


def by_ruamel(text: str) -> tuple[Node | None, list[Problem]]:
    """What `read` answers where libyaml cannot be asked."""

    def refuse(*_: object, **__: object) -> Iterator[object]:
        raise yaml.YAMLError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yamltree.yaml, "parse", refuse)
        return read(text.encode())


@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_text_that_both_readers_take_has_the_same_values_and_problems(text: str) -> None:
    (fast, problems), (slow, slow_problems) = read(text.encode()), by_ruamel(text)
    if fast is not None and slow is not None:
        assert (fast.value, problems) == (slow.value, slow_problems)
    # libyaml takes a little more (a tab at a line's end), never less.
    assert fast is not None or slow is None


@given(TREES, st.booleans())
def test_written_yaml_has_the_same_values_and_places_for_both_readers(value: object, flow: bool) -> None:
    text = yaml.safe_dump({"config": value}, default_flow_style=flow, allow_unicode=True)
    assert read(text.encode()) == by_ruamel(text)
